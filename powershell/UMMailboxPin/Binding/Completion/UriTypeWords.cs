namespace UMMailboxPin;

/// <summary>For URIType.</summary>
public sealed class UriTypeWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public UriTypeWords()
        : base("TelExtn", "E164", "SipName")
    {
    }
}
