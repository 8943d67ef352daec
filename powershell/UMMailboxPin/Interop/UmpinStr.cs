using System.Runtime.InteropServices;

namespace UMMailboxPin;

// The plain C types of include/umpin.h, field by field in its order.

/// <summary>Borrowed UTF-8 text; a null pointer means "absent".</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct UmpinStr
{
    internal byte* Data;
    internal nuint Length;
}
