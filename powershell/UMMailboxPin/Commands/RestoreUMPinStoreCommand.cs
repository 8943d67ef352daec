using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Replaces the store by a backup.</summary>
/// <remarks>
/// The key that the backup names must be in the key file; the backup is checked before anything is replaced.
/// </remarks>
/// <example>
/// <code>Restore-UMPinStore -Path D:\Backup\um.db</code>
/// <para>Asks, then replaces the store.</para>
/// </example>
/// <example>
/// <code>Restore-UMPinStore -Path D:\Backup\um.db -WhatIf</code>
/// <para>Checks the backup, and replaces nothing.</para>
/// </example>
[Cmdlet(VerbsData.Restore, "UMPinStore", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType("UMMailboxPin.Backup")]
public sealed class RestoreUMPinStoreCommand : PathCommand
{
    private protected override string? LongActivity => "Checking and replacing the store";

    private protected override bool MakesStore => true;

    /// <summary>Specifies the backup.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [AllowEmptyString]
    public string? Path { get; set; }

    /// <summary>Restores a backup of another store, too, and one whose key is not in the key file.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }
}
