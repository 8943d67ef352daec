using System;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>
/// Converts to a <see cref="SecurePin"/> on a cmdlet's own parameter, where a bare number still has the text that was
/// typed.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecurePinAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        SecurePin.From(inputData) ?? inputData;
}
