using System;
using System.Collections;
using System.Collections.Generic;
using System.Text;

namespace UMMailboxPin;

/// <summary>
/// A request to the library (docs/architecture.md, "The boundary"). Secrets travel beside it, never in it.
/// </summary>
internal sealed class Request
{
    /// <summary>
    /// Parameters whose values -Debug leaves out: the rows of an import may have any column, a PIN too, and a mail
    /// program's arguments may name a password, which the library then refuses.
    /// </summary>
    private static readonly HashSet<string> NeverShown =
        new(StringComparer.OrdinalIgnoreCase) { "Rows", "CommandArguments" };

    /// <summary>What a request is about, where it is about one thing.</summary>
    private static readonly string[] Subjects = ["Identity", "Name", "Path"];

    private readonly IEnumerable<KeyValuePair<string, object?>> parameters;

    internal Request(string operation, RequestMode mode, IEnumerable<KeyValuePair<string, object?>> parameters)
    {
        Operation = operation;
        Mode = mode;
        this.parameters = parameters;
    }

    internal string Operation { get; }

    internal RequestMode Mode { get; }

    /// <summary>Where the last page ended; null for the first one.</summary>
    internal string? After { get; set; }

    /// <summary>A commit follows unless this is refused, so that a refusal ends the call and is recorded.</summary>
    internal bool BeforeCommit { get; set; }

    internal ArraySegment<byte> ToJson() => JsonWriting.ToDocument(Members(parameters));

    /// <summary>The document for people to read, without what may be secret.</summary>
    internal string ToDebugText()
    {
        ArraySegment<byte> json = JsonWriting.ToDocument(Members(Shown()));
        return $"{Operation}: {Encoding.UTF8.GetString(json.Array, json.Offset, json.Count)}";
    }

    /// <summary>The operation, what it is about, and its mode.</summary>
    public override string ToString()
    {
        foreach (string subject in Subjects)
        {
            foreach (KeyValuePair<string, object?> parameter in parameters)
            {
                if (parameter.Key == subject && parameter.Value is not null)
                {
                    return $"{Operation} '{parameter.Value}' ({Mode})";
                }
            }
        }

        return $"{Operation} ({Mode})";
    }

    private List<KeyValuePair<string, object?>> Members(IEnumerable<KeyValuePair<string, object?>> shown)
    {
        var members = new List<KeyValuePair<string, object?>>
        {
            new("Mode", Mode == RequestMode.Commit ? "Commit" : "Validate"),
            new("Parameters", shown),
        };
        if (BeforeCommit)
        {
            members.Add(new("BeforeCommit", true));
        }

        if (After is not null)
        {
            members.Add(new("After", After));
        }

        return members;
    }

    private IEnumerable<KeyValuePair<string, object?>> Shown()
    {
        foreach (KeyValuePair<string, object?> parameter in parameters)
        {
            yield return NeverShown.Contains(parameter.Key)
                ? new(parameter.Key, $"({(parameter.Value as ICollection)?.Count ?? 1} not shown)")
                : parameter;
        }
    }
}
