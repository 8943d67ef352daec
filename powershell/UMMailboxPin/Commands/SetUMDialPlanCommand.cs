using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Changes the settings of a UM dial plan.</summary>
/// <remarks>
/// What is left out stays as it is; the defaults shown are those of a new one.
/// Most settings only matter to a telephone system; they are checked, stored and returned. What users' extensions
/// rest on is fixed when the dial plan is created.
/// </remarks>
/// <example>
/// <code>Set-UMDialPlan -Identity Redmond -AccessTelephoneNumbers 4255550100, 4255550101</code>
/// <para>Sets the numbers that the mails name.</para>
/// </example>
/// <example>
/// <code>Set-UMDialPlan -Identity Redmond -AccessTelephoneNumbers @{Add = '4255550102'; Remove = '4255550100'}</code>
/// <para>Adds one number and removes another.</para>
/// </example>
[Cmdlet(VerbsCommon.Set, "UMDialPlan", SupportsShouldProcess = true, HelpUri = MicrosoftPages + "set-umdialplan")]
public sealed class SetUMDialPlanCommand : DirectoryCommand
{
    /// <summary>Specifies the UM dial plan: a name or GUID, or a dial plan object.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMDialPlanCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Specifies the numbers to call; mails name them.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? AccessTelephoneNumbers { get; set; }

    /// <summary>Says whether callers may dial users of the dial plan.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowDialPlanSubscribers { get; set; }

    /// <summary>Specifies the in-country groups that may be dialled.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? AllowedInCountryOrRegionGroups { get; set; }

    /// <summary>Specifies the international groups that may be dialled.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? AllowedInternationalGroups { get; set; }

    /// <summary>Says whether callers may dial extensions.</summary>
    /// <value>False</value>
    [Parameter]
    public bool AllowExtensions { get; set; }

    /// <summary>Says whether callers are recognised by any phone number in the directory.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AllowHeuristicADCallingLineIdResolution { get; set; }

    /// <summary>Specifies the codec of recorded messages: G711, Wma, Gsm or Mp3.</summary>
    /// <value>Mp3</value>
    [Parameter]
    [ArgumentCompleter(typeof(AudioCodecWords))]
    public string? AudioCodec { get; set; }

    /// <summary>Says whether automatic speech recognition is available.</summary>
    /// <value>True</value>
    [Parameter]
    public bool AutomaticSpeechRecognitionEnabled { get; set; }

    /// <summary>Says whether users may have call answering rules.</summary>
    /// <value>True</value>
    [Parameter]
    public bool CallAnsweringRulesEnabled { get; set; }

    /// <summary>Says whether callers may be put through to users.</summary>
    /// <value>True</value>
    [Parameter]
    public bool CallSomeoneEnabled { get; set; }

    /// <summary>
    /// Specifies the in-country groups: name, number mask, dialled number and comment with commas between, or rows of
    /// Import-Csv.
    /// </summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? ConfiguredInCountryOrRegionGroups { get; set; }

    /// <summary>Specifies the international groups, in the same form.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? ConfiguredInternationalGroups { get; set; }

    /// <summary>Specifies the address list for the scope AddressList.</summary>
    [Parameter]
    public string? ContactAddressList { get; set; }

    /// <summary>Specifies the container that is searched for names.</summary>
    [Parameter]
    public string? ContactRecipientContainer { get; set; }

    /// <summary>Specifies where callers' search for a name looks.</summary>
    /// <value>DialPlan</value>
    [Parameter]
    [ArgumentCompleter(typeof(ContactScopeWords))]
    public string? ContactScope { get; set; }

    /// <summary>Specifies the country code.</summary>
    [Parameter]
    public string? CountryOrRegionCode { get; set; }

    /// <summary>Specifies the language, such as en-US.</summary>
    [Parameter]
    public string? DefaultLanguage { get; set; }

    /// <summary>Specifies the number that outgoing calls show.</summary>
    [Parameter]
    public string? DefaultOutboundCallingLineId { get; set; }

    /// <summary>Specifies what names are dialled by: LastFirst, FirstLast or SMTPAddress.</summary>
    /// <value>LastFirst</value>
    [Parameter]
    [ArgumentCompleter(typeof(DialByNamePrimaryWords))]
    public string? DialByNamePrimary { get; set; }

    /// <summary>Specifies the second way: LastFirst, FirstLast, SMTPAddress or None.</summary>
    /// <value>SMTPAddress</value>
    [Parameter]
    [ArgumentCompleter(typeof(DialByNameSecondaryWords))]
    public string? DialByNameSecondary { get; set; }

