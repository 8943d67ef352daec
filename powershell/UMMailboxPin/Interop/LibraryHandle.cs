using System;
using System.Runtime.InteropServices;

namespace UMMailboxPin;

/// <summary>
/// A handle of the library. It is a number of 64 bits in every process, so it has a field of its own: SafeHandle's is
/// as wide as a pointer.
/// </summary>
internal abstract class LibraryHandle : SafeHandle
{
    private protected LibraryHandle(ulong number)
        : base(IntPtr.Zero, ownsHandle: true) => Number = number;

    /// <summary>What the library calls it; 0 is none.</summary>
    internal ulong Number { get; }

    /// <summary>Whether there is nothing to free.</summary>
    public override bool IsInvalid => Number == 0;

    /// <summary>
    /// Keeps the handle open until the result is disposed of, whatever another thread does meanwhile.
    /// </summary>
    internal Hold Use() => new(this);

    /// <summary>One use of a handle.</summary>
    internal readonly ref struct Hold
    {
        private readonly LibraryHandle handle;
        private readonly bool held;

        internal Hold(LibraryHandle handle)
        {
            this.handle = handle;
            held = false;
            handle.DangerousAddRef(ref held);
        }

        internal ulong Number => handle.Number;

        public void Dispose()
        {
            if (held)
            {
                handle.DangerousRelease();
            }
        }
    }
}
