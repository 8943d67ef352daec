using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>
/// What every cmdlet of these modules shares: the session, failures as non-terminating errors, warnings, mails that a
/// change queued, and what -Verbose, -Debug and a progress bar show of it.
/// </summary>
public abstract class UmCommand : PSCmdlet, IDisposable
{
    /// <summary>Where Microsoft describes the cmdlets that keep Exchange's names.</summary>
    private protected const string MicrosoftPages = "https://learn.microsoft.com/powershell/module/exchange/";

    /// <summary>
    /// How long one invocation may spend on delivering the mails that it queued. The rest stays queued.
    /// </summary>
    private static readonly TimeSpan DeliveryBudget = TimeSpan.FromSeconds(5);

    /// <summary>How long a pipeline takes before its progress is shown, and how long a shown figure stands.</summary>
    private static readonly TimeSpan ProgressDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(250);

    private readonly Stopwatch delivering = new();
    private readonly Stopwatch working = new();
    private TimeSpan nextProgress = ProgressDelay;
    private bool progressShown;
    private int leftQueued;
    private bool pinColumnWarned;

    private protected UmCommand()
    {
    }

    private protected Session Session { get; private set; } = null!;

    /// <summary>Ctrl+C was pressed.</summary>
    private protected bool IsStopping { get; private set; }

    /// <summary>Whether -Verbose is on. Its texts cost more than a look-up, so nobody makes them for nothing.</summary>
    private protected bool ShowsVerbose { get; private set; }

    /// <summary>Whether -Debug is on.</summary>
    private protected bool ShowsDebug { get; private set; }

    /// <summary>True for a cmdlet that makes a missing store: it does not warn that there is none.</summary>
    private protected virtual bool MakesStore => false;

    /// <summary>
    /// Takes the runspace's session. Only a missing or foreign native library fails here; no file is touched yet.
    /// </summary>
    protected override void BeginProcessing()
    {
        if (!Session.TryAcquire(SessionState, out Session session, out Failure failure))
        {
            ThrowTerminatingError(Errors.CreateRecord(failure));
        }

        Session = session;
        working.Start();
        ShowsVerbose = Shows("Verbose", "VerbosePreference");
        ShowsDebug = Shows("Debug", "DebugPreference");
        // What keeps the store from being used is the cmdlet's own call's to tell.
        if (IsUpToDate() && !MakesStore)
        {
            WarnIfStoreIsMissing();
        }
    }

