using System;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using System.Runtime.InteropServices;
using System.Text;
using PinState = Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin;

namespace UMMailboxPin.Benches;

/// <summary>
/// An empty cmdlet that has the bare read done (bare_read.rs) and looks at nothing of it: what a cmdlet costs that must
/// read this from this database.
/// </summary>
[SuppressMessage("Security", "CA5393", Justification = "The folder is the benchmark's own.")]
[Cmdlet(VerbsCommon.Get, "Bare")]
[OutputType(typeof(PinState))]
public sealed class GetBareCommand : PSCmdlet
{
    /// <summary>A mail address, folded.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public string Identity { get; set; } = string.Empty;

    /// <summary>From now on reads the store in this folder.</summary>
    [Parameter]
    public string? Folder { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        if (Folder is not null)
        {
            byte[] folder = Encoding.UTF8.GetBytes(Folder);
            Open(folder, (UIntPtr)folder.Length);
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (Folder is not null)
        {
            return;
        }

        byte[] key = Encoding.UTF8.GetBytes(Identity);
        Read(key, (UIntPtr)key.Length);
        WriteObject(new PinState(Identity, Identity, false, false, false, "None", 0, 0, long.MaxValue));
    }

    [DllImport("bare_read", EntryPoint = "bare_open", CallingConvention = CallingConvention.Cdecl)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static extern void Open(byte[] folder, UIntPtr length);

    [DllImport("bare_read", EntryPoint = "bare_read", CallingConvention = CallingConvention.Cdecl)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    private static extern void Read(byte[] key, UIntPtr length);
}
