using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Management.Automation;
using System.Reflection;

namespace UMMailboxPin;

/// <summary>
/// A cmdlet that is one operation of the library under its own name: its bound parameters go there as a document and
/// the answer's objects come out. One that supports ShouldProcess asks twice: to validate, which changes nothing and
/// names target and action, and after a yes to commit.
/// </summary>
public abstract class AdminCommand : UmCommand
{
    private static readonly ConcurrentDictionary<Type, CmdletAttribute> Attributes = new();

    private protected AdminCommand()
    {
    }

    /// <summary>The cmdlet's own name. Not MyInvocation's, which changes under Import-Module -Prefix.</summary>
    private protected string Operation => $"{Declared.VerbName}-{Declared.NounName}";

    /// <summary>The PIN that travels beside the document.</summary>
    private protected virtual string? SecretArgument => null;

    /// <summary>False for an invocation that only reads, though the cmdlet can write.</summary>
    private protected virtual bool Writes => Declared.SupportsShouldProcess;

    /// <summary>What errors are about, where the library does not say.</summary>
    private protected virtual object? ErrorTarget =>
        MyInvocation.BoundParameters.TryGetValue("Identity", out object? identity) ? identity?.ToString() : null;

    /// <summary>
    /// Refuses parameters that exist only so that PowerShell does not take their names for abbreviations of others,
    /// which do something else.
    /// </summary>
    private protected virtual Failure? Misplaced => null;

    /// <summary>What a progress bar says of an operation that takes long and does not tell how far it is.</summary>
    private protected virtual string? LongActivity => null;

    private CmdletAttribute Declared =>
        Attributes.GetOrAdd(GetType(), type => type.GetCustomAttribute<CmdletAttribute>());

    /// <summary>One record: from the pipeline, or the only one.</summary>
    protected override void ProcessRecord()
    {
        if (Misplaced is { } misplaced)
        {
            WriteFailure(misplaced, ErrorTarget);
            return;
        }

        if (!Writes)
        {
            WriteResult(Declared.SupportsShouldProcess ? RequestMode.Validate : RequestMode.Commit);
            return;
        }

        if (!TryExecute(RequestMode.Validate, null, out Response validated))
        {
            return;
        }

        if (ShouldProcess(validated.Target, validated.Action))
        {
            WriteResult(RequestMode.Commit);
        }
        else
        {
            // -WhatIf says what a commit would warn of and refuse.
            WriteWarningsAndErrors(validated);
        }
    }

    /// <summary>
    /// All pages of an operation, with all that comes along. <paramref name="fetch"/> gets the place to go on from and
    /// returns null after it reported a failure, which ends the operation.
    /// </summary>
    private protected bool WritePages(Func<string?, Response?> fetch)
    {
        string? after = null;
        Response? page;
        do
        {
            page = fetch(after);
            if (page is null)
            {
                break;
            }

            foreach (object? item in page.Objects)
            {
                WriteObject(item);
            }

            WriteWarningsAndErrors(page);
            Deliver(page);
            after = page.Next;
            if (after is not null && page.TryGetProgress(out double done, out double total))
            {
                ShowProgress(Operation, $"{done:N0} / {total:N0}", done, total);
            }
        }
        while (after is not null && !IsStopping);

        CompleteProgress();
        return page is not null;
    }

    private protected void WriteWarningsAndErrors(Response response)
    {
        WriteWarnings(response);
        foreach (Failure failure in response.Failures)
        {
            WriteFailure(failure, ErrorTarget);
        }
    }

    /// <summary>
    /// What was bound, from the command line, the pipeline or $PSDefaultParameterValues, without what is PowerShell's
    /// own, and without secrets, which never become part of a document.
    /// </summary>
    private protected virtual IEnumerable<KeyValuePair<string, object?>> RequestParameters()
    {
        foreach (KeyValuePair<string, object> bound in MyInvocation.BoundParameters)
        {
            if (!CommonParameters.Contains(bound.Key)
                && !OptionalCommonParameters.Contains(bound.Key)
                && !IsSecret(bound.Key))
            {
                yield return new KeyValuePair<string, object?>(bound.Key, bound.Value);
            }
        }
    }

    private static bool IsSecret(string name) =>
        name.Equals("Pin", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Credential", StringComparison.OrdinalIgnoreCase);

    private void WriteResult(RequestMode mode)
    {
        if (LongActivity is { } activity)
        {
            ShowProgress(Operation, activity, 0, 0);
        }

        WritePages(after => TryExecute(mode, after, out Response page) ? page : null);
    }

    private bool TryExecute(RequestMode mode, string? after, out Response response)
    {
        var request = new Request(Operation, mode, RequestParameters())
        {
            After = after,
            BeforeCommit = mode == RequestMode.Validate && Writes && !IsWhatIf(),
        };
        if (TryExecute(request, SecretArgument, out response, out Failure failure))
        {
            return true;
        }

        WriteFailure(failure, ErrorTarget);
        return false;
    }
}
