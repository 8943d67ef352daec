using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Lists UM mailbox policies with their settings.</summary>
/// <remarks>The PIN rules of a mailbox are its policy's.</remarks>
/// <example>
/// <code>Get-UMMailboxPolicy | Format-Table Name, MinPINLength, PINLifetime, MaxLogonAttempts</code>
/// <para>Shows the PIN rules of every policy.</para>
/// </example>
/// <example>
/// <code>Get-UMMailboxPolicy -UMDialPlan Redmond</code>
/// <para>Lists the policies of one dial plan.</para>
/// </example>
/// <example>
/// <code>
/// Get-UMMailbox -Identity tonysmith@contoso.com | ForEach-Object { Get-UMMailboxPolicy -Identity
/// $_.UMMailboxPolicy }
/// </code>
/// <para>Shows the policy of one mailbox.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "UMMailboxPolicy", HelpUri = MicrosoftPages + "get-ummailboxpolicy")]
[OutputType("Microsoft.Exchange.Data.Directory.SystemConfiguration.UMMailboxPolicy")]
public sealed class GetUMMailboxPolicyCommand : DirectoryCommand
{
    /// <summary>Specifies the UM mailbox policy: a name or GUID. Left out or $null: all.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxPolicyCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Shows only the policies of this dial plan.</summary>
    [Parameter]
    [Identity]
    [ArgumentCompleter(typeof(UMDialPlanCompleter))]
    public UmObjectIdentity? UMDialPlan { get; set; }
}
