using System;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security;
using Xunit;

namespace UMMailboxPin.Tests;

/// <summary>What crosses into the library, and how its file is chosen.</summary>
public unsafe class InteropTests
{
    [Theory]
    [InlineData("win", Architecture.X86, "win-x86")]
    [InlineData("win", Architecture.Arm64, "win-arm64")]
    [InlineData("linux", Architecture.X64, "linux-x64")]
    [InlineData("linux-musl", Architecture.X64, "linux-musl-x64")]
    [InlineData("linux", Architecture.Arm, "linux-arm")]
    [InlineData("osx", Architecture.Arm64, "osx-arm64")]
    public void A_platform_has_the_name_that_dotnet_gives_it(string os, Architecture architecture, string expected) =>
        Assert.Equal(expected, NativeLibraryLoader.Name(os, architecture));

    [Fact]
    public void The_platform_is_the_processs_own() =>
        Assert.EndsWith(
            RuntimeInformation.ProcessArchitecture.ToString(),
            NativeLibraryLoader.Platform(),
            StringComparison.OrdinalIgnoreCase);

    [Fact]
    public void Texts_stand_behind_each_other_also_when_the_buffer_grows()
    {
        var texts = new TextBuffer();
        string large = new('ü', 5000);
        int first = texts.Put("tony");
        int absent = texts.Put(null);
        int empty = texts.Put(string.Empty);
        int second = texts.Put(large);
        fixed (byte* pinned = texts.Bytes)
        {
            Assert.Equal("tony", TextBuffer.Read(texts.At(pinned, first)));
            Assert.Null(TextBuffer.ReadOrNull(texts.At(pinned, absent)));
            Assert.Equal(string.Empty, TextBuffer.ReadOrNull(texts.At(pinned, empty)));
            Assert.Equal(large, TextBuffer.Read(texts.At(pinned, second)));
        }
    }

    [Fact]
    public void A_PIN_is_erased_when_its_call_is_over()
    {
        var secret = Secret.From("1985848");
        UmpinStr text = secret.Text;
        Assert.Equal("1985848", TextBuffer.Read(text));
        byte[] bytes = Assert.IsType<byte[]>(
            typeof(Secret).GetField("bytes", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(secret));
        secret.Dispose();
        secret.Dispose();
        Assert.DoesNotContain(bytes, b => b != 0);
    }

    [Fact]
    public void An_empty_PIN_is_not_an_absent_one()
    {
        using var empty = Secret.From(string.Empty);
        Assert.True(empty.Text.Data != null);
        using var absent = Secret.From((string?)null);
        Assert.True(absent.Text.Data == null);
        using var secure = new SecureString();
        using var emptySecure = Secret.From(secure);
        Assert.True(emptySecure.Text.Data != null);
    }

    [Fact]
    public void A_handle_is_open_while_it_is_used_and_freed_once()
    {
        var handle = new CountedHandle(1UL << 40);
        using (LibraryHandle.Hold use = handle.Use())
        {
            handle.Dispose();
            Assert.Equal(1UL << 40, use.Number);
            Assert.Equal(0, handle.Freed);
        }

        Assert.Equal(1, handle.Freed);
        handle.Dispose();
        Assert.Equal(1, handle.Freed);
        Assert.Throws<ObjectDisposedException>(() => handle.Use().Dispose());
        Assert.True(new CountedHandle(0).IsInvalid);
    }

    private sealed class CountedHandle : LibraryHandle
    {
        internal CountedHandle(ulong number)
            : base(number)
        {
        }

        internal int Freed { get; private set; }

        protected override bool ReleaseHandle()
        {
            Freed++;
            return true;
        }
    }
}
