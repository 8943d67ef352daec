using System;
using System.Collections;
using System.Collections.Generic;
using System.ComponentModel;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>
/// A list setting: one value, several, or a change of what is there, written as <c>@{Add = ...; Remove = ...}</c>.
/// </summary>
[TypeConverter(typeof(MultiValuedPropertyConverter))]
public sealed class MultiValuedProperty : IArgument
{
    /// <summary>From one value, a list, or a table with Add and Remove.</summary>
    public MultiValuedProperty(object? value)
    {
        object? plain = Arguments.Plain(value);
        if (plain is PSObject remote && Arguments.IsDeserialized<MultiValuedProperty>(remote))
        {
            plain = Arguments.Plain(remote.Properties[nameof(Value)]?.Value);
        }

        if (plain is not IDictionary table)
        {
            Value = Items(plain);
            return;
        }

        var lists = new Hashtable();
        foreach (DictionaryEntry entry in table)
        {
            lists[entry.Key] = Items(entry.Value);
        }

        Value = lists;
    }

    /// <summary>The list, or the table of lists.</summary>
    public object Value { get; }

    object? IArgument.Value => Value;

    /// <summary>The values with commas between.</summary>
    public override string ToString() =>
        Value is object[] items ? string.Join(", ", Array.ConvertAll(items, Arguments.ToText)) : "Add, Remove";

    internal static MultiValuedProperty? From(object? input) => Arguments.Plain(input) switch
    {
        null => null,
        MultiValuedProperty done => done,
        _ => new MultiValuedProperty(input),
    };

    private static object[] Items(object? value)
    {
        object? plain = Arguments.Plain(value);
        if (plain is null)
        {
            return [];
        }

        if (plain is string or PSObject or not IEnumerable)
        {
            return [Arguments.ToText(value)];
        }

        var items = new List<object>();
        foreach (object? item in (IEnumerable)plain)
        {
            items.Add(Arguments.ToText(item));
        }

        return [.. items];
    }
}
