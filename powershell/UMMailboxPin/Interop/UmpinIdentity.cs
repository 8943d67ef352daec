using System.Runtime.InteropServices;

namespace UMMailboxPin;

[StructLayout(LayoutKind.Sequential)]
internal struct UmpinIdentity
{
    internal UmpinStr Identity;
    internal UmpinStr DomainController;
    internal byte IgnoreDefaultScope;
}
