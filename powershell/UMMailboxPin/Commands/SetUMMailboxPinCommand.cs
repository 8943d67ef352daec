using System.Collections.Generic;
using System.Diagnostics;
using System.Management.Automation;
using System.Threading.Tasks;
using PinState = Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin;

namespace UMMailboxPin.Commands;

/// <summary>
/// Gives a UM-enabled mailbox a new PIN, typed or generated, mails it, and locks or unlocks the mailbox.
/// </summary>
/// <remarks>
/// Every call replaces the PIN, also one that only says -LockedOut; Lock-UMMailbox and Unlock-UMMailbox leave it
/// alone. Any call without -LockedOut $true unlocks the mailbox. The PIN must obey the mailbox's policy, and an error
/// names the rule that it breaks. The new PIN is never shown; it goes out by mail, and a failed delivery is a warning
/// that undoes nothing.
/// </remarks>
/// <example>
/// <code>Set-UMMailboxPIN -Identity tonysmith@contoso.com</code>
/// <para>Resets the PIN: a generated one is mailed to its owner, who must change it at the next sign-in.</para>
/// </example>
/// <example>
/// <code>Set-UMMailboxPIN -Identity tonysmith@contoso.com -PIN 1985848 -PinExpired $true</code>
/// <para>Sets an initial PIN that must be changed at the next sign-in.</para>
/// </example>
/// <example>
/// <code>Set-UMMailboxPIN -Identity tonysmith@contoso.com -LockedOut $true</code>
/// <para>Locks the mailbox.</para>
/// </example>
/// <example>
/// <code>Set-UMMailboxPIN -Identity tonysmith@contoso.com -LockedOut $false</code>
/// <para>Unlocks the mailbox. The PIN is replaced, too.</para>
/// </example>
/// <example>
/// <code>Set-UMMailboxPIN -Identity tonysmith@contoso.com -NotifyEmail administrator@contoso.com -WhatIf</code>
/// <para>Shows what would be done, after every check. The PIN stays as it is and no mail goes out.</para>
/// </example>
/// <example>
/// <code>Get-UMMailbox -ResultSize Unlimited | Set-UMMailboxPIN -ThrottleLimit 4</code>
/// <para>Gives everyone a new PIN, and prepares four at a time.</para>
/// </example>
[Cmdlet(VerbsCommon.Set, "UMMailboxPIN", SupportsShouldProcess = true, HelpUri = MicrosoftPages + "set-ummailboxpin")]
[OutputType(typeof(PinState))]
public sealed class SetUMMailboxPinCommand : RecipientCommand
{
    private readonly Queue<Pending> queue = new();
    private PinHashers? hashers;
    private int written;

    /// <summary>
    /// Specifies the mailbox: a GUID, distinguished name, canonical name, DOMAIN\account, user principal name,
    /// LegacyExchangeDN, SMTP address, alias, account name, name or display name, or an object with an identity.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Locks the mailbox ($true) or unlocks it ($false, and whenever it is left out).</summary>
    [Parameter]
    public bool LockedOut { get; set; }

    /// <summary>
    /// Specifies the address that the new PIN is mailed to, instead of the mailbox's primary SMTP address.
    /// </summary>
    [Parameter]
    public string? NotifyEmail { get; set; }

    /// <summary>Returns the mailbox's new PIN state, in the form that Get-UMMailboxPIN gives.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Specifies the new PIN, as text or SecureString. Left out or empty, one is generated.</summary>
    [Parameter]
    [SecureStringToString]
    public string? Pin { get; set; }

    /// <summary>Says whether the PIN must be changed at the next sign-in. It must, unless this is $false.</summary>
    /// <value>True</value>
    [Parameter]
    public bool PinExpired { get; set; }

    /// <summary>Says whether the new PIN is mailed. It is, unless this is $false.</summary>
    /// <value>True</value>
    [Parameter]
    public bool SendEmail { get; set; }

    /// <summary>
    /// Specifies how many PINs of a pipeline are prepared at the same time. Prompts, changes and output keep the
    /// order of the input. Stopped by Ctrl+C, what was prepared and not written is dropped.
    /// </summary>
    /// <value>1</value>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int ThrottleLimit { get; set; } = 1;

    /// <summary>Prepares.</summary>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();

