namespace UMMailboxPin;

/// <summary>For the mail transport.</summary>
public sealed class MailTransportWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public MailTransportWords()
        : base("None", "Pickup", "Command")
    {
    }
}
