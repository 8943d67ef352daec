using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Lists UM dial plans with their settings.</summary>
/// <remarks>UMMailboxPolicies names the policies that belong to a dial plan.</remarks>
/// <example>
/// <code>Get-UMDialPlan -Identity Redmond</code>
/// <para>Shows one dial plan.</para>
/// </example>
/// <example>
/// <code>Get-UMDialPlan | Select-Object Name, NumberOfDigitsInExtension, UMMailboxPolicies</code>
/// <para>Lists all dial plans with their policies.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "UMDialPlan", HelpUri = MicrosoftPages + "get-umdialplan")]
[OutputType("Microsoft.Exchange.Data.Directory.SystemConfiguration.UMDialPlan")]
public sealed class GetUMDialPlanCommand : DirectoryCommand
{
    /// <summary>Specifies the UM dial plan: a name or GUID. Left out or $null: all.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Identity]
    [ArgumentCompleter(typeof(UMDialPlanCompleter))]
    public UmObjectIdentity? Identity { get; set; }
}
