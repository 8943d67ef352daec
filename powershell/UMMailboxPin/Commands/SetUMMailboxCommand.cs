using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Changes the settings of a UM-enabled mailbox. Its PIN is set with Set-UMMailboxPIN.</summary>
/// <remarks>
/// What is left out stays as it is; the defaults shown are those of a new one.
/// Settings that only matter to a telephone system are checked, stored and returned.
/// </remarks>
/// <example>
/// <code>Set-UMMailbox -Identity tonysmith@contoso.com -UMMailboxPolicy "Executives" -OperatorNumber 50100</code>
/// <para>Moves a mailbox to another policy and sets the user's own operator.</para>
/// </example>
/// <example>
/// <code>Get-UMMailbox -ResultSize Unlimited | Set-UMMailbox -FaxEnabled $false</code>
/// <para>Turns faxes off for everyone.</para>
/// </example>
[Cmdlet(VerbsCommon.Set, "UMMailbox", SupportsShouldProcess = true, HelpUri = MicrosoftPages + "set-ummailbox")]
public sealed class SetUMMailboxCommand : RecipientCommand
{
    /// <summary>Specifies the mailbox, in any identity form, or an object with an identity.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Specifies the phone numbers of the user's mobile devices.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? AirSyncNumbers { get; set; }

    /// <summary>
    /// Specifies whether callers find the user in the directory search by telephone: None or SearchEnabled.
    /// </summary>
    /// <value>SearchEnabled</value>
    [Parameter]
    [ArgumentCompleter(typeof(AllowUMCallsFromNonUsersWords))]
    public string? AllowUMCallsFromNonUsers { get; set; }

    /// <summary>Says whether callers who are not known can leave a message.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AnonymousCallersCanLeaveMessages { get; set; }

    /// <summary>Says whether automatic speech recognition is available to the user.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AutomaticSpeechRecognitionEnabled { get; set; }

    /// <summary>Specifies the codec of recorded messages: G711, Wma, Gsm or Mp3.</summary>
    /// <value>Mp3</value>
    [Parameter]
    [ArgumentCompleter(typeof(AudioCodecWords))]
    public string? CallAnsweringAudioCodec { get; set; }

    /// <summary>Says whether the user may have call answering rules.</summary>
    /// <value>True</value>
    [Parameter]
    public bool CallAnsweringRulesEnabled { get; set; }

    /// <summary>Says whether the user can receive faxes.</summary>
    /// <value>True</value>
    [Parameter]
    public bool FaxEnabled { get; set; }

    /// <summary>Says whether the list of instant messaging contacts was migrated.</summary>
    /// <value>False</value>
    [Parameter]
    public bool ImListMigrationCompleted { get; set; }

    /// <summary>Says whether missed calls are notified.</summary>
    /// <value>True</value>
    [Parameter]
    public bool MissedCallNotificationEnabled { get; set; }

    /// <summary>Specifies a new name.</summary>
    [Parameter]
    public string? Name { get; set; }

    /// <summary>Specifies the user's own operator: a number or address.</summary>
    [Parameter]
    public string? OperatorNumber { get; set; }

    /// <summary>Specifies the user's phone number.</summary>
    [Parameter]
    public string? PhoneNumber { get; set; }

    /// <summary>Specifies the provider of the user's mobile phone.</summary>
    [Parameter]
    public string? PhoneProviderId { get; set; }

    /// <summary>
    /// Refused: Set-UMMailboxPIN sets the PIN. Without this parameter, PowerShell would take -PIN for the beginning of
    /// PinlessAccessToVoiceMailEnabled.
    /// </summary>
    [Parameter(DontShow = true)]
    [AllowNull]
    public object? Pin { get; set; }

    /// <summary>Says whether voice mail can be heard without a PIN from the user's own phone.</summary>
    /// <value>False</value>
    [Parameter]
    public bool PinlessAccessToVoiceMailEnabled { get; set; }

    /// <summary>Says whether messages can be played on the telephone.</summary>
    /// <value>True</value>
    [Parameter]
    public bool PlayOnPhoneEnabled { get; set; }

    /// <summary>Says whether the user can sign in by telephone.</summary>
    /// <value>True</value>
    [Parameter]
    public bool SubscriberAccessEnabled { get; set; }

    /// <summary>Says whether the calendar can be reached by telephone.</summary>
    /// <value>True</value>
    [Parameter]
    public bool TUIAccessToCalendarEnabled { get; set; }

    /// <summary>Says whether e-mail can be reached by telephone.</summary>
    /// <value>True</value>
    [Parameter]
    public bool TUIAccessToEmailEnabled { get; set; }

    /// <summary>Specifies the UM mailbox policy to move the mailbox to: a name or GUID, or a policy object.</summary>
    [Parameter]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxPolicyCompleter))]
    public UmObjectIdentity? UMMailboxPolicy { get; set; }

    /// <summary>Specifies which text messages the user gets: None, VoiceMail or VoiceMailAndMissedCalls.</summary>
    /// <value>None</value>
    [Parameter]
    [ArgumentCompleter(typeof(SmsNotificationWords))]
    public string? UMSMSNotificationOption { get; set; }

    /// <summary>Accepted for compatibility and ignored.</summary>
    [Parameter]
    public bool VerifyGlobalRoutingEntry { get; set; }

    /// <summary>Says whether voice messages may be analysed to improve speech recognition.</summary>
    /// <value>False</value>
    [Parameter]
    public bool VoiceMailAnalysisEnabled { get; set; }

    private protected override Failure? Misplaced => MyInvocation.BoundParameters.ContainsKey(nameof(Pin))
        ? Errors.Misplaced(
            Operation,
            "PIN",
            "Set-UMMailboxPIN sets a PIN; -PinlessAccessToVoiceMailEnabled is to be written out.")
        : null;
}
