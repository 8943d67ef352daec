namespace UMMailboxPin;

/// <summary>For ContactScope.</summary>
public sealed class ContactScopeWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public ContactScopeWords()
        : base("DialPlan", "GlobalAddressList", "Extension", "AutoAttendantLink", "AddressList")
    {
    }
}
