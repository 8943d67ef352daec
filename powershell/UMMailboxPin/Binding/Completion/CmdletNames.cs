using System;
using System.Collections.Generic;
using System.Management.Automation;
using System.Reflection;

namespace UMMailboxPin;

/// <summary>
/// Completes the name of a cmdlet that the audit trail may hold: one of this module that changes something.
/// </summary>
public sealed class CmdletNames : Completer
{
    private protected override IEnumerable<(string Text, string ToolTip)> Candidates(string prefix)
    {
        var names = new SortedSet<string>(StringComparer.OrdinalIgnoreCase) { "Set-Mailbox" };
        foreach (Type type in typeof(CmdletNames).Assembly.GetTypes())
        {
            if (type.GetCustomAttribute<CmdletAttribute>() is { SupportsShouldProcess: true } cmdlet)
            {
                names.Add($"{cmdlet.VerbName}-{cmdlet.NounName}");
            }
        }

        foreach (string name in names)
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                yield return (name, name);
            }
        }
    }
}
