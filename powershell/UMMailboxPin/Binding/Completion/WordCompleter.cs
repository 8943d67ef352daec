using System;
using System.Collections.Generic;

namespace UMMailboxPin;

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
