using System;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace UMMailboxPin;

/// <summary>Completes a parameter; whatever goes wrong, Tab shows nothing instead of an error.</summary>
public abstract class Completer : IArgumentCompleter
{
    private protected Completer()
    {
    }

    /// <summary>Called by PowerShell.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Tab must not print an error into a half-typed line.")]
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName,
        string parameterName,
        string wordToComplete,
        CommandAst commandAst,
        IDictionary fakeBoundParameters)
    {
        try
        {
            string word = wordToComplete ?? string.Empty;
            char quote = word.Length > 0 && word[0] is '\'' or '"' ? word[0] : '\0';
            var results = new List<CompletionResult>();
            foreach ((string text, string toolTip) in Candidates(word.Trim('\'', '"')))
            {
                results.Add(new CompletionResult(
                    Quote(text, quote), text, CompletionResultType.ParameterValue, toolTip));
            }

            return results;
        }
        catch (Exception)
        {
            return [];
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
