namespace Microsoft.Exchange.Management.Tasks;

/// <summary>The mailbox is enabled already.</summary>
public sealed class UserAlreadyUmEnabledException : UMMailboxPin.UmException
{
    internal UserAlreadyUmEnabledException(UMMailboxPin.Failure failure)
        : base(failure)
    {
    }
}