    /// <summary>Says what remained queued.</summary>
    protected override void EndProcessing()
    {
        CompleteProgress();
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

    /// <summary>Executes a request; -Debug shows the document and -Verbose how long it took.</summary>
    private protected bool TryExecute(Request request, string? secret, out Response response, out Failure failure)
    {
        if (ShowsDebug)
        {
            WriteDebug(request.ToDebugText());
        }

        long started = Stopwatch.GetTimestamp();
        bool done = Session.TryExecute(request, secret, out response, out failure);
        if (ShowsVerbose)
        {
            WriteDuration(request.ToString(), SecondsSince(started), done ? null : failure.Id);
        }

        return done;
    }

    /// <summary>-Verbose: what was asked, how long it took, and the failure if it was refused.</summary>
    private protected void WriteDuration(string asked, TimeSpan elapsed, string? failure) =>
        WriteVerbose(FormattableString.Invariant(
            $"{asked}: {failure ?? "done"} in {elapsed.TotalMilliseconds:0.0} ms."));

    /// <summary>The time since a <see cref="Stopwatch.GetTimestamp"/>.</summary>
    private protected static TimeSpan SecondsSince(long started) =>
        TimeSpan.FromSeconds((Stopwatch.GetTimestamp() - started) / (double)Stopwatch.Frequency);

    private protected void WriteFailure(Failure failure, object? identity = null) =>
        WriteError(Errors.CreateRecord(failure, identity));

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
    /// A PIN is never taken from a piped object. Says so once where one is there: the rows of a file get generated
    /// PINs, or all the same one.
    /// </summary>
    private protected void WarnOfPinColumn(UmObjectIdentity? identity, string parameter)
    {
        if (!pinColumnWarned
            && identity?.Source?.Properties["Pin"] is PSNoteProperty column
            && Arguments.ToText(column.Value).Length > 0)
        {
            pinColumnWarned = true;
            string cmdlet = MyInvocation.MyCommand.Name;
            WriteWarning(
                $"The input has a column {column.Name}, which {cmdlet} does not read. To set those PINs: "
                    + $"ForEach-Object {{ {cmdlet} $_.Identity -{parameter} $_.{column.Name} ... }}");
        }
    }

    /// <summary>
    /// Tries to deliver the mails that a commit queued, within this invocation's budget. A failed delivery is a
    /// warning: the change stands and the mail stays queued.
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

        var request = new Request("Send-UMPinOutbox", RequestMode.Commit, new Dictionary<string, object?>
        {
            ["Ids"] = ids,
            ["BudgetMilliseconds"] = (int)left.TotalMilliseconds,
        });
        delivering.Start();
        bool done = TryExecute(request, null, out Response sent, out Failure failure);
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

    /// <summary>Whether this call only shows what it would do.</summary>
    private protected bool IsWhatIf() =>
        LanguagePrimitives.IsTrue(BoundOrPreference("WhatIf", "WhatIfPreference"));

    /// <summary>Shows how far a long operation is; <paramref name="total"/> is 0 where nobody knows.</summary>
    private protected void ShowProgress(string activity, string status, double done, double total)
    {
        progressShown = true;
        WriteProgress(new ProgressRecord(0, activity, status)
        {
            PercentComplete = total > 0 ? (int)Math.Min(100, done * 100 / total) : -1,
        });
    }

    /// <summary>Shows how many records of a pipeline are done, once it takes long, and not for each of them.</summary>
    private protected void ShowCount(string activity, int done)
    {
        if (working.Elapsed >= nextProgress)
        {
            nextProgress = working.Elapsed + ProgressInterval;
            ShowProgress(activity, $"{done:N0}", 0, 0);
        }
    }

    private protected void CompleteProgress()
    {
        if (progressShown)
        {
            progressShown = false;
            WriteProgress(new ProgressRecord(0, MyInvocation.MyCommand.Name, " ")
            {
                RecordType = ProgressRecordType.Completed,
            });
        }
    }

    private bool Shows(string parameter, string preference)
    {
        object? value = BoundOrPreference(parameter, preference);
        return value is bool or SwitchParameter
            ? LanguagePrimitives.IsTrue(value)
            : LanguagePrimitives.TryConvertTo(value, out ActionPreference preferred)
                && preferred is not (ActionPreference.SilentlyContinue or ActionPreference.Ignore);
    }

    private object? BoundOrPreference(string parameter, string preference) => Arguments.Unwrap(
        MyInvocation.BoundParameters.TryGetValue(parameter, out object? given) ? given : GetVariableValue(preference));

    /// <summary>
    /// The session's first cmdlet brings a store of an older version to this one's, which can take long, and shows how
    /// far that is.
    /// </summary>
    private bool IsUpToDate()
    {
        if (!Session.IsFirst(nameof(IsUpToDate)))
        {
            return true;
        }

        const string Activity = "Bringing the store to today's version";
        bool done = Session.TryUpgrade(
            (parts, all) => ShowProgress(Activity, $"{parts * 100 / all} %", parts, all), out _);
        CompleteProgress();
        return done;
    }

    /// <summary>
    /// A store that is not there reads as empty. Says so once a session: it is often a path that was mistyped.
    /// </summary>
    private void WarnIfStoreIsMissing()
    {
        var request = new Request(
            "Get-UMPinConfiguration", RequestMode.Validate, []);
        if (Session.IsFirst(nameof(WarnIfStoreIsMissing))
            && TryExecute(request, null, out Response configuration, out _))
        {
            WriteWarnings(configuration);
        }
    }
}
