namespace Microsoft.Exchange.Management.Tasks;

/// <summary>No PIN could be generated that passes every rule.</summary>
public sealed class DefaultPinGenerationException : UMMailboxPin.UmException
{
    internal DefaultPinGenerationException(UMMailboxPin.Failure failure)
        : base(failure)
    {
    }
}
