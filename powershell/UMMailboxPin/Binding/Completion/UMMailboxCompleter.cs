namespace UMMailboxPin;

/// <summary>Completes a UM-enabled mailbox.</summary>
public sealed class UMMailboxCompleter : IdentityCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public UMMailboxCompleter()
        : base("UMMailbox")
    {
    }
}
