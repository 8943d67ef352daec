using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Changes the settings of a UM mailbox policy, the PIN rules among them.</summary>
/// <remarks>
/// What is left out stays as it is; the defaults shown are those of a new one.
/// A change acts at once on everyone under the policy. Someone whose PIN has become too short must change it at the
/// next sign-in.
/// </remarks>
/// <example>
/// <code>
/// Set-UMMailboxPolicy -Identity MyUMMailboxPolicy -LogonFailuresBeforePINReset 8 -MaxLogonAttempts 12 -MinPINLength
/// 8 -PINHistoryCount 10 -PINLifetime 60 -ResetPINText "The PIN used to allow you access to your mailbox using
/// Outlook Voice Access is reset."
/// </code>
/// <para>Sets the PIN rules and the text of the mail with a new PIN.</para>
/// </example>
/// <example>
/// <code>Get-UMMailboxPolicy | Set-UMMailboxPolicy -PINLifetime Unlimited</code>
/// <para>Lets no PIN expire, under any policy.</para>
/// </example>
/// <example>
/// <code>Set-UMMailboxPolicy -Identity Executives -LockoutDuration 30 -BlockHumanPINs $true</code>
/// <para>Ends a lock after half an hour, and refuses the PINs that people choose most.</para>
/// </example>
[Cmdlet(VerbsCommon.Set, "UMMailboxPolicy", SupportsShouldProcess = true,
    HelpUri = MicrosoftPages + "set-ummailboxpolicy")]
public sealed class SetUMMailboxPolicyCommand : DirectoryCommand
{
    /// <summary>Specifies the UM mailbox policy: a name or GUID, or a policy object.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxPolicyCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Says whether users may use automatic speech recognition.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowAutomaticSpeechRecognition { get; set; }

    /// <summary>Says whether users may have call answering rules.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowCallAnsweringRules { get; set; }

    /// <summary>
    /// Says whether a PIN may be a run such as 123456 or 111111, or contain an extension. The tail of an extension is
    /// never allowed.
    /// </summary>
    /// <value>False</value>
    [Parameter]
    public bool AllowCommonPatterns { get; set; }

    /// <summary>Says whether users may dial others of the dial plan.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowDialPlanSubscribers { get; set; }

    /// <summary>Specifies the dial plan's in-country groups that users may dial.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? AllowedInCountryOrRegionGroups { get; set; }

    /// <summary>Specifies the dial plan's international groups that users may dial.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? AllowedInternationalGroups { get; set; }

    /// <summary>Says whether users may dial extensions.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowExtensions { get; set; }

    /// <summary>Says whether users may receive faxes.</summary>
    /// <value>False</value>
    [Parameter]
    public bool AllowFax { get; set; }

    /// <summary>Says whether users get a message waiting indicator.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowMessageWaitingIndicator { get; set; }

    /// <summary>Says whether users are notified of missed calls.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowMissedCallNotifications { get; set; }

    /// <summary>Says whether users may hear voice mail without a PIN from their own phones.</summary>
    /// <value>False</value>
    [Parameter]
    public bool AllowPinlessVoiceMailAccess { get; set; }

    /// <summary>Says whether users may have messages played on the telephone.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowPlayOnPhone { get; set; }

    /// <summary>Says whether users may get text messages.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowSMSNotification { get; set; }

    /// <summary>Says whether users may sign in by telephone.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowSubscriberAccess { get; set; }

    /// <summary>Says whether the calendar can be reached by telephone.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowTUIAccessToCalendar { get; set; }

    /// <summary>Says whether the directory can be reached by telephone.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowTUIAccessToDirectory { get; set; }

    /// <summary>Says whether e-mail can be reached by telephone.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowTUIAccessToEmail { get; set; }

    /// <summary>Says whether personal contacts can be reached by telephone.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowTUIAccessToPersonalContacts { get; set; }

    /// <summary>Says whether voice messages may be analysed to improve speech recognition.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowVoiceMailAnalysis { get; set; }

    /// <summary>Says whether voice messages come with a text preview.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowVoiceMailPreview { get; set; }

    /// <summary>Says whether users may answer e-mail and meeting requests by voice.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowVoiceResponseToOtherMessageTypes { get; set; }

    /// <summary>
    /// Refuses PINs that people choose most: dates, repeats, keypad lines, runs. Off unless asked for; not in
    /// Exchange.
    /// </summary>
    /// <value>False</value>
    [Parameter]
    public bool BlockHumanPINs { get; set; }

    /// <summary>
    /// Specifies how many days before a PIN expires its owner is told; Unlimited, the default, is never. Not in
    /// Exchange.
    /// </summary>
    /// <value>Unlimited</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? ExpiryNoticeDays { get; set; }

    /// <summary>Specifies the text added to fax messages.</summary>
    [Parameter]
    public string? FaxMessageText { get; set; }

    /// <summary>Specifies the address of the fax server.</summary>
    [Parameter]
    public string? FaxServerURI { get; set; }

    /// <summary>Accepted for compatibility and ignored.</summary>
    [Parameter]
    public SwitchParameter ForceUpgrade { get; set; }

    /// <summary>Says whether callers are told that their messages may be analysed.</summary>
    /// <value>True</value>
    [Parameter]
    public bool InformCallerOfVoiceMailAnalysis { get; set; }

