namespace UMMailboxPin;

/// <summary>For the two message protection settings.</summary>
public sealed class ProtectionWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public ProtectionWords()
        : base("None", "Private", "All")
    {
    }
}
