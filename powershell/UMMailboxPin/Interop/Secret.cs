using System;
using System.Runtime.InteropServices;
using System.Security;
using System.Text;

namespace UMMailboxPin;

/// <summary>
/// A PIN on its way into the library: UTF-8 bytes that never move and are erased when the call is over.
/// It is never part of a JSON document.
/// </summary>
internal sealed unsafe class Secret : IDisposable
{
    private readonly byte[]? bytes;
    private GCHandle pin;
    private readonly int length;

    private Secret(byte[]? bytes, GCHandle pin, int length)
    {
        this.bytes = bytes;
        this.pin = pin;
        this.length = length;
    }

    internal UmpinStr Text =>
        bytes is null ? default : new UmpinStr { Data = (byte*)pin.AddrOfPinnedObject(), Length = (nuint)length };

    internal static Secret From(string? text)
    {
        if (text is null)
        {
            return new Secret(null, default, 0);
        }

        fixed (char* chars = text)
        {
            return Encode(chars, text.Length);
        }
    }

    internal static Secret From(SecureString text)
    {
        IntPtr chars = Marshal.SecureStringToCoTaskMemUnicode(text);
        try
        {
            return Encode((char*)chars, text.Length);
        }
        finally
        {
            Marshal.ZeroFreeCoTaskMemUnicode(chars);
        }
    }

    private static Secret Encode(char* chars, int count)
    {
        // At least one byte, so that an empty PIN has an address and is not taken for an absent one.
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(count) + 1];
        var pin = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        int length = count == 0
            ? 0
            : Encoding.UTF8.GetBytes(chars, count, (byte*)pin.AddrOfPinnedObject(), bytes.Length);
        return new Secret(bytes, pin, length);
    }

    public void Dispose()
    {
        if (bytes is not null && pin.IsAllocated)
        {
            Array.Clear(bytes, 0, bytes.Length);
            pin.Free();
        }
    }
}
