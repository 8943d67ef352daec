namespace Microsoft.Exchange.Management.Tasks;

/// <summary>The mailbox is disabled already.</summary>
public sealed class UserAlreadyUmDisabledException : UMMailboxPin.UmException
{
    internal UserAlreadyUmDisabledException(UMMailboxPin.Failure failure)
        : base(failure)
    {
    }
}
