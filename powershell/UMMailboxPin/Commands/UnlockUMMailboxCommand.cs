using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Unlocks a UM-enabled mailbox, clears its failure count and leaves its PIN alone.</summary>
/// <remarks>Set-UMMailboxPIN -LockedOut $false, Exchange's own way, replaces the PIN as well.</remarks>
/// <example>
/// <code>Get-UMMailboxPIN | Where-Object LockedOut | Unlock-UMMailbox</code>
/// <para>Unlocks everyone who is locked out; they go on with the PINs they know.</para>
/// </example>
/// <example>
/// <code>Unlock-UMMailbox -Identity tonysmith@contoso.com</code>
/// <para>Unlocks one mailbox.</para>
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
