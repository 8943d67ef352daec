using System;
using System.Management.Automation;
using System.Runtime.InteropServices;
using System.Security;

namespace UMMailboxPin;

/// <summary>
/// Takes a SecureString where a string is declared. Everything else passes untouched, so that a bare <c>0123</c>
/// keeps its zero.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecureStringToStringAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? plain = Arguments.Unwrap(inputData);
        if (plain is string text && text == typeof(SecureString).FullName)
        {
            // What PowerShell makes of one where a proxy declares a string: its type's name, which is nobody's PIN.
            throw new ArgumentTransformationMetadataException(
                "A SecureString reached this parameter through a proxy function as text. "
                    + "Call the cmdlet itself with it, or pass the PIN as text.");
        }

        if (plain is not SecureString secure)
        {
            return inputData;
        }

        IntPtr chars = Marshal.SecureStringToCoTaskMemUnicode(secure);
        try
        {
            return Marshal.PtrToStringUni(chars, secure.Length);
        }
        finally
        {
            Marshal.ZeroFreeCoTaskMemUnicode(chars);
        }
    }
}
