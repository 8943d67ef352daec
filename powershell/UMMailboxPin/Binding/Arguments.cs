using System;
using System.Collections.Generic;
using System.Globalization;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>How values become text: the same way for every parameter.</summary>
internal static class Arguments
{
    /// <summary>
    /// The value as an administrator would type it. A row of a table (Import-Csv) becomes its fields with commas
    /// between, which is how Exchange writes a dial group entry; an object that came through remoting keeps the text
    /// it had there.
    /// </summary>
    internal static string ToText(object? value)
    {
        switch (Plain(value))
        {
            case null:
                return string.Empty;
            case string text:
                return text;
            case PSObject remote when remote.TypeNames[0].StartsWith("Deserialized.", StringComparison.Ordinal):
                return remote.ToString();
            case PSObject row:
                var fields = new List<string>();
                foreach (PSPropertyInfo property in row.Properties)
                {
                    fields.Add(ToText(property.Value));
                }

                // An entry without a comment is written without its comma.
                return string.Join(",", fields).TrimEnd(',');
            case IFormattable formattable:
                return formattable.ToString(null, CultureInfo.InvariantCulture) ?? string.Empty;
            case object other:
                return other.ToString() ?? string.Empty;
        }
    }

    /// <summary>Whether an object was one of ours before it came through remoting, a job or a file.</summary>
    internal static bool IsDeserialized<T>(PSObject value) =>
        value.TypeNames.Contains("Deserialized." + typeof(T).FullName);

    /// <summary>What PowerShell wrapped, whatever it is.</summary>
    internal static object? Unwrap(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;

    /// <summary>What PowerShell wrapped; an object that has nothing but its properties stays as it is.</summary>
    internal static object? Plain(object? value) =>
        value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;
}
