namespace Microsoft.Exchange.Management.Tasks;

/// <summary>The PIN breaks a rule; the message names it.</summary>
public sealed class WeakPinException : UMMailboxPin.UmException
{
    internal WeakPinException(UMMailboxPin.Failure failure)
        : base(failure)
    {
    }
}
