using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Enables a recipient for unified messaging, with extensions, a policy and a first PIN.</summary>
/// <remarks>
/// The extensions have as many digits as the policy's dial plan says, and nobody else in the dial plan may have them. Left
/// out, an extension is made from the recipient's phone number. The PIN is generated unless one is given, and the welcome
/// mail carries it. Returns the UM mailbox.
/// </remarks>
/// <example>
/// <code>Enable-UMMailbox -Identity tonysmith@contoso.com -UMMailboxPolicy "Redmond Default Policy" -Extensions 51234 -PIN 5643892 -NotifyEmail administrator@contoso.com -PINExpired $true</code>
/// <para>Enables a mailbox with an extension and a PIN that must be changed, and mails the welcome message to the administrator.</para>
/// </example>
/// <example>
/// <code>Get-Mailbox tony | Enable-UMMailbox -UMMailboxPolicy "Redmond Default Policy" -ValidateOnly</code>
/// <para>Shows what would be set, and every error, and changes nothing.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Enable, "UMMailbox", SupportsShouldProcess = true, DefaultParameterSetName = "Identity",
    HelpUri = MicrosoftPages + "enable-ummailbox")]
[OutputType("Microsoft.Exchange.Data.Directory.Management.UMMailbox")]
public sealed class EnableUMMailboxCommand : RecipientCommand
{
    /// <summary>Specifies the recipient, in any identity form, or an object with an identity.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(RecipientCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Specifies the UM mailbox policy: a name, distinguished name or GUID, or a policy object.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Identity")]
    [Parameter(ParameterSetName = "CloudVoiceMail")]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxPolicyCompleter))]
    public UmObjectIdentity? UMMailboxPolicy { get; set; }

    /// <summary>Accepted so that scripts of the hybrid years bind; there is no cloud voice mail to enable.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "CloudVoiceMail")]
    public SwitchParameter EnableCloudVoiceMail { get; set; }

    /// <summary>Says whether automatic speech recognition is available to the user.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AutomaticSpeechRecognitionEnabled { get; set; }

    /// <summary>Specifies the extensions; the first one is the primary.</summary>
    [Parameter]
    public string[]? Extensions { get; set; }

    /// <summary>Specifies the address that the welcome message goes to, instead of the recipient's primary SMTP address.</summary>
    [Parameter]
    public string? NotifyEmail { get; set; }

    /// <summary>Specifies the number to call that the welcome message names, instead of the dial plan's access numbers.</summary>
    [Parameter]
    public string? PilotNumber { get; set; }

    /// <summary>Specifies the first PIN, as text or SecureString. Left out or empty, one is generated.</summary>
    [Parameter]
    [SecureStringToString]
    public string? PIN { get; set; }

    /// <summary>Says whether the PIN must be changed at the first sign-in. It must, unless this is $false.</summary>
    /// <value>True</value>
    [Parameter]
    public bool PINExpired { get; set; }

    /// <summary>Says whether the welcome message is sent. It is, unless this is $false.</summary>
    /// <value>True</value>
    [Parameter]
    public bool SendWelcomeMail { get; set; }

    /// <summary>Specifies the SIP address or E.164 number that dial plans of these types need.</summary>
    [Parameter]
    public string? SIPResourceIdentifier { get; set; }

    /// <summary>Returns what would be set, and every error, and changes nothing.</summary>
    [Parameter]
    public SwitchParameter ValidateOnly { get; set; }

    private protected override string? SecretArgument => PIN;

    private protected override bool Writes => !ValidateOnly;

    /// <summary>One mailbox.</summary>
    protected override void ProcessRecord()
    {
        WarnOfPinColumn(Identity, nameof(PIN));
        base.ProcessRecord();
    }
}

/// <summary>Disables unified messaging for a mailbox. Its extensions are free at once and no PIN signs in.</summary>
/// <remarks>Returns the UM mailbox with UMEnabled false. A later Enable-UMMailbox always sets a new PIN.</remarks>
/// <example>
/// <code>Disable-UMMailbox -Identity tonysmith@contoso.com</code>
/// <para>Asks, then disables; the settings are kept for the case that the mailbox is enabled again.</para>
/// </example>
/// <example>
/// <code>Disable-UMMailbox -Identity tonysmith@contoso.com -KeepProperties $false -Confirm:$false</code>
/// <para>Disables without asking and erases every UM datum.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Disable, "UMMailbox", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High,
    HelpUri = MicrosoftPages + "disable-ummailbox")]
[OutputType("Microsoft.Exchange.Data.Directory.Management.UMMailbox")]
public sealed class DisableUMMailboxCommand : RecipientCommand
{
    /// <summary>Specifies the mailbox, in any identity form, or an object with an identity.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Keeps the settings and the PIN history ($true, also when left out), or erases them ($false).</summary>
    /// <value>True</value>
    [Parameter]
    public bool KeepProperties { get; set; }
}