    /// <summary>Specifies the phone contexts that mean this dial plan, too.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? EquivalentDialPlanPhoneContexts { get; set; }

    /// <summary>Specifies the extension of callers' search.</summary>
    [Parameter]
    public string? Extension { get; set; }

    /// <summary>Says whether faxes are received.</summary>
    /// <value>True</value>
    [Parameter]
    public bool FaxEnabled { get; set; }

    /// <summary>Accepted for compatibility and ignored.</summary>
    [Parameter]
    public SwitchParameter ForceUpgrade { get; set; }

    /// <summary>Specifies the form of in-country numbers.</summary>
    [Parameter]
    public string? InCountryOrRegionNumberFormat { get; set; }

    /// <summary>Specifies whether an announcement is played: False, True or Uninterruptible.</summary>
    /// <value>False</value>
    [Parameter]
    [ArgumentCompleter(typeof(InfoAnnouncementWords))]
    public string? InfoAnnouncementEnabled { get; set; }

    /// <summary>Specifies the announcement's file.</summary>
    [Parameter]
    public string? InfoAnnouncementFilename { get; set; }

    /// <summary>Specifies how many wrong inputs end a call.</summary>
    /// <value>3</value>
    [Parameter]
    public int InputFailuresBeforeDisconnect { get; set; }

    /// <summary>Specifies the code for international calls.</summary>
    [Parameter]
    public string? InternationalAccessCode { get; set; }

    /// <summary>Specifies the form of international numbers.</summary>
    [Parameter]
    public string? InternationalNumberFormat { get; set; }

    /// <summary>Specifies where older servers keep prompts.</summary>
    [Parameter]
    public string? LegacyPromptPublishingPoint { get; set; }

    /// <summary>Specifies how many wrong PINs end a call.</summary>
    /// <value>3</value>
    [Parameter]
    public int LogonFailuresBeforeDisconnect { get; set; }

    /// <summary>Specifies what tells users of the same name apart.</summary>
    /// <value>PromptForAlias</value>
    [Parameter]
    [ArgumentCompleter(typeof(MatchedNameSelectionWords))]
    public string? MatchedNameSelectionMethod { get; set; }

    /// <summary>Specifies the longest call in minutes.</summary>
    /// <value>30</value>
    [Parameter]
    public int MaxCallDuration { get; set; }

    /// <summary>Specifies the longest recording in minutes.</summary>
    /// <value>20</value>
    [Parameter]
    public int MaxRecordingDuration { get; set; }

    /// <summary>Specifies a new name.</summary>
    [Parameter]
    public string? Name { get; set; }

    /// <summary>Specifies the prefix for calls within the country.</summary>
    [Parameter]
    public string? NationalNumberPrefix { get; set; }

    /// <summary>Specifies the forms that callers' numbers are matched by.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? NumberingPlanFormats { get; set; }

    /// <summary>Specifies the operator's extension.</summary>
    [Parameter]
    public string? OperatorExtension { get; set; }

    /// <summary>Specifies the code for an outside line.</summary>
    /// <value>9</value>
    [Parameter]
    public string? OutsideLineAccessCode { get; set; }

    /// <summary>Specifies the pilot identifiers.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? PilotIdentifierList { get; set; }

    /// <summary>Specifies how many seconds of silence end a recording.</summary>
    /// <value>5</value>
    [Parameter]
    public int RecordingIdleTimeout { get; set; }

    /// <summary>Says whether callers may send voice messages to users.</summary>
    /// <value>True</value>
    [Parameter]
    public bool SendVoiceMsgEnabled { get; set; }

    /// <summary>Says whether prompts may be recorded by telephone.</summary>
    /// <value>False</value>
    [Parameter]
    public bool TUIPromptEditingEnabled { get; set; }

    /// <summary>Specifies the auto attendant that takes over.</summary>
    [Parameter]
    public string? UMAutoAttendant { get; set; }

    /// <summary>Specifies the security of calls: Unsecured, SIPSecured or Secured.</summary>
    /// <value>Unsecured</value>
    [Parameter]
    [ArgumentCompleter(typeof(VoIPSecurityWords))]
    public string? VoIPSecurity { get; set; }

    /// <summary>Says whether a greeting of one's own is played.</summary>
    /// <value>False</value>
    [Parameter]
    public bool WelcomeGreetingEnabled { get; set; }

    /// <summary>Specifies the greeting's file.</summary>
    [Parameter]
    public string? WelcomeGreetingFilename { get; set; }
}
