using System.Management.Automation;

namespace UMMailboxPin.Commands;

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
/// <example>
/// <code>Get-UMMailbox -Filter "UMMailboxPolicy -eq 'Executives'" | Disable-UMMailbox -WhatIf</code>
/// <para>Shows who would be disabled.</para>
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
