# Set-Secret and Get-Secret of Microsoft.PowerShell.SecretStore beside Set-UMMailboxPIN and Get-UMMailboxPIN, by turns:
# benches/powershell.ps1 calls it, in a process whose HOME is a folder that is thrown away. That vault lies below HOME,
# one for an account; without that folder as HOME this script does nothing, so that it meets nobody's vault. (On Windows
# the folder is the account's, whatever the environment says: not measured there.)
[CmdletBinding()]
param(
    # The folder that is HOME, and empty.
    [Parameter(Mandatory)] [string] $Throwaway,

    # The manifests.
    [Parameter(Mandatory)] [string] $SecretManagement,
    [Parameter(Mandatory)] [string] $SecretStore,
    [Parameter(Mandatory)] [string] $Ours,

    # Secrets in that vault and mailboxes that are measured.
    [int] $Entries = 100
)
$ErrorActionPreference = 'Stop'
if ($IsWindows -or $env:HOME -cne $Throwaway -or (Test-Path "$Throwaway/.secretmanagement")) {
    throw 'HOME is not the folder that is thrown away. No vault was touched.'
}
Import-Module $SecretManagement
Import-Module $SecretStore
Import-Module $Ours

# It asks for a password where none is given, also where none will be needed.
$password = ConvertTo-SecureString ([guid]::NewGuid().ToString('N')) -AsPlainText -Force
Set-SecretStoreConfiguration -Authentication None -Interaction None -Password $password -Confirm:$false
if (-not (Test-Path "$Throwaway/.secretmanagement/localstore")) { throw 'That vault lies elsewhere.' }
Register-SecretVault -Name Bench -ModuleName $SecretStore -DefaultVault
foreach ($n in 0..($Entries - 1)) { Set-Secret -Name "user$n" -Secret '739182' }

$ways = [ordered]@{
    'Set-Secret'       = { Set-Secret -Name "user$n" -Secret '580437' }
    'Set-UMMailboxPIN' = { Set-UMMailboxPIN "user$n@contoso.com" -WarningAction Ignore }
    'Get-Secret'       = { Get-Secret -Name "user$n" }
    'Get-UMMailboxPIN' = { Get-UMMailboxPIN "user$n@contoso.com" }
}
$times = @{}
foreach ($way in $ways.Keys) { $times[$way] = [System.Collections.Generic.List[double]]::new() }
foreach ($n in 0..($Entries - 1)) {
    foreach ($way in $ways.Keys) {
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $null = & $ways[$way]
        # The first ones warm up.
        if ($n -ge 10) { $times[$way].Add($watch.Elapsed.TotalMilliseconds) }
    }
}
foreach ($way in $ways.Keys) {
    $sorted = $times[$way] | Sort-Object
    '{0} {1:n3} ms' -f $way, $sorted[[int] [math]::Floor($sorted.Count / 2)]
}
