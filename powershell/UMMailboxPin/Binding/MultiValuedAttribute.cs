using System;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>Takes anything for a <see cref="MultiValuedProperty"/>; $null stays $null.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MultiValuedAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        MultiValuedProperty.From(inputData);
}
