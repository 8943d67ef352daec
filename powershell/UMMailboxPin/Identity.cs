using System;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>
/// Names an object: a text in any of the identity forms, or an object that has one. Which forms there are, and what they
/// match, the library knows.
/// </summary>
public sealed class UmObjectIdentity : IArgument
{
    internal UmObjectIdentity(string text) => Text = text;

    internal string Text { get; }

    object? IArgument.Value => Text;

    /// <summary>The identity as it was given.</summary>
    public override string ToString() => Text;
}

/// <summary>
/// Turns what was typed or piped into a <see cref="UmObjectIdentity"/>: a text, a Guid or a number as it is, any other
/// object by its Identity, else its DistinguishedName, else its Guid. $null stays $null, which means all on Get-.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class IdentityAttribute : ArgumentTransformationAttribute
{
    private static readonly string[] Names = { "Identity", "DistinguishedName", "Guid" };

    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        // Most identities are texts, and ten thousand of them come down a pipeline: no reflection for those.
        switch (inputData is PSObject wrapped ? wrapped.BaseObject : inputData)
        {
            case null:
                return null;
            case string text:
                return new UmObjectIdentity(text);
            case UmObjectIdentity done:
                return done;
            case Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin state:
                return new UmObjectIdentity(state.Identity);
            case Array:
                return inputData;
            case ValueType value:
                return new UmObjectIdentity(Arguments.ToText(value));
        }

        PSObject piped = PSObject.AsPSObject(inputData!);
        bool named = false;
        foreach (string name in Names)
        {
            if (piped.Properties[name] is not { IsGettable: true } property)
            {
                continue;
            }

            named = true;
            string text = Arguments.ToText(property.Value);
            if (text.Length > 0)
            {
                return new UmObjectIdentity(text);
            }
        }

        // An object with nothing in these properties is not "all": the library refuses the empty text. One without such
        // a property is no identity, and PowerShell says so.
        return named ? new UmObjectIdentity(string.Empty) : inputData;
    }
}
