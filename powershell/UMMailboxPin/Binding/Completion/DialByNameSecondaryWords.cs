namespace UMMailboxPin;

/// <summary>For DialByNameSecondary.</summary>
public sealed class DialByNameSecondaryWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public DialByNameSecondaryWords()
        : base("LastFirst", "FirstLast", "SMTPAddress", "None")
    {
    }
}
