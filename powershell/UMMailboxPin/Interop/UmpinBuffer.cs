using System.Runtime.InteropServices;

namespace UMMailboxPin;

/// <summary>Bytes that the library allocated and frees.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct UmpinBuffer
{
    internal byte* Data;
    internal nuint Length;
}
