#Requires -RunAsAdministrator
<#
.SYNOPSIS
Registers a scheduled task that delivers the PIN notices that wait, every minute.
.DESCRIPTION
The task runs as SYSTEM, which uses the store and the key file under %ProgramData%\UMMailboxPin unless others are named
here: variables of the user who registers it are not the task's. Put the program where users cannot write, under
C:\Program Files for one: whoever may replace it would run as SYSTEM.
.EXAMPLE
.\Register-UmpinDeliver.ps1 -Program 'C:\Program Files\UMMailboxPin\umpin.exe'
.EXAMPLE
.\Register-UmpinDeliver.ps1 -Program 'C:\Tools\umpin.exe' -Store 'D:\Voice mail\um.db' -KeyFile 'D:\UM key\umpin.key'
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)] [string] $Program,
    # The database, where it is not the usual one.
    [string] $Store,
    # The key file, where it is not the usual one.
    [string] $KeyFile
)

$ErrorActionPreference = 'Stop'
foreach ($file in @($Program, $Store, $KeyFile)) {
    if (-not $file) { continue }
    if ($file.Contains('"')) { throw "'$file' is no path: it holds a quotation mark. Nothing was registered." }
    # `C:um.db` and `\um.db` go by the folder, and the drive, that one is in.
    if ($file -notmatch '^([A-Za-z]:[\\/]|[\\/]{2})') {
        throw "'$file' is no full path, and a task starts in no folder of yours. Nothing was registered."
    }
}
if (-not (Test-Path -LiteralPath $Program -PathType Leaf)) {
    throw "There is no program '$Program'. Nothing was registered."
}
$arguments = 'deliver'
if ($Store) { $arguments += ' --store "{0}"' -f $Store }
if ($KeyFile) { $arguments += ' --key-file "{0}"' -f $KeyFile }
$action = "Register a scheduled task that runs '$Program $arguments' every minute as SYSTEM"
if ($PSCmdlet.ShouldProcess('UMMailboxPin deliver', $action)) {
    $every = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 1)
    $limits = @{ MultipleInstances = 'IgnoreNew'; ExecutionTimeLimit = New-TimeSpan -Minutes 10 }
    $task = @{
        TaskName  = 'UMMailboxPin deliver'
        Trigger   = $every
        Settings  = New-ScheduledTaskSettingsSet @limits -StartWhenAvailable
        Action    = New-ScheduledTaskAction -Execute $Program -Argument $arguments
        Principal = New-ScheduledTaskPrincipal -UserId SYSTEM -LogonType ServiceAccount
    }
    $null = Register-ScheduledTask @task
}
