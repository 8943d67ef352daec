using System.Collections;
using System.Collections.Generic;
using System.Management.Automation;

namespace UMMailboxPin.Commands;

// The operation Import-UMRecipient has steps, since its input may be larger than memory. "Parameters" of each call:
//
//   {"Step":"Begin"}
//       Objects[0].Import is an id for the steps that follow.
//   {"Step":"Read","Import":id,"Path":file}
//       Reads a CSV file. While Next is not null, again with After. Progress, Errors.
//   {"Step":"Rows","Import":id,"Rows":[{..}]}
//       Takes rows from the pipeline, names and values as they are. Errors.
//   {"Step":"Check","Import":id}
//       When all rows are in: refuses those that cannot all be taken. While Next is not null, again with After. Errors.
//   {"Step":"Apply","Import":id,"Prune":bool,"Force":bool}
//       Mode Validate: counts, as Target and Action for ShouldProcess. Mode Commit: while Next is not null, again with
//       After; Progress; the last page has the UMMailboxPin.ImportResult in Objects.
//   {"Step":"End","Import":id}
//       Always, however the cmdlet ends: forgets what was read.
//
// Which header names mean what, which rows are taken and what a prune may remove is the library's.

/// <summary>
/// Loads recipients into the directory: from a CSV file, or from Get-ADUser, Get-Mailbox or Import-Csv by pipeline.
/// </summary>
/// <remarks>
/// Recipients are recognised by Guid or ObjectGUID, and added or updated. A row that cannot be taken is an error with
/// its line number, and the others go on. Addresses may change hands within one input. UM settings and EUM addresses
/// of enabled mailboxes are never changed by an import.
/// </remarks>
/// <example>
/// <code>Import-UMRecipient -Path .\recipients.csv</code>
/// <para>
/// Loads a CSV file as Exchange or Active Directory exports it, and returns how many recipients were added and
/// updated.
/// </para>
/// </example>
/// <example>
/// <code>
/// Get-ADUser -Filter * -Properties mail, mailNickname, proxyAddresses, displayName, telephoneNumber |
/// Import-UMRecipient
/// </code>
/// <para>Loads users straight from Active Directory.</para>
/// </example>
/// <example>
/// <code>Import-UMRecipient -Path .\recipients.csv -Prune -WhatIf</code>
/// <para>Shows how many recipients would be added, updated and removed.</para>
/// </example>
[Cmdlet(VerbsData.Import, "UMRecipient", SupportsShouldProcess = true, DefaultParameterSetName = "Path")]
[OutputType("UMMailboxPin.ImportResult")]
public sealed class ImportUMRecipientCommand : AdminCommand
{
    private protected override bool MakesStore => true;

    private const int BatchSize = 500;

    private readonly List<object?> rows = new(BatchSize);
    private int taken;
    private string? import;
    private bool reading;

    /// <summary>Specifies the CSV file: with headers, in UTF-8 or UTF-16, with commas or semicolons.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Path")]
    [AllowEmptyString]
    public string? Path { get; set; }

    /// <summary>Specifies recipients as objects: users, mailboxes, or rows of Import-Csv.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "InputObject", ValueFromPipeline = true)]
    public PSObject? InputObject { get; set; }

    /// <summary>
    /// Removes recipients that the input does not have, after all of it was read without an error. Asks first, unless
    /// -Confirm:$false is given. UM-enabled mailboxes are never removed.
    /// </summary>
    [Parameter]
    public SwitchParameter Prune { get; set; }

    /// <summary>Lets -Prune remove more than a tenth of the directory.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Begins the import.</summary>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        if (!TryStep(RequestMode.Validate, Step("Begin"), out Response begun))
        {
            return;
        }

        foreach (object? item in begun.Objects)
        {
            import = (item as PSObject)?.Properties["Import"]?.Value as string;
        }

