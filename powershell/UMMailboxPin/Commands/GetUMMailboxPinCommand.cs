using System;
using System.Diagnostics;
using System.Management.Automation;
using PinState = Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin;

namespace UMMailboxPin.Commands;

/// <summary>
/// Shows the PIN state of UM-enabled mailboxes: whether the PIN is expired, the mailbox locked out, the user a
/// first-time user. Never the PIN.
/// </summary>
/// <remarks>
/// Without an identity, all UM-enabled mailboxes are listed. A mailbox that is not enabled for unified messaging is not
/// found. An error about one mailbox does not end the pipeline.
/// </remarks>
/// <example>
/// <code>Get-UMMailboxPIN</code>
/// <para>Lists the PIN state of every UM-enabled mailbox.</para>
/// </example>
/// <example>
/// <code>Get-UMMailboxPIN -Identity tonysmith@contoso.com</code>
/// <para>Shows the PIN state of one mailbox.</para>
/// </example>
/// <example>
/// <code>Get-UMMailboxPIN | Where-Object LockedOut | Set-UMMailboxPIN</code>
/// <para>Gives everyone who is locked out a new PIN, by mail, and unlocks them.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "UMMailboxPIN", DefaultParameterSetName = "Identity",
    HelpUri = MicrosoftPages + "get-ummailboxpin")]
[OutputType(typeof(PinState))]
public sealed class GetUMMailboxPinCommand : RecipientCommand
{
    private const int PageSize = 500;

    /// <summary>
    /// Specifies the mailbox: a GUID, distinguished name, canonical name, DOMAIN\account, user principal name,
    /// LegacyExchangeDN, SMTP address, alias, account name, name or display name, or an object with an identity.
    /// Left out or $null, all UM-enabled mailboxes are listed.
    /// </summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Accepted for compatibility and ignored: the store is opened as whoever runs PowerShell.</summary>
    [Parameter]
    public PSCredential? Credential { get; set; }

    /// <summary>Shows errors as warnings.</summary>
    [Parameter]
    public SwitchParameter IgnoreErrors { get; set; }

    /// <summary>Accepted for compatibility and ignored.</summary>
    [Parameter]
    public string? Organization { get; set; }

    /// <summary>Accepted for compatibility and ignored: there is one copy of the data.</summary>
    [Parameter]
    public SwitchParameter ReadFromDomainController { get; set; }

    /// <summary>Specifies how many mailboxes to list at most: a number, or Unlimited, which is the default.</summary>
    /// <value>Unlimited</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? ResultSize { get; set; }

    /// <summary>One mailbox, or all.</summary>
    protected override void ProcessRecord()
    {
        if (Identity is null)
        {
            WriteAll();
            return;
        }

        long started = ShowsVerbose ? Stopwatch.GetTimestamp() : 0;
        bool done = Session.TryGetPin(
            Identity.Text, DomainController, IgnoreDefaultScope, out PinState state, out Failure failure);
        if (ShowsVerbose)
        {
            WriteDuration($"{Operation} '{Identity}'", SecondsSince(started), done ? null : failure.Id);
        }

        if (done)
        {
            WriteObject(state);
        }
        else
        {
            WriteErrorOrWarning(failure);
        }
    }

    private void WriteAll()
    {
        long left = long.MaxValue;
        if (ResultSize is { IsUnlimited: false } && (!ResultSize.TryGetNumber(out left) || left <= 0))
        {
            WriteErrorOrWarning(Errors.NotACount(nameof(ResultSize), ResultSize.ToString()));
            return;
        }

        string? after = null;
        do
        {
            int limit = (int)Math.Min(PageSize, left);
            if (limit == 0)
            {
                WriteWarning(
                    "There are more results available than are currently displayed. "
                        + "To view them, increase the value for the ResultSize parameter.");
                return;
            }

            long started = Stopwatch.GetTimestamp();
            bool done = Session.TryListPins(
                DomainController,
                IgnoreDefaultScope,
                after,
                limit,
                out PinState[] page,
                out after,
                out Failure failure);
            if (ShowsVerbose)
            {
                WriteDuration($"{Operation}, {page.Length} mailboxes", SecondsSince(started), done ? null : failure.Id);
            }

            if (!done)
            {
                WriteErrorOrWarning(failure);
                return;
            }

            WriteObject(page, enumerateCollection: true);
            left -= page.Length;
        }
        while (after is not null && !IsStopping);
    }

    private void WriteErrorOrWarning(Failure failure)
    {
        if (IgnoreErrors)
        {
            WriteWarning(failure.Message);
        }
        else
        {
            WriteFailure(failure, Identity?.Text);
        }
    }
}
