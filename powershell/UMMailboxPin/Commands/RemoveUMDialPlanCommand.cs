using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Removes a UM dial plan that no policy and no mailbox uses.</summary>
/// <remarks>Remove its policies first.</remarks>
/// <example>
/// <code>Get-UMDialPlan | Remove-UMDialPlan -Confirm:$false</code>
/// <para>Removes all dial plans without asking.</para>
/// </example>
/// <example>
/// <code>Remove-UMDialPlan -Identity Redmond -WhatIf</code>
/// <para>Shows whether a dial plan could be removed.</para>
/// </example>
[Cmdlet(VerbsCommon.Remove, "UMDialPlan", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High,
    HelpUri = MicrosoftPages + "remove-umdialplan")]
public sealed class RemoveUMDialPlanCommand : DirectoryCommand
{
    /// <summary>Specifies the UM dial plan: a name or GUID, or a dial plan object.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMDialPlanCompleter))]
    public UmObjectIdentity? Identity { get; set; }
}
