using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace UMMailboxPin;

/// <summary>
/// A list property, as Exchange's remoting gave it: an ArrayList, so that scripts may add and remove. Its text is the
/// values with blanks between, here and after remoting alike, so that Export-Csv prints them.
/// </summary>
[SuppressMessage("Design", "CA1010", Justification = "Scripts that were written for Exchange use an ArrayList.")]
public sealed class ValueList : ArrayList
{
    /// <summary>The values with blanks between.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (object? item in this)
        {
            text.Append(text.Length == 0 ? string.Empty : " ").Append(item);
        }

        return text.ToString();
    }
}
