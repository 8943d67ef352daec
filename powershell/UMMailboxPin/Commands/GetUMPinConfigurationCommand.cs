using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Shows the store's own settings: how mail goes out, and the names that messages show.</summary>
/// <remarks>
/// New stores have the transport None: mails wait, sealed, until one is chosen with Set-UMPinConfiguration.
/// </remarks>
/// <example>
/// <code>Get-UMPinConfiguration</code>
/// <para>Shows the settings and where the store and its key lie.</para>
/// </example>
/// <example>
/// <code>(Get-UMPinConfiguration).Transport</code>
/// <para>Shows only how mail goes out.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "UMPinConfiguration")]
[OutputType("UMMailboxPin.PinConfiguration")]
public sealed class GetUMPinConfigurationCommand : AdminCommand
{
}