/// <summary>Lists UM-enabled mailboxes with their settings.</summary>
/// <remarks>Shows at most 1000 mailboxes, with a warning when there are more, unless -ResultSize says otherwise.</remarks>
/// <example>
/// <code>Get-UMMailbox -ResultSize Unlimited | Select-Object DisplayName, Extensions, UMMailboxPolicy</code>
/// <para>Lists all UM-enabled mailboxes with their extensions and policies.</para>
/// </example>
/// <example>
/// <code>Get-UMMailbox -Filter "EmailAddresses -like 'eum:512*'"</code>
/// <para>Finds the mailboxes whose extension begins with 512.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "UMMailbox", DefaultParameterSetName = "Identity", HelpUri = MicrosoftPages + "get-ummailbox")]
[OutputType("Microsoft.Exchange.Data.Directory.Management.UMMailbox")]
public sealed class GetUMMailboxCommand : RecipientCommand
{
    /// <summary>Specifies the mailbox, in any identity form, or an object with an identity. Left out or $null: all.</summary>
    [Parameter(ParameterSetName = "Identity", Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Specifies a part of a name: matches the beginning of name, display name, first name, last name and alias.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "AnrSet")]
    public string? Anr { get; set; }

    /// <summary>Accepted for compatibility and ignored: the store is opened as who runs PowerShell.</summary>
    [Parameter]
    public PSCredential? Credential { get; set; }

    /// <summary>Specifies an OPATH filter, for example "UMMailboxPolicy -eq 'Sales' -and DisplayName -like 'T*'".</summary>
    [Parameter]
    public string? Filter { get; set; }

    /// <summary>Specifies the organizational unit to look in, by canonical or distinguished name.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(OrganizationalUnitCompleter))]
    public string? OrganizationalUnit { get; set; }

    /// <summary>Accepted for compatibility and ignored: there is one copy of the data.</summary>
    [Parameter]
    public SwitchParameter ReadFromDomainController { get; set; }

    /// <summary>Specifies how many mailboxes to show at most: a number, or Unlimited.</summary>
    /// <value>1000</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? ResultSize { get; set; }

    /// <summary>Specifies the property to sort by: Name, DisplayName or ServerLegacyDN.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SortByWords))]
    public string? SortBy { get; set; }
}

/// <summary>Changes the settings of a UM-enabled mailbox. Its PIN is set with Set-UMMailboxPIN.</summary>
/// <remarks>
/// What is left out stays as it is; the defaults shown are those of a new one.
/// Settings that only matter to a telephone system are checked, stored and returned.
/// </remarks>
/// <example>
/// <code>Set-UMMailbox -Identity tonysmith@contoso.com -UMMailboxPolicy "Executives" -OperatorNumber 50100</code>
/// <para>Moves a mailbox to another policy and sets the user's own operator.</para>
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

    /// <summary>Specifies whether callers find the user in the directory search by telephone: None or SearchEnabled.</summary>
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

    /// <summary>Specifies the UM mailbox policy to move the mailbox to: a name, distinguished name or GUID, or a policy object.</summary>
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
        ? Errors.Misplaced(Operation, "PIN", "Set-UMMailboxPIN sets a PIN; -PinlessAccessToVoiceMailEnabled is to be written out.")
        : null;
}

/// <summary>Locks a UM-enabled mailbox and leaves its PIN alone.</summary>
/// <remarks>Set-UMMailboxPIN -LockedOut $true, Exchange's own way, replaces the PIN as well.</remarks>
/// <example>
/// <code>Lock-UMMailbox -Identity tonysmith@contoso.com</code>
/// <para>No PIN signs in until an administrator unlocks the mailbox.</para>
/// </example>
[Cmdlet(VerbsCommon.Lock, "UMMailbox", SupportsShouldProcess = true)]
public sealed class LockUMMailboxCommand : RecipientCommand
{
    /// <summary>Specifies the mailbox, in any identity form, or an object with an identity.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxCompleter))]
    public UmObjectIdentity? Identity { get; set; }
}

/// <summary>Unlocks a UM-enabled mailbox, clears its failure count and leaves its PIN alone.</summary>
/// <remarks>Set-UMMailboxPIN -LockedOut $false, Exchange's own way, replaces the PIN as well.</remarks>
/// <example>
/// <code>Get-UMMailboxPIN | Where-Object LockedOut | Unlock-UMMailbox</code>
/// <para>Unlocks everyone who is locked out; they go on with the PINs they know.</para>
/// </example>
[Cmdlet(VerbsCommon.Unlock, "UMMailbox", SupportsShouldProcess = true)]
public sealed class UnlockUMMailboxCommand : RecipientCommand
{
    /// <summary>Specifies the mailbox, in any identity form, or an object with an identity.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxCompleter))]
    public UmObjectIdentity? Identity { get; set; }
}
