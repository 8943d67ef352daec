using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Changes the store's own settings: how mail goes out, and the names that messages show.</summary>
/// <remarks>
/// Pickup writes each message as a file into a folder, in the form that Exchange's own pickup folder takes. Command
/// hands each message to the standard input of a program such as "sendmail -t -i", without a shell.
/// </remarks>
/// <example>
/// <code>Set-UMPinConfiguration -Transport Pickup -PickupFolder D:\Pickup -SenderAddress voicemail@contoso.com</code>
/// <para>Lets the Exchange server on this machine deliver the mails.</para>
/// </example>
/// <example>
/// <code>
/// Set-UMPinConfiguration -Transport Command -Command /usr/sbin/sendmail -CommandArguments '-t', '-i', '-f',
/// '{sender}' -TestMail administrator@contoso.com
/// </code>
/// <para>Sends through sendmail, and tries it with a message that holds no PIN.</para>
/// </example>
[Cmdlet(VerbsCommon.Set, "UMPinConfiguration", SupportsShouldProcess = true)]
public sealed class SetUMPinConfigurationCommand : PathCommand
{
    private protected override bool MakesStore => true;

    /// <summary>Specifies for how many days audit records are kept.</summary>
    [Parameter]
    public int AdminAuditLogAgeLimit { get; set; }

    /// <summary>Specifies the program that the transport Command runs.</summary>
    [Parameter]
    public string? Command { get; set; }

    /// <summary>
    /// Specifies the program's arguments, one each: there is no shell to split them. {sender} stands for the sender's
    /// address. Passwords are refused: they belong in the program's own settings.
    /// </summary>
    [Parameter]
    [AllowEmptyCollection]
    public string[]? CommandArguments { get; set; }

    /// <summary>Specifies how many seconds the program may take.</summary>
    [Parameter]
    public int CommandTimeoutSeconds { get; set; }

    /// <summary>Specifies the folder that Pickup writes to.</summary>
    [Parameter]
    public string? PickupFolder { get; set; }

    /// <summary>Specifies the address that mails come from.</summary>
    [Parameter]
    public string? SenderAddress { get; set; }

    /// <summary>Specifies the name that mails come from.</summary>
    [Parameter]
    public string? SenderName { get; set; }

    /// <summary>Specifies the server name that not-found messages show.</summary>
    [Parameter]
    public string? ServerName { get; set; }

    /// <summary>
    /// Specifies on how many mailboxes one PIN must be tried within an hour to be recorded as an attack; 0 is off.
    /// </summary>
    [Parameter]
    public int SprayDetectionThreshold { get; set; }

    /// <summary>
    /// Sends a message without a PIN to this address, by the settings that are being made. If that fails, they are
    /// not made.
    /// </summary>
    [Parameter]
    public string? TestMail { get; set; }

    /// <summary>Specifies how mail goes out: None, Pickup or Command.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(MailTransportWords))]
    public string? Transport { get; set; }
}