        // Under -WhatIf nothing is committed, so nothing needs a hash.
        hashers = ThrottleLimit > 1 && !IsWhatIf() ? new PinHashers(ThrottleLimit) : null;
    }

    /// <summary>One mailbox: checked now, written now or when it is its turn.</summary>
    protected override void ProcessRecord()
    {
        WarnOfPinColumn(Identity, nameof(Pin));
        PinResetRequest request = BoundRequest();
        if (!TryBegin(request, out PinReset reset, out Failure failure))
        {
            Drain(0);
            WriteFailure(failure, request.Identity);
            return;
        }

        if (hashers is null)
        {
            using (reset)
            {
                Commit(reset, request);
            }

            return;
        }

        // Two resets of one mailbox come after each other: the second has the first one's PIN to check against.
        if (IsQueued(reset.Target))
        {
            reset.Dispose();
            Drain(0);
            if (!TryBegin(request, out reset, out failure))
            {
                WriteFailure(failure, request.Identity);
                return;
            }
        }

        queue.Enqueue(new Pending(reset, request, hashers));
        // So many are prepared while the head is written.
        Drain(ThrottleLimit);
    }

    /// <summary>Writes what is still prepared.</summary>
    protected override void EndProcessing()
    {
        Drain(0);
        base.EndProcessing();
    }

    /// <summary>Drops what was not committed.</summary>
    protected override void Dispose(bool disposing)
    {
        hashers?.Dispose();
        hashers = null;
        while (queue.Count > 0)
        {
            queue.Dequeue().Reset.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Commits from the head of the queue until at most <paramref name="keep"/> are left.</summary>
    private void Drain(int keep)
    {
        while (queue.Count > keep && !IsStopping)
        {
            Pending pending = queue.Dequeue();
            using (pending.Reset)
            {
                pending.Hashing.Wait();
                Commit(pending.Reset, pending.Request);
            }
        }
    }

    /// <summary>
    /// Checks the change and, where no PIN is given, generates one; -Debug shows what is asked, without the PIN.
    /// </summary>
    private bool TryBegin(PinResetRequest request, out PinReset reset, out Failure failure)
    {
        if (ShowsDebug)
        {
            WriteDebug(request.ToDebugText(Operation));
        }

        long started = Stopwatch.GetTimestamp();
        bool done = Session.TryBeginReset(request, out reset, out failure);
        if (ShowsVerbose)
        {
            string pin = string.IsNullOrEmpty(request.Pin) ? "a PIN is generated" : "the given PIN is checked";
            WriteDuration($"{Operation} '{request.Identity}', {pin}", SecondsSince(started), done ? null : failure.Id);
        }

        return done;
    }

    private void Commit(PinReset reset, PinResetRequest request)
    {
        string action = request.LockedOut == true ? "Set a new UM PIN and lock the mailbox" : "Set a new UM PIN";
        if (!ShouldProcess(reset.Target, action))
        {
            return;
        }

        if (ShowsVerbose)
        {
            // The commit would hash by itself; this way both are timed.
            if (hashers is null)
            {
                reset.Hash();
            }

            WriteDuration($"{Operation} '{reset.Target}', the PIN is hashed", reset.Hashing, null);
        }

        long started = Stopwatch.GetTimestamp();
        bool done = reset.TryCommit(out PinState state, out Response report, out Failure failure);
        if (ShowsVerbose)
        {
            WriteDuration(
                $"{Operation} '{reset.Target}' (Commit)", SecondsSince(started), done ? null : failure.Id);
        }

        if (!done)
        {
            WriteFailure(failure, request.Identity);
            return;
        }

        WriteWarnings(report);
        Deliver(report);
        if (PassThru)
        {
            WriteObject(state);
        }

        written++;
        ShowCount(Operation, written);
    }

    private bool IsQueued(string target)
    {
        foreach (Pending pending in queue)
        {
            if (pending.Reset.Target == target)
            {
                return true;
            }
        }

        return false;
    }

    private PinResetRequest BoundRequest() => new()
    {
        Identity = Identity?.Text,
        DomainController = DomainController,
        IgnoreDefaultScope = IgnoreDefaultScope,
        Pin = Pin,
        NotifyEmail = NotifyEmail,
        PinExpired = Bound(nameof(PinExpired), PinExpired),
        LockedOut = Bound(nameof(LockedOut), LockedOut),
        SendEmail = Bound(nameof(SendEmail), SendEmail),
        RecordRefusals = !IsWhatIf(),
    };

    /// <summary>What the caller said; null if nothing, since the defaults are the library's.</summary>
    private bool? Bound(string name, bool value) => MyInvocation.BoundParameters.ContainsKey(name) ? value : null;

    /// <summary>A reset whose hash is under way.</summary>
    private sealed class Pending
    {
        internal Pending(PinReset reset, PinResetRequest request, PinHashers hashers)
        {
            Reset = reset;
            Request = request;
            Hashing = hashers.Begin(reset.Hash);
        }

        internal PinReset Reset { get; }

        internal PinResetRequest Request { get; }

        internal Task Hashing { get; }
    }
}
