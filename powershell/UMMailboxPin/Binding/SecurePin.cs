using System;
using System.ComponentModel;
using System.Management.Automation;
using System.Security;

namespace UMMailboxPin;

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

    internal static SecurePin? From(object? input) => Arguments.Unwrap(input) switch
    {
        null => null,
        SecurePin done => done,
        SecureString secure => new SecurePin(secure),
        // PowerShell's own conversion knows the text that a bare number was typed as.
        string or ValueType => new SecurePin(LanguagePrimitives.ConvertTo<string>(input)),
        _ => null,
    };
}
