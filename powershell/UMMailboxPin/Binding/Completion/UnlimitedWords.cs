namespace UMMailboxPin;

/// <summary>For counts that may be without a limit.</summary>
public sealed class UnlimitedWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public UnlimitedWords()
        : base("Unlimited")
    {
    }
}
