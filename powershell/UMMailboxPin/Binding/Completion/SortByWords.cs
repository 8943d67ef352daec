namespace UMMailboxPin;

/// <summary>For SortBy.</summary>
public sealed class SortByWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public SortByWords()
        : base("Name", "DisplayName", "ServerLegacyDN")
    {
    }
}
