using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Management.Automation;
using System.Reflection;

namespace UMMailboxPin;

/// <summary>
/// A cmdlet that is one operation of the library under its own name: its bound parameters go there as a document and the
/// answer's objects come out. One that supports ShouldProcess runs twice: "Validate", which changes nothing and names
/// target and action, and after a yes "Commit".
/// </summary>
public abstract class AdminCommand : UmCommand
{
    private static readonly ConcurrentDictionary<Type, CmdletAttribute> Attributes = new();

    private protected AdminCommand()
    {
    }

    /// <summary>The cmdlet's own name. Not MyInvocation's, which changes under Import-Module -Prefix.</summary>
    private protected string Operation => $"{Declared.VerbName}-{Declared.NounName}";

    private CmdletAttribute Declared => Attributes.GetOrAdd(GetType(), type => type.GetCustomAttribute<CmdletAttribute>()!);

    /// <summary>The PIN that travels beside the document.</summary>
    private protected virtual string? SecretArgument => null;

    /// <summary>False for an invocation that only looks, though the cmdlet can write.</summary>
    private protected virtual bool Writes => Declared.SupportsShouldProcess;

    /// <summary>What errors are about, where the library does not say.</summary>
    private protected virtual object? Worked =>
        MyInvocation.BoundParameters.TryGetValue("Identity", out object? identity) ? identity?.ToString() : null;

    /// <summary>
    /// What the bound parameters mean nowhere: ones that exist only so that PowerShell does not take their names for
    /// abbreviations of others that do something else.
    /// </summary>
    private protected virtual Failure? Misplaced => null;

    /// <summary>One record: from the pipeline, or the only one.</summary>
    protected override void ProcessRecord()
    {
        if (Misplaced is { } misplaced)
        {
            WriteFailure(misplaced, Worked);
            return;
        }

        if (!Writes)
        {
            Run(Declared.SupportsShouldProcess ? Validate : Commit);
            return;
        }

        if (!TryExecute(Validate, null, out Response validated))
        {
            return;
        }

        if (ShouldProcess(validated.Target, validated.Action))
        {
            Run(Commit);
        }
        else
        {
            // -WhatIf tells the truth: what a commit would warn of and refuse.
            WriteAside(validated);
        }
    }

    private void Run(string mode) => RunPages(after => TryExecute(mode, after, out Response page) ? page : null);

    /// <summary>
    /// All pages of an operation, with all that comes along. <paramref name="fetch"/> gets the place to go on from and
    /// returns null after it reported a failure, which ends the run.
    /// </summary>
    private protected bool RunPages(Func<string?, Response?> fetch)
    {
        string? after = null;
        bool progressShown = false;
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

            WriteAside(page);
            Deliver(page);
            after = page.Next;
            if (after is not null && page.TryGetProgress(out double done, out double total))
            {
                ShowProgress(done, total);
                progressShown = true;
            }
        }
        while (after is not null && !IsStopping);

        if (progressShown)
        {
            WriteProgress(new ProgressRecord(0, Operation, " ") { RecordType = ProgressRecordType.Completed });
        }

        return page is not null;
    }

    private void ShowProgress(double done, double total) => WriteProgress(
        new ProgressRecord(0, Operation, $"{done:N0} / {total:N0}")
        {
            PercentComplete = total > 0 ? (int)Math.Min(100, done * 100 / total) : -1,
        });

    private protected void WriteAside(Response response)
    {
        WriteWarnings(response);
        foreach (Failure failure in response.Failures)
        {
            WriteFailure(failure, Worked);
        }
    }

    private bool TryExecute(string mode, string? after, out Response response)
    {
        bool beforeCommit = mode == Validate && Writes && !IsWhatIf();
        if (Session.TryExecute(
            Operation, Request(mode, Sent(), after, beforeCommit), SecretArgument, out response, out Failure failure))
        {
            return true;
        }

        WriteFailure(failure, Worked);
        return false;
    }

    /// <summary>
    /// What was bound, from the command line, the pipeline or $PSDefaultParameterValues, without what is PowerShell's own,
    /// and without secrets, which never become part of a document.
    /// </summary>
    private protected virtual IEnumerable<KeyValuePair<string, object?>> Sent()
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
        name.Equals("Pin", StringComparison.OrdinalIgnoreCase) || name.Equals("Credential", StringComparison.OrdinalIgnoreCase);
}

/// <summary>A cmdlet on policies and dial plans.</summary>
public abstract class DirectoryCommand : AdminCommand
{
    private protected DirectoryCommand()
    {
    }

    /// <summary>
    /// Specifies the fully qualified name of a domain controller. There is one copy of the data, so any well-formed name,
    /// and an empty one, is accepted; the name is recorded in the audit log and shown in not-found messages.
    /// </summary>
    [Parameter]
    public string? DomainController { get; set; }
}

/// <summary>A cmdlet on recipients.</summary>
public abstract class RecipientCommand : DirectoryCommand
{
    private protected RecipientCommand()
    {
    }

    /// <summary>
    /// Ignores the recipient scope that Set-ADServerSettings set for this session. The identity must then be a
    /// distinguished name, and DomainController cannot be used.
    /// </summary>
    [Parameter]
    public SwitchParameter IgnoreDefaultScope { get; set; }
}
