namespace UMMailboxPin;

/// <summary>An open session of the library; it closes with the last use.</summary>
internal sealed unsafe class SessionHandle : LibraryHandle
{
    internal SessionHandle(ulong number)
        : base(number)
    {
    }

    /// <summary>Closes the session.</summary>
    protected override bool ReleaseHandle() => NativeMethods.umpin_close(Number, null) == 0;
}
