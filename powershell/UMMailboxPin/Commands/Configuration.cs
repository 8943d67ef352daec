using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Shows the store's own settings: how mail goes out, and the names that messages show.</summary>
/// <remarks>New stores have the transport None: mails wait, sealed, until one is chosen with Set-UMPinConfiguration.</remarks>
/// <example>
/// <code>Get-UMPinConfiguration</code>
/// <para>Shows the settings and where the store and its key lie.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "UMPinConfiguration")]
[OutputType("UMMailboxPin.PinConfiguration")]
public sealed class GetUMPinConfigurationCommand : AdminCommand
{
}

/// <summary>Changes the store's own settings: how mail goes out, and the names that messages show.</summary>
/// <remarks>
/// Pickup writes each message as a file into a folder, in the form that Exchange's own pickup folder takes. Command hands
/// each message to the standard input of a program such as "sendmail -t -i", without a shell.
/// </remarks>
/// <example>
/// <code>Set-UMPinConfiguration -MailTransport Pickup -PickupFolder D:\Pickup -SenderAddress voicemail@contoso.com</code>
/// <para>Lets the Exchange server on this machine deliver the mails.</para>
/// </example>
/// <example>
/// <code>Set-UMPinConfiguration -MailTransport Command -MailCommand /usr/sbin/sendmail, -t, -i -TestMail administrator@contoso.com</code>
/// <para>Sends through sendmail, and tries it with a message that holds no PIN.</para>
/// </example>
[Cmdlet(VerbsCommon.Set, "UMPinConfiguration", SupportsShouldProcess = true)]
public sealed class SetUMPinConfigurationCommand : PathCommand
{
    /// <summary>Specifies how mail goes out: None, Pickup or Command.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(MailTransportWords))]
    public string? MailTransport { get; set; }

    /// <summary>Specifies the program that Command runs, and its arguments, one each.</summary>
    [Parameter]
    public string[]? MailCommand { get; set; }

    /// <summary>Specifies the folder that Pickup writes to.</summary>
    [Parameter]
    public string? PickupFolder { get; set; }

    /// <summary>Specifies the address that mails come from.</summary>
    [Parameter]
    public string? SenderAddress { get; set; }

    /// <summary>Specifies the server name that not-found messages show.</summary>
    [Parameter]
    public string? ServerName { get; set; }

    /// <summary>Sends a message without a PIN to this address, by the settings as they are then.</summary>
    [Parameter]
    public string? TestMail { get; set; }
}

/// <summary>Shows which mails wait, and why. Never a PIN.</summary>
/// <remarks>A mail that was delivered is erased.</remarks>
/// <example>
/// <code>Get-UMPinOutbox | Where-Object Attempts -gt 3</code>
/// <para>Shows the mails that failed more than three times.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "UMPinOutbox")]
[OutputType("UMMailboxPin.OutboxItem")]
public sealed class GetUMPinOutboxCommand : AdminCommand
{
}

/// <summary>Tries now to deliver the mails that wait.</summary>
/// <remarks>Cmdlets that queue a mail try for at most five seconds; this one, and the program umpin with "deliver", do the rest.</remarks>
/// <example>
/// <code>Send-UMPinOutbox</code>
/// <para>Delivers what waits, and warns of what could not be delivered.</para>
/// </example>
[Cmdlet(VerbsCommunications.Send, "UMPinOutbox", SupportsShouldProcess = true)]
[OutputType("UMMailboxPin.OutboxItem")]
public sealed class SendUMPinOutboxCommand : AdminCommand
{
}
