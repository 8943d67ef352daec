namespace UMMailboxPin;

/// <summary>For DialByNamePrimary.</summary>
public sealed class DialByNamePrimaryWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public DialByNamePrimaryWords()
        : base("LastFirst", "FirstLast", "SMTPAddress")
    {
    }
}
