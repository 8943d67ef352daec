using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Reflection;

// PowerShell does not run on Mono. These have what the shared sources use of it, and nothing else.
namespace System.Management.Automation;

internal class PSObject
{
    internal PSObject()
        : this(new PSCustomObject())
    {
    }

    internal PSObject(object value) => BaseObject = value;

    internal object BaseObject { get; }

    internal Members Properties { get; } = new();

    internal Members Members { get; } = new();

    internal Collection<string> TypeNames { get; } = new() { "System.Management.Automation.PSCustomObject" };
}

internal sealed class PSCustomObject
{
}

internal class PSPropertyInfo
{
    internal string Name { get; set; } = string.Empty;

    internal object? Value { get; set; }
}

internal sealed class PSNoteProperty : PSPropertyInfo
{
    internal PSNoteProperty(string name, object? value)
    {
        Name = name;
        Value = value;
    }
}

internal sealed class PSCodeMethod : PSPropertyInfo
{
    internal PSCodeMethod(string name, MethodInfo method)
    {
        Name = name;
        Value = method;
    }

    internal PSCodeMethod Copy() => this;
}

internal sealed class Members : IEnumerable<PSPropertyInfo>
{
    private readonly List<PSPropertyInfo> items = new();

    internal PSPropertyInfo? this[string name] => items.Find(item => item.Name == name);

    internal void Add(PSPropertyInfo item, bool preValidated = false) => items.Add(item);

    public IEnumerator<PSPropertyInfo> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

internal readonly struct SwitchParameter
{
    internal bool IsPresent => false;
}

internal static class LanguagePrimitives
{
    internal static bool TryConvertTo(object? value, out double result) =>
        double.TryParse(
            Convert.ToString(value, CultureInfo.InvariantCulture),
            NumberStyles.Any,
            CultureInfo.InvariantCulture,
            out result);
}
