using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Replaces the key that seals the PINs. No PIN has to be reset.</summary>
/// <remarks>
/// Every sealed value is sealed again under the new key, in steps; others can work meanwhile, and a run that was
/// interrupted is resumed by the next one. Copy the key file afterwards: backups never hold it.
/// </remarks>
/// <example>
/// <code>Update-UMPinKey -Confirm:$false</code>
/// <para>Rotates the key without asking.</para>
/// </example>
/// <example>
/// <code>Update-UMPinKey -WhatIf</code>
/// <para>Shows what would be sealed again.</para>
/// </example>
[Cmdlet(VerbsData.Update, "UMPinKey", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType("UMMailboxPin.KeyRotation")]
public sealed class UpdateUMPinKeyCommand : AdminCommand
{
}
