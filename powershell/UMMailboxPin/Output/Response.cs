using System.Collections.Generic;
using System.IO;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>An answer document of the library (docs/architecture.md, "The boundary").</summary>
internal sealed class Response
{
    private readonly PSObject document;

    private Response(PSObject document) => this.document = document;

    internal static Response Read(Stream json) => new((PSObject)JsonReading.Read(json)!);

    /// <summary>What ShouldProcess names.</summary>
    internal string Target => Text("Target") ?? string.Empty;

    /// <summary>What ShouldProcess says will be done.</summary>
    internal string Action => Text("Action") ?? string.Empty;

    /// <summary>Where the next page starts; null on the last one.</summary>
    internal string? Next => Text("Next");

    internal IEnumerable<object?> Objects => Items(document, "Objects");

    /// <summary>Records that failed while others were done.</summary>
    internal IEnumerable<Failure> Failures
    {
        get
        {
            foreach (object? item in Items(document, "Errors"))
            {
                var error = (PSObject)item!;
                yield return new Failure(
                    Get(error, "status") is int status ? status : 0,
                    Get(error, "id") as string ?? string.Empty,
                    Get(error, "message") as string ?? string.Empty,
                    Get(error, "target") as string);
            }
        }
    }

    internal IEnumerable<Warning> Warnings
    {
        get
        {
            foreach (object? item in Items(document, "Warnings"))
            {
                yield return item is PSObject marked
                    ? new Warning(
                        Get(marked, "Message") as string ?? string.Empty, Get(marked, "OncePerSession") is true)
                    : new Warning(item as string ?? string.Empty, oncePerSession: false);
            }
        }
    }

    /// <summary>The mails that this change queued.</summary>
    internal IEnumerable<object?> Notices => Items(document, "Notices");

    /// <summary>How far a long operation is; false if it does not say.</summary>
    internal bool TryGetProgress(out double done, out double total)
    {
        done = total = 0;
        return Get(document, "Progress") is PSObject progress
            && LanguagePrimitives.TryConvertTo(Get(progress, "Done"), out done)
            && LanguagePrimitives.TryConvertTo(Get(progress, "Total"), out total);
    }

    private string? Text(string name) => Get(document, name) as string;

    private static object? Get(PSObject from, string name) => from.Properties[name]?.Value;

    private static IEnumerable<object?> Items(PSObject from, string name)
    {
        foreach (object? item in Get(from, name) as ValueList ?? [])
        {
            yield return item;
        }
    }
}
