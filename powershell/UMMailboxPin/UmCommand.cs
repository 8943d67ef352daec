using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>
/// What every cmdlet of these modules shares: the session, failures as non-terminating errors, warnings, mails that a change queued.
/// </summary>
public abstract class UmCommand : PSCmdlet, IDisposable
{
    /// <summary>Where Microsoft describes the cmdlets that keep Exchange's names.</summary>
    private protected const string MicrosoftPages = "https://learn.microsoft.com/powershell/module/exchange/";

    /// <summary>How long one invocation may spend on delivering the mails that it queued. The rest stays queued.</summary>
    private static readonly TimeSpan DeliveryBudget = TimeSpan.FromSeconds(5);

    private readonly Stopwatch delivering = new();
    private int leftQueued;
    private bool pinColumnTold;

    private protected UmCommand()
    {
    }

    private protected Session Session { get; private set; } = null!;

    /// <summary>Ctrl+C was pressed.</summary>
    private protected bool IsStopping { get; private set; }

    /// <summary>Takes the runspace's session. Only a missing or foreign native library fails here; no file is touched yet.</summary>
    protected override void BeginProcessing()
    {
        if (!Session.TryAcquire(SessionState, out Session session, out Failure failure))
        {
            ThrowTerminatingError(Errors.Record(failure));
        }

        Session = session;
        if (!MakesStore)
        {
            TellOfMissingStore();
        }
    }

    /// <summary>True for a cmdlet that a new store begins with: a missing one is no surprise to it.</summary>
    private protected virtual bool MakesStore => false;

    /// <summary>A store that is not there reads as empty. Says so once a session: it is often a path that was mistyped.</summary>
    private void TellOfMissingStore()
    {
        if (Session.IsFirst(nameof(TellOfMissingStore))
            && Session.TryExecute("Get-UMPinConfiguration", Request(Validate, new Dictionary<string, object?>()), null, out Response looked, out _))
        {
            WriteWarnings(looked);
        }
    }

    /// <summary>
    /// A PIN is never taken from a piped object. Says so once where one is there: the rows of a file get generated PINs,
    /// or all the same one.
    /// </summary>
    private protected void WarnOfPinColumn(UmObjectIdentity? identity, string parameter)
    {
        if (!pinColumnTold
            && identity?.Source?.Properties["Pin"] is PSNoteProperty column
            && Arguments.ToText(column.Value).Length > 0)
        {
            pinColumnTold = true;
            WriteWarning(
                $"The input has a column {column.Name}, which {MyInvocation.MyCommand.Name} does not read. To set those PINs: "
                    + $"ForEach-Object {{ {MyInvocation.MyCommand.Name} $_.Identity -{parameter} $_.{column.Name} ... }}");
        }
    }

    /// <summary>Says what remained queued.</summary>
    protected override void EndProcessing()
    {
        if (leftQueued > 0)
        {
            WriteWarning($"Messages that are still queued: {leftQueued}. Send-UMPinOutbox delivers them.");
        }
    }

    /// <summary>Notes Ctrl+C for the loops to see.</summary>
    protected override void StopProcessing() => IsStopping = true;

    /// <summary>Gives the session back. PowerShell calls this however the cmdlet ended.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the session back.</summary>
    protected virtual void Dispose(bool disposing)
    {
        Session?.Release();
        Session = null!;
    }

    private protected void WriteFailure(Failure failure, object? worked = null) => WriteError(Errors.Record(failure, worked));

    private protected void WriteWarnings(Response response)
    {
        foreach (Warning warning in response.Warnings)
        {
            if (!warning.OncePerSession || Session.IsFirst(warning.Message))
            {
                WriteWarning(warning.Message);
            }
        }
    }

    /// <summary>
    /// Tries to deliver the mails that a commit queued, within this invocation's budget. A failed delivery is a warning:
    /// the change stands and the mail stays queued.
    /// </summary>
    private protected void Deliver(Response committed)
    {
        var ids = new List<object?>(committed.Notices);
        if (ids.Count == 0)
        {
            return;
        }

        TimeSpan left = DeliveryBudget - delivering.Elapsed;
        if (left <= TimeSpan.Zero || IsStopping)
        {
            leftQueued += ids.Count;
            return;
        }

        ArraySegment<byte> request = Request(Commit, new Dictionary<string, object?>
        {
            ["Ids"] = ids,
            ["BudgetMilliseconds"] = (int)left.TotalMilliseconds,
        });
        delivering.Start();
        bool done = Session.TryExecute("Send-UMPinOutbox", request, null, out Response sent, out Failure failure);
        delivering.Stop();
        if (done)
        {
            WriteWarnings(sent);
        }
        else
        {
            WriteWarning(failure.Message);
        }
    }

    private protected const string Validate = "Validate";
    private protected const string Commit = "Commit";

    /// <summary>Whether this call only shows what it would do.</summary>
    private protected bool IsWhatIf() =>
        MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? given)
            ? LanguagePrimitives.IsTrue(given)
            : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference", false));

    /// <summary>
    /// A request document. <paramref name="beforeCommit"/>: a commit follows unless this is refused, so that a refusal is
    /// the call's end and is recorded.
    /// </summary>
    private protected static ArraySegment<byte> Request(
        string mode, IEnumerable<KeyValuePair<string, object?>> parameters, string? after = null, bool beforeCommit = false)
    {
        var members = new List<KeyValuePair<string, object?>>
        {
            new("Mode", mode),
            new("Parameters", parameters),
        };
        if (beforeCommit)
        {
            members.Add(new("BeforeCommit", true));
        }

        if (after is not null)
        {
            members.Add(new("After", after));
        }

        return JsonWriting.Document(members);
    }
}
