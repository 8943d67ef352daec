using System;
using System.Text;

namespace UMMailboxPin;

/// <summary>
/// Texts on their way into the library: encoded one behind the other into one buffer that is used again for the next
/// call. Not for secrets.
/// </summary>
internal sealed unsafe class TextBuffer
{
    /// <summary>The place of a text that is absent.</summary>
    internal const int Absent = -1;

    private byte[] bytes = new byte[1024];
    private readonly int[] starts = new int[16];
    private int texts;
    private int used;

    /// <summary>The buffer, to be pinned around the call; valid until the next <see cref="Put"/>.</summary>
    internal byte[] Bytes => bytes;

    internal void Clear()
    {
        texts = 0;
        used = 0;
    }

    /// <summary>Adds a text and returns its place, for <see cref="At"/>.</summary>
    internal int Put(string? text)
    {
        if (text is null)
        {
            return Absent;
        }

        int room = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (bytes.Length - used < room)
        {
            Array.Resize(ref bytes, Math.Max(bytes.Length * 2, used + room));
        }

        starts[texts] = used;
        used += Encoding.UTF8.GetBytes(text, 0, text.Length, bytes, used);
        starts[texts + 1] = used;
        return texts++;
    }

    /// <summary>The text at a place, where <paramref name="pinned"/> is <see cref="Bytes"/>, pinned.</summary>
    internal UmpinStr At(byte* pinned, int place) =>
        place == Absent
            ? default
            : new UmpinStr { Data = pinned + starts[place], Length = (nuint)(starts[place + 1] - starts[place]) };

    /// <summary>What the library answered; empty for absent.</summary>
    internal static string Read(UmpinStr text) =>
        text.Data == null || text.Length == 0
            ? string.Empty
            : Encoding.UTF8.GetString(text.Data, checked((int)text.Length));

    /// <summary>What the library answered; null for absent.</summary>
    internal static string? ReadOrNull(UmpinStr text) => text.Data == null ? null : Read(text);
}
