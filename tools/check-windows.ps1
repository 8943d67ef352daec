<#
.SYNOPSIS
Prints pass or fail for what UMMailboxPin does on a real Windows and no test under Wine can tell (docs/windows.md).
.DESCRIPTION
Run it elevated, in Windows PowerShell 5.1 or PowerShell 7. Everything happens below a folder of its own in
%ProgramData%, which is removed at the end, and on the drive letter Q:, which must be free.
.EXAMPLE
.\tools\check-windows.ps1 -Module .\target\module\UMMailboxPin\UMMailboxPin.psd1
#>
[CmdletBinding()]
param([string] $Module = 'UMMailboxPin')

$ErrorActionPreference = 'Stop'
if ($env:OS -ne 'Windows_NT') { throw 'This is not Windows. Nothing was checked.' }
Import-Module $Module
$me = [System.Security.Principal.WindowsIdentity]::GetCurrent()
$base = Join-Path $env:ProgramData ('UMMailboxPin-check-' + [guid]::NewGuid().ToString('N'))
$script:failed = 0

function Use-Store([string] $Folder, [string] $Key = "$base\Key") {
    $env:UMPIN_STORE = "$Folder\um.db"
    $env:UMPIN_KEY_FILE = "$Key\umpin.key"
}
# The id of the error that a command ends with; empty where it ends well.
function Get-Refusal([scriptblock] $Command) {
    try { $null = & $Command; '' } catch { ($_.FullyQualifiedErrorId -split ',')[0] }
}
function Edit-AccessList { $null = & icacls.exe @args; if ($LASTEXITCODE) { throw "icacls $args" } }
# SIDs that may do something there.
function Get-Sid([string] $Path) {
    (Get-Acl -LiteralPath $Path).GetAccessRules($true, $true, [System.Security.Principal.SecurityIdentifier]) |
        Where-Object AccessControlType -EQ 'Allow' | ForEach-Object { $_.IdentityReference.Value } | Sort-Object -Unique
}
function Test-It([string] $What, [scriptblock] $Check) {
    try { $told = & $Check } catch { $told = "$_" }
    if ($told -is [bool] -and $told) { "pass  $What" } else { $script:failed++; "FAIL  $What ($told)" }
}
$change = { Set-UMPinConfiguration -ServerName ([guid]::NewGuid().ToString('N')) -ErrorAction Stop }
$few = @('S-1-5-18', 'S-1-5-32-544', $me.User.Value) | Sort-Object -Unique

