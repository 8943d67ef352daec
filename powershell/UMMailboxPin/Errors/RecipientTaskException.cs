namespace Microsoft.Exchange.Management.Tasks;

/// <summary>Storing, mailing or reading failed.</summary>
public sealed class RecipientTaskException : UMMailboxPin.UmException
{
    internal RecipientTaskException(UMMailboxPin.Failure failure)
        : base(failure)
    {
    }
}
