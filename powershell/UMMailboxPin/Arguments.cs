using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Management.Automation;
using System.Runtime.InteropServices;
using System.Security;

namespace UMMailboxPin;

/// <summary>A parameter type of ours: what it sends to the library.</summary>
internal interface IArgument
{
    /// <summary>A string, a number, a list or a table; null for $null.</summary>
    object? Value { get; }
}

/// <summary>How values become text: the same way for every parameter.</summary>
internal static class Arguments
{
    /// <summary>
    /// The value as an administrator would type it. A row of a table (Import-Csv) becomes its fields with commas between,
    /// which is how Exchange writes a dial group entry; an object that came through remoting keeps the text it had there.
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

                return string.Join(",", fields);
            case IFormattable formattable:
                return formattable.ToString(null, CultureInfo.InvariantCulture) ?? string.Empty;
            case object other:
                return other.ToString() ?? string.Empty;
        }
    }

    /// <summary>What PowerShell wrapped; an object that has nothing but its properties stays as it is.</summary>
    internal static object? Plain(object? value) =>
        value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;
}

/// <summary>
/// A count or the word Unlimited, as Exchange's type of that name. What it may be is for the library to say.
/// </summary>
public sealed class Unlimited : IArgument
{
    private readonly string text;

    /// <summary>From a number.</summary>
    public Unlimited(long value) => text = value.ToString(CultureInfo.InvariantCulture);

    /// <summary>From a number or a word.</summary>
    public Unlimited(string value) => text = value.Trim();

    object? IArgument.Value => TryGetNumber(out long number) ? number : text;

    /// <summary>False for Unlimited and for what is no number.</summary>
    internal bool TryGetNumber(out long number) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    internal bool IsUnlimited => string.Equals(text, "Unlimited", StringComparison.OrdinalIgnoreCase);

    /// <summary>The number or the word.</summary>
    public override string ToString() => text;
}

/// <summary>
/// A list setting: one value, several, or a change of what is there, written as <c>@{Add = ...; Remove = ...}</c>.
/// </summary>
public sealed class MultiValuedProperty : IArgument
{
    private readonly object value;

    internal MultiValuedProperty(object value) => this.value = value;

    object? IArgument.Value => value;

    /// <summary>The values with commas between.</summary>
    public override string ToString() => value is object[] items ? string.Join(", ", Array.ConvertAll(items, Arguments.ToText)) : "Add, Remove";
}

/// <summary>Takes anything for a <see cref="MultiValuedProperty"/>.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MultiValuedAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        switch (Arguments.Plain(inputData))
        {
            case null:
                return null;
            case MultiValuedProperty done:
                return done;
            case IDictionary table:
                var lists = new Hashtable();
                foreach (DictionaryEntry entry in table)
                {
                    lists[entry.Key] = Items(entry.Value);
                }

                return new MultiValuedProperty(lists);
            default:
                return new MultiValuedProperty(Items(inputData));
        }
    }

    private static object[] Items(object? value)
    {
        object? plain = Arguments.Plain(value);
        if (plain is null)
        {
            return Array.Empty<object>();
        }

        if (plain is string or PSObject or not IEnumerable)
        {
            return new object[] { Arguments.ToText(value) };
        }

        var items = new List<object>();
        foreach (object? item in (IEnumerable)plain)
        {
            items.Add(Arguments.ToText(item));
        }

        return items.ToArray();
    }
}

/// <summary>
/// Takes a SecureString where a string is declared. Everything else passes untouched, so that a bare <c>0123</c> keeps its zero.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecureStringToStringAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        if ((inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is not SecureString secure)
        {
            return inputData;
        }

        IntPtr chars = Marshal.SecureStringToCoTaskMemUnicode(secure);
        try
        {
            return Marshal.PtrToStringUni(chars, secure.Length);
        }
        finally
        {
            Marshal.ZeroFreeCoTaskMemUnicode(chars);
        }
    }
}

/// <summary>Takes a string or a number where a SecureString is declared.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class StringToSecureStringAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        if (inputData is null || (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is SecureString)
        {
            return inputData;
        }

        // PowerShell's own conversion knows the text that a bare number was typed as.
        var secure = new SecureString();
        foreach (char character in LanguagePrimitives.ConvertTo<string>(inputData))
        {
            secure.AppendChar(character);
        }

        secure.MakeReadOnly();
        return secure;
    }
}
