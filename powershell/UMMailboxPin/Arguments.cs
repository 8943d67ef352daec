using System;
using System.Collections;
using System.Collections.Generic;
using System.ComponentModel;
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

                // An entry without a comment is written without its comma.
                return string.Join(",", fields).TrimEnd(',');
            case IFormattable formattable:
                return formattable.ToString(null, CultureInfo.InvariantCulture) ?? string.Empty;
            case object other:
                return other.ToString() ?? string.Empty;
        }
    }

    /// <summary>Whether an object was one of ours before it came through remoting, a job or a file.</summary>
    internal static bool IsDeserialized<T>(PSObject value) => value.TypeNames.Contains("Deserialized." + typeof(T).FullName);

    /// <summary>What PowerShell wrapped; an object that has nothing but its properties stays as it is.</summary>
    internal static object? Plain(object? value) =>
        value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;
}

/// <summary>
/// Converts to a parameter type of ours. A proxy function, a role capability that lists parameters and a typed wrapper keep
/// a parameter's type and lose its attributes, so the type itself has to know the way.
/// </summary>
public abstract class ArgumentConverter : PSTypeConverter
{
    private protected ArgumentConverter()
    {
    }

    /// <summary>Called by PowerShell.</summary>
    public override bool CanConvertFrom(object sourceValue, Type destinationType) => From(sourceValue) is not null;

    /// <summary>Called by PowerShell.</summary>
    public override bool CanConvertFrom(PSObject sourceValue, Type destinationType) => From(sourceValue) is not null;

    /// <summary>Called by PowerShell.</summary>
    public override object ConvertFrom(object sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        From(sourceValue) ?? throw new PSInvalidCastException($"This value is no {destinationType.Name}.");

    /// <summary>Called by PowerShell.</summary>
    public override object ConvertFrom(PSObject sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        ConvertFrom((object)sourceValue, destinationType, formatProvider, ignoreCase);

    /// <summary>Called by PowerShell.</summary>
    public override bool CanConvertTo(object sourceValue, Type destinationType) => false;

    /// <summary>Called by PowerShell.</summary>
    public override object ConvertTo(object sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        throw new PSInvalidCastException($"There is no way to {destinationType.Name}.");

    /// <summary>The converted value; null for what cannot be converted.</summary>
    private protected abstract object? From(object input);
}

/// <summary>
/// A count, a time span or the word Unlimited, as Exchange's type of that name. What it may be is for the library to say.
/// </summary>
[TypeConverter(typeof(UnlimitedConverter))]
public sealed class Unlimited : IArgument
{
    private readonly string text;

    /// <summary>From a number.</summary>
    public Unlimited(long value) => text = value.ToString(CultureInfo.InvariantCulture);

    /// <summary>From a time span: days of a PIN's life, minutes of a lock.</summary>
    public Unlimited(TimeSpan value) => text = Arguments.ToText(value);

    /// <summary>From a number or a word.</summary>
    public Unlimited(string value) => text = value.Trim();

    object? IArgument.Value => TryGetNumber(out long number) ? number : text;

    /// <summary>False for Unlimited and for what is no number.</summary>
    internal bool TryGetNumber(out long number) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    internal bool IsUnlimited => string.Equals(text, "Unlimited", StringComparison.OrdinalIgnoreCase);

    /// <summary>The number or the word.</summary>
    public override string ToString() => text;

    /// <summary>From a text, a number, a time span, or one of these that came through remoting. Null for all else.</summary>
    internal static Unlimited? From(object? input) => Arguments.Plain(input) switch
    {
        null or bool or DateTime or Guid => null,
        Unlimited done => done,
        PSObject remote => Arguments.IsDeserialized<Unlimited>(remote) ? new Unlimited(remote.ToString()) : null,
        string text => new Unlimited(text),
        IFormattable number => new Unlimited(Arguments.ToText(number)),
        _ => null,
    };
}

/// <summary>PowerShell's way to an <see cref="Unlimited"/>.</summary>
public sealed class UnlimitedConverter : ArgumentConverter
{
    private protected override object? From(object input) => Unlimited.From(input);
}

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
    public override string ToString() => Value is object[] items ? string.Join(", ", Array.ConvertAll(items, Arguments.ToText)) : "Add, Remove";

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

/// <summary>PowerShell's way to a <see cref="MultiValuedProperty"/>.</summary>
public sealed class MultiValuedPropertyConverter : ArgumentConverter
{
    private protected override object? From(object input) => MultiValuedProperty.From(input);
}

/// <summary>Takes anything for a <see cref="MultiValuedProperty"/>; $null stays $null.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MultiValuedAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => MultiValuedProperty.From(inputData);
}

/// <summary>
/// Takes a SecureString where a string is declared. Everything else passes untouched, so that a bare <c>0123</c> keeps its zero.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecureStringToStringAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? plain = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (plain is string text && text == typeof(SecureString).FullName)
        {
            // What PowerShell makes of one where a proxy declares a string: its type's name, which is nobody's PIN.
            throw new ArgumentTransformationMetadataException(
                "A SecureString reached this parameter through a proxy function as text. Call the cmdlet itself with it, or pass the PIN as text.");
        }

        if (plain is not SecureString secure)
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

/// <summary>A PIN to try: from a SecureString, a text or a number. It never prints itself.</summary>
[TypeConverter(typeof(SecurePinConverter))]
public sealed class SecurePin
{
    /// <summary>From a SecureString.</summary>
    public SecurePin(SecureString pin) => Pin = pin;

    /// <summary>From a text.</summary>
    public SecurePin(string pin)
    {
        Pin = new SecureString();
        foreach (char character in pin)
        {
            Pin.AppendChar(character);
        }

        Pin.MakeReadOnly();
    }

    internal SecureString Pin { get; }

    internal static SecurePin? From(object? input) => (input is PSObject wrapped ? wrapped.BaseObject : input) switch
    {
        null => null,
        SecurePin done => done,
        SecureString secure => new SecurePin(secure),
        // PowerShell's own conversion knows the text that a bare number was typed as.
        string or ValueType => new SecurePin(LanguagePrimitives.ConvertTo<string>(input)),
        _ => null,
    };
}

/// <summary>PowerShell's way to a <see cref="SecurePin"/>.</summary>
public sealed class SecurePinConverter : ArgumentConverter
{
    private protected override object? From(object input) => SecurePin.From(input);
}

/// <summary>The same on a cmdlet's own parameter, where a bare number still has the text that was typed.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecurePinAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => SecurePin.From(inputData) ?? inputData;
}
