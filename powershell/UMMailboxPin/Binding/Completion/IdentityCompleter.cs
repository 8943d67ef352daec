using System.Collections.Generic;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>Completes an identity from the store.</summary>
public abstract class IdentityCompleter : Completer
{
    private readonly string kind;

    private protected IdentityCompleter(string kind) => this.kind = kind;

    private protected override IEnumerable<(string Text, string ToolTip)> Candidates(string prefix)
    {
        if (!Session.TryBorrow(out Session session))
        {
            yield break;
        }

        try
        {
            var parameters = new Dictionary<string, object?> { ["Kind"] = kind, ["Prefix"] = prefix };
            var request = new Request("Complete-Identity", RequestMode.Validate, parameters);
            if (!session.TryExecute(request, null, out Response response, out _))
            {
                yield break;
            }

            foreach (object? item in response.Objects)
            {
                if (item is PSObject found && found.Properties["Text"]?.Value is string { Length: > 0 } text)
                {
                    string? toolTip = found.Properties["ToolTip"]?.Value as string;
                    yield return (text, string.IsNullOrEmpty(toolTip) ? text : toolTip!);
                }
            }
        }
        finally
        {
            session.Release();
        }
    }
}
