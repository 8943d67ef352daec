namespace Microsoft.Exchange.Configuration.Tasks;

/// <summary>Several objects have this identity.</summary>
public sealed class ManagementObjectAmbiguousException : UMMailboxPin.UmException
{
    internal ManagementObjectAmbiguousException(UMMailboxPin.Failure failure)
        : base(failure)
    {
    }
}
