using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Tries now to deliver the mails that wait.</summary>
/// <remarks>
/// Cmdlets that queue a mail try for at most five seconds; this one, and the program umpin with "deliver", do the
/// rest.
/// </remarks>
/// <example>
/// <code>Send-UMPinOutbox</code>
/// <para>Delivers what waits, and warns of what could not be delivered.</para>
/// </example>
/// <example>
/// <code>Get-UMPinOutbox | Select-Object -First 100 | Send-UMPinOutbox</code>
/// <para>Delivers a hundred of them.</para>
/// </example>
[Cmdlet(VerbsCommunications.Send, "UMPinOutbox", SupportsShouldProcess = true)]
[OutputType("UMMailboxPin.OutboxItem")]
public sealed class SendUMPinOutboxCommand : AdminCommand
{
    /// <summary>
    /// Specifies one message by its identity, the messages of one mailbox by its SMTP address, or an object of
    /// Get-UMPinOutbox. Left out: all.
    /// </summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Identity]
    public UmObjectIdentity? Identity { get; set; }
}