        reading = import is not null;
    }

    /// <summary>Reads the file, or takes one row.</summary>
    protected override void ProcessRecord()
    {
        if (!reading)
        {
            return;
        }

        if (ParameterSetName == "Path")
        {
            string? path = string.IsNullOrEmpty(Path) ? Path : GetUnresolvedProviderPathFromPSPath(Path);
            reading = TryPages(RequestMode.Validate, Step("Read", ("Path", path)));
            return;
        }

        rows.Add(ToRow(InputObject!));
        taken++;
        if (rows.Count == BatchSize)
        {
            SendRows();
            ShowCount(Operation, taken);
        }
    }

    /// <summary>
    /// Applies what was read. Not reached when the pipeline broke off, so that half an input never prunes.
    /// </summary>
    protected override void EndProcessing()
    {
        SendRows();
        if (reading && !IsStopping && TryPages(RequestMode.Validate, Step("Check")) && !IsStopping)
        {
            Apply();
        }

        base.EndProcessing();
    }

    /// <summary>Ends the import, whatever became of it.</summary>
    protected override void Dispose(bool disposing)
    {
        if (import is not null)
        {
            Session.TryExecute(new Request(Operation, RequestMode.Validate, Step("End")), null, out _, out _);
            import = null;
        }

        base.Dispose(disposing);
    }

    private void SendRows()
    {
        if (reading && rows.Count > 0)
        {
            reading = TryPages(RequestMode.Validate, Step("Rows", ("Rows", rows.ToArray())));
            rows.Clear();
        }
    }

    private void Apply()
    {
        Dictionary<string, object?> step = Step("Apply", ("Prune", Prune.IsPresent), ("Force", Force.IsPresent));
        if (!TryStep(RequestMode.Validate, step, out Response counted))
        {
            return;
        }

        if (ShouldProcess(counted.Target, counted.Action) && MayPrune(counted))
        {
            TryPages(RequestMode.Commit, step);
        }
        else
        {
            WriteWarningsAndErrors(counted);
        }
    }

    /// <summary>
    /// A prune asks like a cmdlet of high impact, which the declared impact of an import cannot say: unless
    /// ShouldProcess asked already, or the caller said not to ask.
    /// </summary>
    private bool MayPrune(Response counted)
    {
        if (!Prune || MyInvocation.BoundParameters.ContainsKey("Confirm"))
        {
            return true;
        }

        LanguagePrimitives.TryConvertTo(GetVariableValue("ConfirmPreference"), out ConfirmImpact preference);
        return preference != ConfirmImpact.High
            || ShouldContinue($"{counted.Action}: {counted.Target}", Operation + " -Prune");
    }

    private Dictionary<string, object?> Step(string name, params (string Name, object? Value)[] more)
    {
        var step = new Dictionary<string, object?> { ["Step"] = name };
        if (import is not null)
        {
            step["Import"] = import;
        }

        foreach ((string parameter, object? value) in more)
        {
            step[parameter] = value;
        }

        return step;
    }

    private bool TryStep(RequestMode mode, Dictionary<string, object?> step, out Response response)
    {
        if (TryExecute(new Request(Operation, mode, step), null, out response, out Failure failure))
        {
            return true;
        }

        WriteFailure(failure, Path);
        return false;
    }

    /// <summary>A step with all its pages; false if one failed as a whole.</summary>
    private bool TryPages(RequestMode mode, Dictionary<string, object?> step)
    {
        return WritePages(after =>
        {
            var request = new Request(Operation, mode, step) { After = after };
            if (TryExecute(request, null, out Response page, out Failure failure))
            {
                return page;
            }

            WriteFailure(failure, Path);
            return null;
        });
    }

    /// <summary>An object as the library takes it: all its properties, as texts or lists of texts.</summary>
    private static Dictionary<string, object?> ToRow(PSObject input)
    {
        var row = new Dictionary<string, object?>();
        if (input.BaseObject is IDictionary table)
        {
            foreach (DictionaryEntry entry in table)
            {
                row[Arguments.ToText(entry.Key)] = ToCell(entry.Value);
            }

            return row;
        }

        foreach (PSPropertyInfo property in input.Properties)
        {
            try
            {
                row[property.Name] = ToCell(property.Value);
            }
            catch (GetValueException)
            {
                // Computed properties of directory objects fail when their source is gone; a recipient has no use for
                // them.
            }
        }

        return row;
    }

    private static object? ToCell(object? value)
    {
        object? plain = Arguments.Plain(value);
        if (plain is null or string or PSObject || plain is not IEnumerable items)
        {
            return plain is null ? null : Arguments.ToText(value);
        }

        // Photographs and security descriptors are no addresses.
        if (plain is byte[])
        {
            return null;
        }

        var texts = new List<object?>();
        foreach (object? item in items)
        {
            texts.Add(Arguments.ToText(item));
        }

        return texts;
    }
}
