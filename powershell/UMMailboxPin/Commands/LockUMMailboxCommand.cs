using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Locks a UM-enabled mailbox and leaves its PIN alone.</summary>
/// <remarks>Set-UMMailboxPIN -LockedOut $true, Exchange's own way, replaces the PIN as well.</remarks>
/// <example>
/// <code>Lock-UMMailbox -Identity tonysmith@contoso.com</code>
/// <para>No PIN signs in until an administrator unlocks the mailbox.</para>
/// </example>
/// <example>
/// <code>Get-UMMailbox -OrganizationalUnit contoso.com/Users/Sales | Lock-UMMailbox -WhatIf</code>
/// <para>Shows whom this would lock out.</para>
/// </example>
[Cmdlet(VerbsCommon.Lock, "UMMailbox", SupportsShouldProcess = true)]
public sealed class LockUMMailboxCommand : RecipientCommand
{
    /// <summary>Specifies the mailbox, in any identity form, or an object with an identity.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxCompleter))]
    public UmObjectIdentity? Identity { get; set; }
}
