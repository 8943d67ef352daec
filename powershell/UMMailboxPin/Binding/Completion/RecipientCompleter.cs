namespace UMMailboxPin;

/// <summary>Completes any recipient.</summary>
public sealed class RecipientCompleter : IdentityCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public RecipientCompleter()
        : base("Recipient")
    {
    }
}
