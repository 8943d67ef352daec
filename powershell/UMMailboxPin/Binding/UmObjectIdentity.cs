using System;
using System.Collections;
using System.ComponentModel;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>
/// Names an object: a text in any of the identity forms, or an object that has one. Which forms there are, and what
/// they match, the library knows.
/// </summary>
[TypeConverter(typeof(UmObjectIdentityConverter))]
public sealed class UmObjectIdentity : IArgument
{
    private static readonly string[] Names = ["Identity", "DistinguishedName", "Guid"];

    /// <summary>From a text in any of the identity forms.</summary>
    public UmObjectIdentity(string text)
        : this(text, null)
    {
    }

    private UmObjectIdentity(string text, PSObject? source)
    {
        Text = text;
        Source = source;
    }

    internal string Text { get; }

    /// <summary>The object that the identity was taken from; null if it was given as a value.</summary>
    internal PSObject? Source { get; }

    object? IArgument.Value => Text;

    /// <summary>The identity as it was given.</summary>
    public override string ToString() => Text;

    /// <summary>
    /// What was typed or piped: a text, a Guid or a number as it is, any other object by its Identity, else its
    /// DistinguishedName, else its Guid. Null for what is no identity.
    /// </summary>
    internal static UmObjectIdentity? From(object? input)
    {
        // Most identities are texts, and ten thousand of them come down a pipeline: no reflection for those.
        switch (Arguments.Unwrap(input))
        {
            case null or Array:
                return null;
            case string text:
                return new UmObjectIdentity(text);
            case UmObjectIdentity done:
                return done;
            case Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin state:
                return new UmObjectIdentity(state.Identity);
            case IDictionary table:
                return Named(name => table.Contains(name) ? table[name] : null, table.Contains, null);
            case ValueType value:
                return new UmObjectIdentity(Arguments.ToText(value));
        }

        var piped = PSObject.AsPSObject(input);
        return Arguments.IsDeserialized<UmObjectIdentity>(piped)
            ? new UmObjectIdentity(piped.ToString())
            : Named(
                name => piped.Properties[name].Value,
                name => piped.Properties[name] is { IsGettable: true },
                piped);
    }

    private static UmObjectIdentity? Named(Func<string, object?> value, Predicate<string> has, PSObject? source)
    {
        bool named = false;
        foreach (string name in Names)
        {
            if (!has(name))
            {
                continue;
            }

            named = true;
            string text = Arguments.ToText(value(name));
            if (text.Length > 0)
            {
                return new UmObjectIdentity(text, source);
            }
        }

        // An object with nothing in these properties is not "all": the library refuses the empty text. One without such
        // a property is no identity, and PowerShell says so.
        return named ? new UmObjectIdentity(string.Empty) : null;
    }
}
