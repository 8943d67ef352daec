using System;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>
/// Converts to a <see cref="UmObjectIdentity"/> on a cmdlet's own parameters. There $null stays $null, which means all
/// to the Get- cmdlets.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class IdentityAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        // A null in a PSObject is $null too.
        object? plain = Arguments.Unwrap(inputData);
        return plain is null ? null : UmObjectIdentity.From(inputData) ?? inputData;
    }
}