    /// <summary>
    /// Refused: PINLifetime says how long a PIN lives. Without this parameter, PowerShell would take -Lifetime for the
    /// beginning of LifetimeLogonFailures.
    /// </summary>
    [Parameter(DontShow = true)]
    [AllowNull]
    public object? Lifetime { get; set; }

    /// <summary>
    /// Specifies how many failures in total lock the mailbox until an administrator unlocks it. Off unless asked for;
    /// not in Exchange.
    /// </summary>
    /// <value>Unlimited</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? LifetimeLogonFailures { get; set; }

    /// <summary>
    /// Refused: MaxLogonAttempts says how many failures lock. Without this parameter, PowerShell would take -Lockout
    /// for the beginning of LockoutDuration.
    /// </summary>
    [Parameter(DontShow = true)]
    [AllowNull]
    public object? Lockout { get; set; }

    /// <summary>
    /// Specifies after how many minutes a lock ends by itself; Unlimited, the default, is when an administrator
    /// unlocks. Not in Exchange.
    /// </summary>
    /// <value>Unlimited</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? LockoutDuration { get; set; }

    /// <summary>
    /// Specifies after how many failures in a row the PIN is replaced by a generated one and mailed; 0 or Unlimited
    /// is never. Must be below MaxLogonAttempts.
    /// </summary>
    /// <value>5</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? LogonFailuresBeforePINReset { get; set; }

    /// <summary>Specifies the longest greeting in minutes.</summary>
    /// <value>5</value>
    [Parameter]
    public int MaxGreetingDuration { get; set; }

    /// <summary>Specifies how many failures in a row lock the mailbox: a number, or Unlimited.</summary>
    /// <value>15</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? MaxLogonAttempts { get; set; }

    /// <summary>Specifies how many digits a PIN must have at least. A generated PIN has exactly as many.</summary>
    /// <value>6</value>
    [Parameter]
    public int MinPINLength { get; set; }

    /// <summary>Specifies a new name.</summary>
    [Parameter]
    public string? Name { get; set; }

    /// <summary>Mails only that the PIN was changed, without the PIN. Off unless asked for; not in Exchange.</summary>
    /// <value>False</value>
    [Parameter]
    public bool NotifyWithoutPIN { get; set; }

    /// <summary>Specifies how many PINs, the current one among them, a new PIN must differ from.</summary>
    /// <value>5</value>
    [Parameter]
    public int PINHistoryCount { get; set; }

    /// <summary>Specifies after how many days a PIN expires: a number, or Unlimited.</summary>
    /// <value>60</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? PINLifetime { get; set; }

    /// <summary>Specifies which messages from signed-in callers are protected: None, Private or All.</summary>
    /// <value>None</value>
    [Parameter]
    [ArgumentCompleter(typeof(ProtectionWords))]
    public string? ProtectAuthenticatedVoiceMail { get; set; }

    /// <summary>Specifies the text of protected voice messages.</summary>
    [Parameter]
    public string? ProtectedVoiceMailText { get; set; }

    /// <summary>Specifies which messages from other callers are protected: None, Private or All.</summary>
    /// <value>None</value>
    [Parameter]
    [ArgumentCompleter(typeof(ProtectionWords))]
    public string? ProtectUnauthenticatedVoiceMail { get; set; }

    /// <summary>Says whether protected messages can only be heard on the telephone.</summary>
    /// <value>False</value>
    [Parameter]
    public bool RequireProtectedPlayOnPhone { get; set; }

    /// <summary>Specifies the text at the end of the mail with a new PIN. Of HTML, b and a href are kept.</summary>
    [Parameter]
    public string? ResetPINText { get; set; }

    /// <summary>Specifies the names of policies in other forests.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? SourceForestPolicyNames { get; set; }

    /// <summary>Specifies the dial plan: a name or GUID, or a dial plan object.</summary>
    [Parameter]
    [Identity]
    [ArgumentCompleter(typeof(UMDialPlanCompleter))]
    public UmObjectIdentity? UMDialPlan { get; set; }

    /// <summary>Specifies the text at the end of the welcome mail. Of HTML, b and a href are kept.</summary>
    [Parameter]
    public string? UMEnabledText { get; set; }

    /// <summary>Specifies the address of the preview partner.</summary>
    [Parameter]
    public string? VoiceMailPreviewPartnerAddress { get; set; }

    /// <summary>Specifies the identifier that the preview partner gave.</summary>
    [Parameter]
    public string? VoiceMailPreviewPartnerAssignedID { get; set; }

    /// <summary>Specifies the preview partner's longest delay in seconds.</summary>
    /// <value>1200</value>
    [Parameter]
    public int VoiceMailPreviewPartnerMaxDeliveryDelay { get; set; }

    /// <summary>Specifies the longest message for the preview partner in seconds.</summary>
    /// <value>180</value>
    [Parameter]
    public int VoiceMailPreviewPartnerMaxMessageDuration { get; set; }

    /// <summary>Specifies the text added to voice messages.</summary>
    [Parameter]
    public string? VoiceMailText { get; set; }

    private protected override Failure? Misplaced =>
        MyInvocation.BoundParameters.ContainsKey(nameof(Lifetime))
            ? Errors.Misplaced(Operation, nameof(Lifetime), "Write -PINLifetime or -LifetimeLogonFailures out.")
            : MyInvocation.BoundParameters.ContainsKey(nameof(Lockout))
                ? Errors.Misplaced(Operation, nameof(Lockout), "Write -MaxLogonAttempts or -LockoutDuration out.")
                : null;
}
