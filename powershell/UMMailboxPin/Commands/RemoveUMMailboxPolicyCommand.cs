using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Removes a UM mailbox policy that no UM-enabled mailbox uses.</summary>
/// <remarks>Refused while a mailbox is under the policy.</remarks>
/// <example>
/// <code>Get-UMMailboxPolicy -Identity Executives | Remove-UMMailboxPolicy -Confirm:$false</code>
/// <para>Removes a policy without asking.</para>
/// </example>
/// <example>
/// <code>Remove-UMMailboxPolicy -Identity Executives</code>
/// <para>Asks, then removes a policy.</para>
/// </example>
[Cmdlet(VerbsCommon.Remove, "UMMailboxPolicy", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High,
    HelpUri = MicrosoftPages + "remove-ummailboxpolicy")]
public sealed class RemoveUMMailboxPolicyCommand : DirectoryCommand
{
    /// <summary>Specifies the UM mailbox policy: a name or GUID, or a policy object.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxPolicyCompleter))]
    public UmObjectIdentity? Identity { get; set; }
}
