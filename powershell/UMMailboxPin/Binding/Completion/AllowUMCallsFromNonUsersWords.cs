namespace UMMailboxPin;

// What Tab offers for settings with a fixed set of words. Only an offer: the library decides what is valid.

/// <summary>For AllowUMCallsFromNonUsers.</summary>
public sealed class AllowUMCallsFromNonUsersWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public AllowUMCallsFromNonUsersWords()
        : base("None", "SearchEnabled")
    {
    }
}
