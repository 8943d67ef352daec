using System;
using System.ComponentModel;
using System.Globalization;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>
/// A count, a time span or the word Unlimited, as Exchange's type of that name. What it may be is for the library to
/// say.
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

    /// <summary>
    /// From a text, a number, a time span, or one of these that came through remoting. Null for all else.
    /// </summary>
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
