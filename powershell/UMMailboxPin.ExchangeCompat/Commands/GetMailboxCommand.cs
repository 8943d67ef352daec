using System.Management.Automation;

namespace UMMailboxPin.ExchangeCompat;

/// <summary>
/// Lists mailboxes: the recipients of the directory that have an SMTP address, enabled for unified messaging or not.
/// </summary>
/// <remarks>
/// Only what UM scripts read of Exchange's Get-Mailbox. Where a real Exchange session is open, its own Get-Mailbox
/// comes first; import this module with -Prefix to reach both.
/// </remarks>
/// <example>
/// <code>Get-Mailbox -ResultSize Unlimited | Where-Object { $_.UMEnabled -eq $false }</code>
/// <para>Lists everyone who is not enabled for unified messaging.</para>
/// </example>
/// <example>
/// <code>Get-Mailbox tony | Enable-UMMailbox -UMMailboxPolicy "Redmond Default Policy" -Extensions 51234</code>
/// <para>Enables one of them.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "Mailbox", DefaultParameterSetName = "Identity", HelpUri = MicrosoftPages + "get-mailbox")]
[OutputType("Microsoft.Exchange.Data.Directory.Management.Mailbox")]
public sealed class GetMailboxCommand : MailboxListCommand
{
    /// <summary>
    /// Specifies the mailbox, in any identity form, or an object with an identity. Left out or $null: all.
    /// </summary>
    [Parameter(ParameterSetName = "Identity", Position = 0,
        ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Identity]
    [ArgumentCompleter(typeof(RecipientCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Specifies the kinds of mailbox to show. Every mailbox here is a UserMailbox.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(RecipientTypeWords))]
    public string[]? RecipientTypeDetails { get; set; }
}
