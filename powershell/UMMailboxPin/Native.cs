using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Runtime.InteropServices;

namespace UMMailboxPin;

/// <summary>
/// The exported functions of the Rust library, and how it is found. Only <see cref="Session"/> and <see cref="PinReset"/> call them.
/// </summary>
internal static unsafe class Native
{
    private const string Library = "umpin";
    private const uint ExpectedAbiVersion = 1;

    private static readonly object Gate = new();
    private static bool loaded;
    private static bool resolverSet;

    /// <summary>
    /// Loads the library on first use, from its absolute path beside this assembly, and asks it for its version.
    /// Not at import: a shell that only lists commands should not pay for it. It is never unloaded, since Rust's
    /// thread-local destructors make that unsafe.
    /// </summary>
    internal static bool TryLoad(out Failure failure)
    {
        lock (Gate)
        {
            failure = default;
            if (loaded)
            {
                return true;
            }

            string folder = Path.GetDirectoryName(typeof(Native).Assembly.Location)!;
            string path = Path.Combine(folder, Platform, Library + Extension);
            if (!File.Exists(path))
            {
                failure = Failure.Local(
                    "NativeLibraryMissingException",
                    $"UMMailboxPin has no native library for this platform ({Platform}): '{path}' does not exist. "
                        + $"Present in this installation: {string.Join(", ", PlatformsPresent(folder))}.");
                return false;
            }

            try
            {
                Bind(path);
                uint version = umpin_abi_version();
                if (version != ExpectedAbiVersion)
                {
                    failure = Failure.Local(
                        "AbiVersionMismatchException",
                        $"'{path}' speaks version {version} of the library's interface and this module version {ExpectedAbiVersion}. "
                            + "Install the module again, so that both are of one release.");
                    return false;
                }
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException or TargetInvocationException)
            {
                failure = Failure.Local(
                    "NativeLibraryUnusableException",
                    $"'{path}' cannot be loaded: {(e.InnerException ?? e).Message}");
                return false;
            }

            loaded = true;
            return true;
        }
    }

    private static string Platform
    {
        get
        {
            string os = RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "win"
                : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "osx"
                : "linux";
            return $"{os}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    private static string Extension =>
        RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? ".dll"
        : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? ".dylib"
        : ".so";

    private static IReadOnlyList<string> PlatformsPresent(string folder)
    {
        var present = new List<string>();
        foreach (string candidate in Directory.GetDirectories(folder))
        {
            if (Directory.GetFiles(candidate, Library + ".*").Length > 0)
            {
                present.Add(Path.GetFileName(candidate));
            }
        }

        return present.Count > 0 ? present : new[] { "none" };
    }

    /// <summary>
    /// Makes the imports below mean the file at <paramref name="path"/>. netstandard2.0 has no NativeLibrary, so it is
    /// reached by reflection where it exists; on .NET Framework a module that is already loaded satisfies an import by its name.
    /// </summary>
    private static void Bind(string path)
    {
        Type? nativeLibrary = typeof(object).Assembly.GetType("System.Runtime.InteropServices.NativeLibrary");
        if (nativeLibrary is null)
        {
            if (LoadLibraryW(path) == IntPtr.Zero)
            {
                throw new DllNotFoundException(new System.ComponentModel.Win32Exception().Message);
            }

            return;
        }

        IntPtr handle = (IntPtr)nativeLibrary.GetMethod("Load", new[] { typeof(string) })!.Invoke(null, new object[] { path })!;
        library = handle;
        if (resolverSet)
        {
            return;
        }

        // A second resolver for one assembly throws, so it is set once and reads the handle.
        Type resolver = typeof(object).Assembly.GetType("System.Runtime.InteropServices.DllImportResolver")!;
        Delegate resolve = Delegate.CreateDelegate(
            resolver, typeof(Native).GetMethod(nameof(Resolve), BindingFlags.NonPublic | BindingFlags.Static)!);
        nativeLibrary.GetMethod("SetDllImportResolver")!.Invoke(null, new object[] { typeof(Native).Assembly, resolve });
        resolverSet = true;
    }

    private static IntPtr library;

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == Library ? library : IntPtr.Zero;

    [DllImport("kernel32", CharSet = CharSet.Unicode, SetLastError = true, ExactSpelling = true)]
    private static extern IntPtr LoadLibraryW(string path);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    private static extern uint umpin_abi_version();

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_open(UmpinStr options, ulong* session, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_close(ulong session, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern void umpin_error_free(UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern void umpin_buffer_free(UmpinBuffer* buffer);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern void umpin_pin_states_free(UmpinPinStates** states);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_execute(
        ulong session, UmpinStr operation, UmpinStr request, UmpinStr secret, UmpinBuffer* response, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_pin_get(ulong session, UmpinIdentity* who, UmpinPinStates** states, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_pin_list(
        ulong session, UmpinIdentity* scope, UmpinStr after, nuint limit, UmpinPinStates** states, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_reset_begin(
        ulong session, UmpinSetPin* request, ulong* reset, UmpinBuffer* target, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_reset_hash(ulong reset, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_reset_commit(ulong reset, UmpinPinStates** states, UmpinBuffer* outcome, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern void umpin_reset_free(ulong reset);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_verify(
        ulong session, UmpinSignIn* who, UmpinStr pin, UmpinAnswer* answer, UmpinReason* reason, UmpinError** error);
}
