using System;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>The same on a cmdlet's own parameters, where $null stays $null, which means all on Get-.</summary>
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
