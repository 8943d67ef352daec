using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Copies the store to a file while it is in use.</summary>
/// <remarks>
/// The copy never holds the key, without which no PIN in it can be checked; keep that file elsewhere. The result
/// names the key's id.
/// </remarks>
/// <example>
/// <code>Backup-UMPinStore -Path D:\Backup\um.db</code>
/// <para>Writes a copy of the store.</para>
/// </example>
/// <example>
/// <code>Backup-UMPinStore -Path "D:\Backup\um-$(Get-Date -Format yyyyMMdd).db"</code>
/// <para>Writes a copy that is named for the day, as a scheduled task would.</para>
/// </example>
[Cmdlet(VerbsData.Backup, "UMPinStore", SupportsShouldProcess = true)]
[OutputType("UMMailboxPin.Backup")]
public sealed class BackupUMPinStoreCommand : PathCommand
{
    private protected override string? LongActivity => "Copying the store";

    /// <summary>Specifies the file to write.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [AllowEmptyString]
    public string? Path { get; set; }
}
