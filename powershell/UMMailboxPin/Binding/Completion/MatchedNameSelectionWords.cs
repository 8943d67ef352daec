namespace UMMailboxPin;

/// <summary>For MatchedNameSelectionMethod.</summary>
public sealed class MatchedNameSelectionWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public MatchedNameSelectionWords()
        : base("Title", "Department", "Location", "None", "PromptForAlias")
    {
    }
}
