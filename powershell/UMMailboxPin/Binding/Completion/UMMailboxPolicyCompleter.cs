namespace UMMailboxPin;

/// <summary>Completes a UM mailbox policy.</summary>
public sealed class UMMailboxPolicyCompleter : IdentityCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public UMMailboxPolicyCompleter()
        : base("UMMailboxPolicy")
    {
    }
}
