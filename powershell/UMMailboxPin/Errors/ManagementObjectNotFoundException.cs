namespace Microsoft.Exchange.Configuration.Tasks;

/// <summary>No object has this identity.</summary>
public sealed class ManagementObjectNotFoundException : UMMailboxPin.UmException
{
    internal ManagementObjectNotFoundException(UMMailboxPin.Failure failure)
        : base(failure)
    {
    }
}
