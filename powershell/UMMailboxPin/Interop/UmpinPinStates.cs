using System.Runtime.InteropServices;

namespace UMMailboxPin;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct UmpinPinStates
{
    internal UmpinPinState* Items;
    internal nuint Length;
    internal UmpinStr Next;
}
