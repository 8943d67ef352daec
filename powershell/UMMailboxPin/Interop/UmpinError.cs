using System.Runtime.InteropServices;

namespace UMMailboxPin;

[StructLayout(LayoutKind.Sequential)]
internal struct UmpinError
{
    internal int Status;
    internal UmpinStr Id;
    internal UmpinStr Message;
    internal UmpinStr Target;
}
