#Requires -RunAsAdministrator
<#
.SYNOPSIS
Registers a scheduled task that delivers the PIN notices that wait, every minute.
.EXAMPLE
.\Register-UmpinDeliver.ps1 -Program 'C:\Program Files\UMMailboxPin\umpin.exe'
#>
[CmdletBinding(SupportsShouldProcess)]
param([Parameter(Mandatory)] [string] $Program)

$ErrorActionPreference = 'Stop'
if (-not (Test-Path -LiteralPath $Program -PathType Leaf)) { throw "There is no program '$Program'. Nothing was registered." }
if ($PSCmdlet.ShouldProcess('UMMailboxPin deliver', 'Register a scheduled task that runs every minute as SYSTEM')) {
    $every = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 1)
    $settings = New-ScheduledTaskSettingsSet -MultipleInstances IgnoreNew -ExecutionTimeLimit (New-TimeSpan -Minutes 10) -StartWhenAvailable
    $null = Register-ScheduledTask -TaskName 'UMMailboxPin deliver' -Trigger $every -Settings $settings `
        -Action (New-ScheduledTaskAction -Execute $Program -Argument deliver) `
        -Principal (New-ScheduledTaskPrincipal -UserId SYSTEM -LogonType ServiceAccount)
}