try {
    Use-Store "$base\Data"
    & $change
    Test-It 'folders are for SYSTEM, Administrators and their maker alone, and inherit nothing' {
        foreach ($folder in $base, "$base\Data", "$base\Key") {
            if (-not (Get-Acl -LiteralPath $folder).AreAccessRulesProtected) { return "$folder inherits" }
            if (Compare-Object $few @(Get-Sid $folder)) { return "$folder`: $(Get-Sid $folder)" }
        }
        $true
    }
    Test-It 'files in them, the log too, are for the same accounts' {
        foreach ($file in Get-ChildItem -LiteralPath "$base\Data", "$base\Key" -File) {
            if (Compare-Object $few @(Get-Sid $file.FullName)) { return "$($file.Name): $(Get-Sid $file.FullName)" }
        }
        $true
    }
    Test-It 'a key file that Users may read is refused' {
        Edit-AccessList "$base\Key\umpin.key" /grant '*S-1-5-32-545:R'
        (Get-Refusal $change) -eq 'KeyExposedException'
        Edit-AccessList "$base\Key\umpin.key" /remove '*S-1-5-32-545'
    }
    Test-It 'a replaced key file keeps its list' {
        Edit-AccessList "$base\Key\umpin.key" /grant '*S-1-5-20:R'
        Update-UMPinKey -Confirm:$false
        'S-1-5-20' -in @(Get-Sid "$base\Key\umpin.key")
    }
    Test-It 'the key file is replaced while another program reads it' {
        $open = [System.IO.File]::Open("$base\Key\umpin.key", 'Open', 'Read', 'ReadWrite, Delete')
        try { (Get-Refusal { Update-UMPinKey -Confirm:$false }) -eq '' } finally { $open.Dispose() }
    }
    Test-It "a log that another account planted beside a store is refused" {
        $null = New-Item -ItemType Directory "$base\Planted"
        Set-Content -LiteralPath "$base\Planted\um.db-wal" -Value x
        Edit-AccessList "$base\Planted\um.db-wal" /setowner '*S-1-5-32-546'
        Use-Store "$base\Planted"
        (Get-Refusal $change) -eq 'StoreNotOwnedException'
    }
    Test-It "another account's folder is refused, behind a junction of this account's too" {
        $null = New-Item -ItemType Directory "$base\Theirs"
        Edit-AccessList "$base\Theirs" /setowner '*S-1-5-32-546'
        $null = New-Item -ItemType Junction -Path "$base\ToTheirs" -Target "$base\Theirs"
        foreach ($folder in 'Theirs', 'ToTheirs') {
            Use-Store "$base\$folder"
            if ((Get-Refusal $change) -ne 'StoreNotOwnedException') { return $folder }
        }
        $true
    }
    Test-It "another account's junction to a folder of this account's is refused" {
        $null = New-Item -ItemType Junction -Path "$base\Junction" -Target "$base\Data"
        Edit-AccessList "$base\Junction" /setowner '*S-1-5-32-546' /L
        Use-Store "$base\Junction"
        (Get-Refusal $change) -eq 'StoreNotOwnedException'
    }
    Test-It 'a store without a right to it is an error, and not an empty store' {
        Edit-AccessList "$base\Data" /deny "*$($me.User.Value):(OI)(CI)(RD,RA,X)"
        Use-Store "$base\Data"
        try { (Get-Refusal { Get-UMMailbox -ErrorAction Stop }) -ne '' }
        finally { Edit-AccessList "$base\Data" '/remove:d' "*$($me.User.Value)" }
    }
    $share = '\\localhost\' + $base.Substring(0, 1) + '$' + $base.Substring(2)
    $null = New-Item -ItemType SymbolicLink -Path "$base\ToShare" -Target $share
    $null = & net.exe use Q: ('\\localhost\' + $base.Substring(0, 1) + '$') 2>&1
    foreach ($path in $share, ('\\?\UNC' + $share.Substring(1)), ('Q:' + $base.Substring(2)), "$base\ToShare") {
        Test-It "$path is a network path" {
            Use-Store "$path\Data"
            (Get-Refusal { Get-UMMailbox -ErrorAction Stop }) -eq 'StoreOnNetworkPathException'
        }
    }
    Use-Store "$base\Data"
    Test-It 'what a mail program started ends with it, and no window was opened' {
        $before = @(Get-Process ping -ErrorAction Ignore).Count
        $asked = @{ Transport = 'Command'; Command = "$env:SystemRoot\System32\cmd.exe"; CommandTimeoutSeconds = 2
            CommandArguments = '/c', 'ping -n 120 127.0.0.1 >NUL'; TestMail = 'check@contoso.com'
            SenderAddress = 'check@contoso.com' }
        $refusal = Get-Refusal { Set-UMPinConfiguration @asked -WarningAction SilentlyContinue -ErrorAction Stop }
        if ($refusal -eq '') { return 'it ended by itself' }
        @(Get-Process ping -ErrorAction Ignore).Count -eq $before
    }
    Test-It 'the audit trail names the account of the token, not that of a variable' {
        $env:USERNAME = 'mallory'
        & $change
        $newest = Search-UMAdminAuditLog | Select-Object -First 1
        $newest.Caller -eq $me.Name
    }
} finally {
    $null = & net.exe use Q: /delete /y 2>&1
    Use-Store "$base\removed" "$base\removed"
    foreach ($link in 'ToTheirs', 'Junction', 'ToShare') {
        if (Test-Path -LiteralPath "$base\$link") { [System.IO.Directory]::Delete("$base\$link") }
    }
    Remove-Item -LiteralPath $base -Recurse -Force -ErrorAction Continue
}
"$script:failed failed"
exit [int] ($script:failed -gt 0)
