namespace Microsoft.Exchange.Management.Tasks;

/// <summary>The mailbox is not enabled for unified messaging.</summary>
public sealed class UserNotUmEnabledException : UMMailboxPin.UmException
{
    internal UserNotUmEnabledException(UMMailboxPin.Failure failure)
        : base(failure)
    {
    }
}
