namespace UMMailboxPin;

/// <summary>For VoIPSecurity.</summary>
public sealed class VoIPSecurityWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public VoIPSecurityWords()
        : base("Unsecured", "SIPSecured", "Secured")
    {
    }
}
