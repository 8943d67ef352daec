using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace UMMailboxPin;

/// <summary>
/// The exported functions of the Rust library, under their names in include/umpin.h. <see cref="UmpinLibrary"/> calls
/// them, and each handle's class the one that frees it; nobody else does.
/// </summary>
[SuppressMessage("Security", "CA5392", Justification = Resolved)]
internal static unsafe class NativeMethods
{
    /// <summary>
    /// The name by which imports mean the library; <see cref="NativeLibraryLoader"/> gives it a file.
    /// </summary>
    internal const string Library = "umpin";

    private const string Resolved =
        "The library's file is loaded by its absolute path before the first call, and these imports mean that file.";

    [DllImport("kernel32", CharSet = CharSet.Unicode, SetLastError = true, ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    internal static extern IntPtr LoadLibraryW(string path);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern uint umpin_abi_version();

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_open(UmpinStr options, ulong* session, UmpinError** error);

    /// <summary>Told how far an upgrade is. No exception may leave it.</summary>
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void Tell(IntPtr context, ulong done, ulong all);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_upgrade(ulong session, Tell tell, IntPtr context, UmpinError** error);

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
        ulong session,
        UmpinStr operation,
        UmpinStr request,
        UmpinStr secret,
        UmpinBuffer* response,
        UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_pin_get(
        ulong session, UmpinIdentity* who, UmpinPinStates** states, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_pin_list(
        ulong session, UmpinIdentity* scope, UmpinStr after, nuint limit, UmpinPinStates** states, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_reset_begin(
        ulong session, UmpinSetPin* request, ulong* reset, UmpinBuffer* target, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_reset_hash(ulong reset, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_reset_commit(
        ulong reset, UmpinPinStates** states, UmpinBuffer* report, UmpinError** error);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern void umpin_reset_free(ulong reset);

    [DllImport(Library, CallingConvention = CallingConvention.Cdecl)]
    internal static extern int umpin_verify(
        ulong session, UmpinSignIn* who, UmpinStr pin, UmpinAnswer* answer, UmpinReason* reason, UmpinError** error);
}
