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

/// <summary>For codecs.</summary>
public sealed class AudioCodecWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public AudioCodecWords()
        : base("G711", "Wma", "Gsm", "Mp3")
    {
    }
}

/// <summary>For UMSMSNotificationOption.</summary>
public sealed class SmsNotificationWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public SmsNotificationWords()
        : base("None", "VoiceMail", "VoiceMailAndMissedCalls")
    {
    }
}

/// <summary>For the two message protection settings.</summary>
public sealed class ProtectionWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public ProtectionWords()
        : base("None", "Private", "All")
    {
    }
}

/// <summary>For URIType.</summary>
public sealed class UriTypeWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public UriTypeWords()
        : base("TelExtn", "E164", "SipName")
    {
    }
}

/// <summary>For VoIPSecurity.</summary>
public sealed class VoIPSecurityWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public VoIPSecurityWords()
        : base("Unsecured", "SIPSecured", "Secured")
    {
    }
}

/// <summary>For ContactScope.</summary>
public sealed class ContactScopeWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public ContactScopeWords()
        : base("DialPlan", "GlobalAddressList", "Extension", "AutoAttendantLink", "AddressList")
    {
    }
}

/// <summary>For DialByNamePrimary.</summary>
public sealed class DialByNamePrimaryWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public DialByNamePrimaryWords()
        : base("LastFirst", "FirstLast", "SMTPAddress")
    {
    }
}

/// <summary>For DialByNameSecondary.</summary>
public sealed class DialByNameSecondaryWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public DialByNameSecondaryWords()
        : base("LastFirst", "FirstLast", "SMTPAddress", "None")
    {
    }
}

/// <summary>For InfoAnnouncementEnabled.</summary>
public sealed class InfoAnnouncementWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public InfoAnnouncementWords()
        : base("False", "True", "Uninterruptible")
    {
    }
}

/// <summary>For MatchedNameSelectionMethod.</summary>
public sealed class MatchedNameSelectionWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public MatchedNameSelectionWords()
        : base("Title", "Department", "Location", "None", "PromptForAlias", "InheritFromDialPlan")
    {
    }
}

/// <summary>For SortBy.</summary>
public sealed class SortByWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public SortByWords()
        : base("Name", "DisplayName", "ServerLegacyDN")
    {
    }
}

/// <summary>For counts that may be without a limit.</summary>
public sealed class UnlimitedWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public UnlimitedWords()
        : base("Unlimited")
    {
    }
}

/// <summary>For the mail transport.</summary>
public sealed class MailTransportWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public MailTransportWords()
        : base("None", "Pickup", "Command")
    {
    }
}
