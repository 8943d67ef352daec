using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Reflection;
using System.Runtime.InteropServices;

namespace UMMailboxPin;

/// <summary>Finds the Rust library that fits this process beside the assembly, and makes the imports mean it.</summary>
internal static class NativeLibraryLoader
{
    private const uint ExpectedAbiVersion = 1;

    private static readonly object Gate = new();
    private static bool loaded;
    private static bool resolverSet;
    private static IntPtr library;

    /// <summary>
    /// Loads the library on first use, from its absolute path, and asks it for its version. Not at import: a shell that
    /// only lists commands should not pay for it. It is never unloaded, since Rust's thread-local destructors make that
    /// unsafe.
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

            string folder = Path.GetDirectoryName(typeof(NativeLibraryLoader).Assembly.Location);
            string platform = Platform();
            string path = Path.Combine(folder, platform, NativeMethods.Library + Extension());
            if (!File.Exists(path))
            {
                failure = Failure.Local(
                    "NativeLibraryMissingException",
                    $"UMMailboxPin has no native library for this process, which is {platform}: "
                        + $"'{path}' does not exist. "
                        + $"Present in this installation: {string.Join(", ", PlatformsPresent(folder))}. "
                        + "Start a PowerShell of one of these, or install the module's folder for this one.");
                return false;
            }

            try
            {
                Bind(path);
                uint version = NativeMethods.umpin_abi_version();
                if (version != ExpectedAbiVersion)
                {
                    failure = Failure.Local(
                        "AbiVersionMismatchException",
                        $"'{path}' speaks version {version} of the library's interface and this module version "
                            + $"{ExpectedAbiVersion}. Install the module again, so that both are of one release.");
                    return false;
                }
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException
                or EntryPointNotFoundException or TargetInvocationException)
            {
                failure = Failure.Local(
                    "NativeLibraryUnusableException",
                    $"'{path}' cannot be loaded into this process, which is {platform}: "
                        + (e.InnerException ?? e).Message);
                return false;
            }

            loaded = true;
            return true;
        }
    }

    /// <summary>
    /// The folder of the library for this process, which need not be of the machine's own kind: a 32-bit PowerShell on
    /// 64-bit Windows, an x64 one on ARM.
    /// </summary>
    internal static string Platform()
    {
        Architecture architecture = RuntimeInformation.ProcessArchitecture;
        string os = RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "win"
            : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "osx"
            : UsesMusl() ? "linux-musl"
            : "linux";
        return Name(os, architecture);
    }

    /// <summary>The names that .NET gives to platforms (its page "RID catalog"): win-x86, linux-musl-arm64.</summary>
    internal static string Name(string os, Architecture architecture) => os + architecture switch
    {
        Architecture.X86 => "-x86",
        Architecture.X64 => "-x64",
        Architecture.Arm => "-arm",
        Architecture.Arm64 => "-arm64",
        _ => "-" + architecture,
    };

    /// <summary>
    /// Whether this process runs on musl, as on Alpine. Both C libraries can be installed on one machine, so that the
    /// loader's file only asks the question and the process's own map answers it.
    /// </summary>
    private static bool UsesMusl()
    {
        const string Loader = "ld-musl-";
        try
        {
            return Directory.GetFiles("/lib", Loader + "*").Length > 0
                && File.ReadAllText("/proc/self/maps").Contains("/" + Loader);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Extension() =>
        RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? ".dll"
        : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? ".dylib"
        : ".so";

    private static IReadOnlyList<string> PlatformsPresent(string folder)
    {
        var present = new List<string>();
        foreach (string candidate in Directory.GetDirectories(folder))
        {
            if (Directory.GetFiles(candidate, NativeMethods.Library + ".*").Length > 0)
            {
                present.Add(Path.GetFileName(candidate));
            }
        }

        // No folder promises an order.
        present.Sort(StringComparer.Ordinal);
        return present.Count > 0 ? present : new[] { "none" };
    }

    /// <summary>
    /// Makes the imports mean the file at <paramref name="path"/>. netstandard2.0 has no NativeLibrary, so it is
    /// reached by reflection where it exists; on .NET Framework a module that is loaded already satisfies an import
    /// of its name.
    /// </summary>
    private static void Bind(string path)
    {
        Type? nativeLibrary = typeof(object).Assembly.GetType("System.Runtime.InteropServices.NativeLibrary");
        if (nativeLibrary is null)
        {
            if (NativeMethods.LoadLibraryW(path) == IntPtr.Zero)
            {
                throw new DllNotFoundException(new Win32Exception().Message);
            }

            return;
        }

        MethodInfo load = nativeLibrary.GetMethod("Load", [typeof(string)]);
        library = (IntPtr)load.Invoke(null, [path]);
        if (resolverSet)
        {
            return;
        }

        // A second resolver for one assembly throws, so it is set once and reads the handle.
        Type resolver = typeof(object).Assembly.GetType("System.Runtime.InteropServices.DllImportResolver");
        MethodInfo resolve =
            typeof(NativeLibraryLoader).GetMethod(nameof(Resolve), BindingFlags.NonPublic | BindingFlags.Static);
        nativeLibrary.GetMethod("SetDllImportResolver").Invoke(
            null, [typeof(NativeLibraryLoader).Assembly, Delegate.CreateDelegate(resolver, resolve)]);
        resolverSet = true;
    }

    [SuppressMessage("Style", "IDE0060", Justification = "These are DllImportResolver's parameters.")]
    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == NativeMethods.Library ? library : IntPtr.Zero;
}
