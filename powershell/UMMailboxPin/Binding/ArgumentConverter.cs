using System;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>
/// Converts to a parameter type of ours. A proxy function, a role capability that lists parameters and a typed
/// wrapper keep a parameter's type and lose its attributes, so the type itself has to know the way.
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
    public override object ConvertFrom(
        object sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        From(sourceValue) ?? throw new PSInvalidCastException($"This value is no {destinationType.Name}.");

    /// <summary>Called by PowerShell.</summary>
    public override object ConvertFrom(
        PSObject sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        ConvertFrom((object)sourceValue, destinationType, formatProvider, ignoreCase);

    /// <summary>Called by PowerShell.</summary>
    public override bool CanConvertTo(object sourceValue, Type destinationType) => false;

    /// <summary>Called by PowerShell.</summary>
    public override object ConvertTo(
        object sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        throw new PSInvalidCastException($"There is no way to {destinationType.Name}.");

    /// <summary>The converted value; null for what cannot be converted.</summary>
    private protected abstract object? From(object input);
}
