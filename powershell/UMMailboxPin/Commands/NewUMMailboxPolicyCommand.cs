using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Creates a UM mailbox policy with the default settings.</summary>
/// <remarks>
/// Every other setting is made with Set-UMMailboxPolicy. New-UMDialPlan makes a first policy by itself.
/// </remarks>
/// <example>
/// <code>New-UMMailboxPolicy -Name "Executives" -UMDialPlan "Redmond"</code>
/// <para>Creates a policy for users of one dial plan.</para>
/// </example>
/// <example>
/// <code>New-UMMailboxPolicy -Name Interns -UMDialPlan Redmond | Set-UMMailboxPolicy -MinPINLength 8</code>
/// <para>Creates a policy and raises at once how long a PIN must be.</para>
/// </example>
[Cmdlet(VerbsCommon.New, "UMMailboxPolicy", SupportsShouldProcess = true,
    HelpUri = MicrosoftPages + "new-ummailboxpolicy")]
[OutputType("Microsoft.Exchange.Data.Directory.SystemConfiguration.UMMailboxPolicy")]
public sealed class NewUMMailboxPolicyCommand : DirectoryCommand
{
    /// <summary>Specifies the policy's name.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [AllowEmptyString]
    public string? Name { get; set; }

    /// <summary>Specifies the dial plan that the policy belongs to: a name or GUID, or a dial plan object.</summary>
    [Parameter(Mandatory = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMDialPlanCompleter))]
    public UmObjectIdentity? UMDialPlan { get; set; }
}
