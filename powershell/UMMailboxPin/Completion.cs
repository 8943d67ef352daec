using System;
using System.Collections;
using System.Collections.Generic;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Reflection;

namespace UMMailboxPin;

/// <summary>Completes a parameter; whatever goes wrong, Tab shows nothing instead of an error.</summary>
public abstract class Completer : IArgumentCompleter
{
    private protected Completer()
    {
    }

    /// <summary>Called by PowerShell.</summary>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            string word = wordToComplete ?? string.Empty;
            char quote = word.Length > 0 && word[0] is '\'' or '"' ? word[0] : '\0';
            var results = new List<CompletionResult>();
            foreach ((string text, string toolTip) in Candidates(word.Trim('\'', '"')))
            {
                results.Add(new CompletionResult(Quote(text, quote), text, CompletionResultType.ParameterValue, toolTip));
            }

            return results;
        }
        catch (Exception)
        {
            return Array.Empty<CompletionResult>();
        }
    }

    private protected abstract IEnumerable<(string Text, string ToolTip)> Candidates(string prefix);

    /// <summary>Keeps the quote that the user began with; else quotes what a bare word cannot hold.</summary>
    private static string Quote(string text, char quote)
    {
        if (quote == '"')
        {
            return '"' + text.Replace("`", "``").Replace("$", "`$").Replace("\"", "`\"") + '"';
        }

        bool bare = quote == '\0' && text.Length > 0;
        foreach (char c in text)
        {
            bare &= char.IsLetterOrDigit(c) || c is '.' or '_' or '-' or '/' or '\\' or ':';
        }

        // An e-mail address is a word, but a word that begins with @ is a splat; "a@b" is safe and common.
        bare |= quote == '\0' && IsAddress(text);
        return bare ? text : "'" + CodeGeneration.EscapeSingleQuotedStringContent(text) + "'";
    }

    private static bool IsAddress(string text)
    {
        int at = text.IndexOf('@');
        if (at <= 0)
        {
            return false;
        }

        foreach (char c in text)
        {
            if (!(char.IsLetterOrDigit(c) || c is '.' or '_' or '-' or '@'))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>Completes from a list of words.</summary>
public abstract class WordCompleter : Completer
{
    private readonly string[] words;

    private protected WordCompleter(params string[] words) => this.words = words;

    private protected override IEnumerable<(string Text, string ToolTip)> Candidates(string prefix)
    {
        foreach (string word in words)
        {
            if (word.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                yield return (word, word);
            }
        }
    }
}

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
            ArraySegment<byte> request = JsonWriting.Document(new Dictionary<string, object?>
            {
                ["Mode"] = "Validate",
                ["Parameters"] = new Dictionary<string, object?> { ["Kind"] = kind, ["Prefix"] = prefix },
            });
            if (!session.TryExecute("Complete-Identity", request, null, out Response response, out _))
            {
                yield break;
            }

            foreach (object? item in response.Objects)
            {
                if (item is PSObject found && found.Properties["Text"]?.Value is string { Length: > 0 } text)
                {
                    yield return (text, found.Properties["ToolTip"]?.Value as string is { Length: > 0 } toolTip ? toolTip : text);
                }
            }
        }
        finally
        {
            session.Release();
        }
    }
}

/// <summary>Completes a UM-enabled mailbox.</summary>
public sealed class UMMailboxCompleter : IdentityCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public UMMailboxCompleter()
        : base("UMMailbox")
    {
    }
}

/// <summary>Completes any recipient.</summary>
public sealed class RecipientCompleter : IdentityCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public RecipientCompleter()
        : base("Recipient")
    {
    }
}

/// <summary>Completes a UM mailbox policy.</summary>
public sealed class UMMailboxPolicyCompleter : IdentityCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public UMMailboxPolicyCompleter()
        : base("UMMailboxPolicy")
    {
    }
}

/// <summary>Completes a UM dial plan.</summary>
public sealed class UMDialPlanCompleter : IdentityCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public UMDialPlanCompleter()
        : base("UMDialPlan")
    {
    }
}

/// <summary>Completes an organizational unit.</summary>
public sealed class OrganizationalUnitCompleter : IdentityCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public OrganizationalUnitCompleter()
        : base("OrganizationalUnit")
    {
    }
}

/// <summary>Completes the name of a cmdlet that the audit trail may hold: one of this module that changes something.</summary>
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
