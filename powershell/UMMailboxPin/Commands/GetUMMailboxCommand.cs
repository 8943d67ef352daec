using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Lists UM-enabled mailboxes with their settings.</summary>
/// <remarks>
/// Shows at most 1000 mailboxes, with a warning when there are more, unless -ResultSize says otherwise.
/// </remarks>
/// <example>
/// <code>Get-UMMailbox -ResultSize Unlimited | Select-Object DisplayName, Extensions, UMMailboxPolicy</code>
/// <para>Lists all UM-enabled mailboxes with their extensions and policies.</para>
/// </example>
/// <example>
/// <code>Get-UMMailbox -Filter "EmailAddresses -like 'eum:512*'"</code>
/// <para>Finds the mailboxes whose extension begins with 512.</para>
/// </example>
/// <example>
/// <code>Get-UMMailbox -Anr tony | Format-List</code>
/// <para>Shows everything about the mailboxes whose names begin with tony.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "UMMailbox", DefaultParameterSetName = "Identity", HelpUri = MicrosoftPages + "get-ummailbox")]
[OutputType("Microsoft.Exchange.Data.Directory.Management.UMMailbox")]
public sealed class GetUMMailboxCommand : MailboxListCommand
{
    /// <summary>
    /// Specifies the mailbox, in any identity form, or an object with an identity. Left out or $null: all.
    /// </summary>
    [Parameter(ParameterSetName = "Identity", Position = 0,
        ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxCompleter))]
    public UmObjectIdentity? Identity { get; set; }
}
