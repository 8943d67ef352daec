using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Enables a recipient for unified messaging, with extensions, a policy and a first PIN.</summary>
/// <remarks>
/// The extensions have as many digits as the policy's dial plan says, and nobody else in the dial plan may have them.
/// Left out, an extension is made from the recipient's phone number. The PIN is generated unless one is given, and
/// the welcome mail carries it. Returns the UM mailbox.
/// </remarks>
/// <example>
/// <code>
/// Enable-UMMailbox -Identity tonysmith@contoso.com -UMMailboxPolicy "Redmond Default Policy" -Extensions 51234 -PIN
/// 5643892 -NotifyEmail administrator@contoso.com -PINExpired $true
/// </code>
/// <para>
/// Enables a mailbox with an extension and a PIN that must be changed, and mails the welcome message to the
/// administrator.
/// </para>
/// </example>
/// <example>
/// <code>Get-Mailbox tony | Enable-UMMailbox -UMMailboxPolicy "Redmond Default Policy" -ValidateOnly</code>
/// <para>Shows what would be set, and every error, and changes nothing.</para>
/// </example>
/// <example>
/// <code>Enable-UMMailbox -Identity kakers@contoso.com -UMMailboxPolicy "Redmond Default Policy"</code>
/// <para>Makes the extension from the telephone number in the directory and generates the PIN.</para>
/// </example>
/// <example>
/// <code>
/// Import-Csv .\new.csv | ForEach-Object { Enable-UMMailbox $_.Mail -UMMailboxPolicy "Redmond Default Policy"
/// -Extensions $_.Extension }
/// </code>
/// <para>Enables everyone in a file with the columns Mail and Extension.</para>
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

    /// <summary>Specifies the UM mailbox policy: a name or GUID, or a policy object.</summary>
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

    /// <summary>
    /// Specifies the address that the welcome message goes to, instead of the recipient's primary SMTP address.
    /// </summary>
    [Parameter]
    public string? NotifyEmail { get; set; }

    /// <summary>
    /// Specifies the number to call that the welcome message names, instead of the dial plan's access numbers.
    /// </summary>
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
