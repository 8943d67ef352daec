using System.Runtime.InteropServices;

namespace UMMailboxPin;

[StructLayout(LayoutKind.Sequential)]
internal struct UmpinSignIn
{
    internal UmpinStr Extension;
    internal UmpinStr DialPlan;
    internal UmpinStr Identity;
}
