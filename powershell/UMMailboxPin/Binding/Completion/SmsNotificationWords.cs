namespace UMMailboxPin;

/// <summary>For UMSMSNotificationOption.</summary>
public sealed class SmsNotificationWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public SmsNotificationWords()
        : base("None", "VoiceMail", "VoiceMailAndMissedCalls")
    {
    }
}
