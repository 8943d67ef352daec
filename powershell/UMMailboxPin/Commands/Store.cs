using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Replaces the key that seals the PINs. No PIN has to be reset.</summary>
/// <remarks>
/// Every sealed value is sealed again under the new key, in steps; others can work meanwhile, and a run that was
/// interrupted is resumed by the next one. Copy the key file afterwards: backups never hold it.
/// </remarks>
/// <example>
/// <code>Update-UMPinKey -Confirm:$false</code>
/// <para>Rotates the key without asking.</para>
/// </example>
[Cmdlet(VerbsData.Update, "UMPinKey", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType("UMMailboxPin.KeyRotation")]
public sealed class UpdateUMPinKeyCommand : AdminCommand
{
}

/// <summary>Copies the store to a file while it is in use.</summary>
/// <remarks>The copy never holds the key, without which no PIN in it can be checked; keep that file elsewhere. The result names the key's id.</remarks>
/// <example>
/// <code>Backup-UMPinStore -Path D:\Backup\um.db</code>
/// <para>Writes a copy of the store.</para>
/// </example>
[Cmdlet(VerbsData.Backup, "UMPinStore", SupportsShouldProcess = true)]
[OutputType("UMMailboxPin.Backup")]
public sealed class BackupUMPinStoreCommand : PathCommand
{
    /// <summary>Specifies the file to write.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [AllowEmptyString]
    public string? Path { get; set; }
}

/// <summary>Replaces the store by a backup.</summary>
/// <remarks>The key that the backup names must be in the key file; the backup is checked before anything is replaced.</remarks>
/// <example>
/// <code>Restore-UMPinStore -Path D:\Backup\um.db</code>
/// <para>Asks, then replaces the store.</para>
/// </example>
[Cmdlet(VerbsData.Restore, "UMPinStore", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType("UMMailboxPin.Backup")]
public sealed class RestoreUMPinStoreCommand : PathCommand
{
    private protected override bool MakesStore => true;

    /// <summary>Specifies the backup.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [AllowEmptyString]
    public string? Path { get; set; }

    /// <summary>Restores a backup of another store, too, and one whose key is not in the key file.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }
}

/// <summary>Checks the store, its key and its audit trail.</summary>
/// <remarks>Changes nothing.</remarks>
/// <example>
/// <code>Test-UMPinStore</code>
/// <para>Returns one object a check, with what was found.</para>
/// </example>
[Cmdlet(VerbsDiagnostic.Test, "UMPinStore")]
[OutputType("UMMailboxPin.StoreCheck")]
public sealed class TestUMPinStoreCommand : AdminCommand
{
}
