using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Shows which mails wait, and why. Never a PIN.</summary>
/// <remarks>A mail that was delivered is erased.</remarks>
/// <example>
/// <code>Get-UMPinOutbox | Where-Object Attempts -gt 3</code>
/// <para>Shows the mails that failed more than three times.</para>
/// </example>
/// <example>
/// <code>Get-UMPinOutbox | Group-Object -Property LastError -NoElement</code>
/// <para>Counts what waits by the reason.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "UMPinOutbox")]
[OutputType("UMMailboxPin.OutboxItem")]
public sealed class GetUMPinOutboxCommand : AdminCommand
{
}
