using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Creates a UM dial plan, and with it a first UM mailbox policy.</summary>
/// <remarks>The policy is named after the dial plan, with "Default Policy" at the end.</remarks>
/// <example>
/// <code>New-UMDialPlan -Name Redmond -NumberOfDigitsInExtension 5 -URIType TelExtn -CountryOrRegionCode 1</code>
/// <para>Creates a dial plan for extensions of five digits.</para>
/// </example>
/// <example>
/// <code>New-UMDialPlan -Name MyUMDialPlan -NumberOfDigitsInExtension 4</code>
/// <para>Creates a dial plan for extensions of four digits, with everything else as it usually is.</para>
/// </example>
/// <example>
/// <code>
/// New-UMDialPlan -Name Lync -NumberOfDigitsInExtension 5 -CountryOrRegionCode 1 -URIType SipName -VoIPSecurity
/// SIPSecured -GenerateUMMailboxPolicy $false
/// </code>
/// <para>Creates a dial plan for SIP addresses, without a policy.</para>
/// </example>
[Cmdlet(VerbsCommon.New, "UMDialPlan", SupportsShouldProcess = true, HelpUri = MicrosoftPages + "new-umdialplan")]
[OutputType("Microsoft.Exchange.Data.Directory.SystemConfiguration.UMDialPlan")]
public sealed class NewUMDialPlanCommand : DirectoryCommand
{
    private protected override bool MakesStore => true;

    /// <summary>Specifies the dial plan's name.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [AllowEmptyString]
    public string? Name { get; set; }

    /// <summary>Specifies the country code, such as 1 or 44.</summary>
    /// <value>1</value>
    [Parameter]
    public string? CountryOrRegionCode { get; set; }

    /// <summary>Specifies how many digits an extension has.</summary>
    [Parameter(Mandatory = true)]
    public int NumberOfDigitsInExtension { get; set; }

    /// <summary>Specifies the numbers to call; mails name them.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? AccessTelephoneNumbers { get; set; }

    /// <summary>Specifies the language, such as en-US.</summary>
    /// <value>en-US</value>
    [Parameter]
    public string? DefaultLanguage { get; set; }

    /// <summary>Says whether faxes are received.</summary>
    /// <value>True</value>
    [Parameter]
    public bool FaxEnabled { get; set; }

    /// <summary>Says whether a first policy is created. It is, unless this is $false.</summary>
    /// <value>True</value>
    [Parameter]
    public bool GenerateUMMailboxPolicy { get; set; }

    /// <summary>Specifies how users are addressed: TelExtn, E164 or SipName.</summary>
    /// <value>TelExtn</value>
    [Parameter]
    [ArgumentCompleter(typeof(UriTypeWords))]
    public string? URIType { get; set; }

    /// <summary>Specifies the security of calls: Unsecured, SIPSecured or Secured.</summary>
    /// <value>Unsecured</value>
    [Parameter]
    [ArgumentCompleter(typeof(VoIPSecurityWords))]
    public string? VoIPSecurity { get; set; }
}
