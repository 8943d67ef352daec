namespace UMMailboxPin;

/// <summary>
/// A PIN change under way in the library. Freed without a commit, it is dropped, and with it the PIN.
/// </summary>
internal sealed class PinResetHandle : LibraryHandle
{
    internal PinResetHandle(ulong number)
        : base(number)
    {
    }

    /// <summary>Drops the change.</summary>
    protected override bool ReleaseHandle()
    {
        NativeMethods.umpin_reset_free(Number);
        return true;
    }
}
