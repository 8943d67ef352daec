<#
.SYNOPSIS
Prints pass or fail for what UMMailboxPin does on a real Windows and no test under Wine can tell (docs/windows.md).
.DESCRIPTION
Run it elevated, in Windows PowerShell 5.1 or PowerShell 7. Everything happens below a folder of its own in
%ProgramData%, which is removed at the end, and on the drive letter Q:, which must be free. A line "skip" is a check
that could not be made here, and says why; the exit code is 0 only where none failed and none was skipped.

Whether a change is on disk when it returns, only a power cut can tell. In a virtual machine: -BeforePowerCut changes a
store and its key for ever and prints a number after each; turn the machine off hard while it does (not "shut down").
Started again, -AfterPowerCut with the last number that was to be read prints pass or fail, and removes the store.
.EXAMPLE
.\tools\check-windows.ps1 -Module .\target\module\UMMailboxPin\UMMailboxPin.psd1
.EXAMPLE
.\tools\check-windows.ps1 -BeforePowerCut
.EXAMPLE
.\tools\check-windows.ps1 -AfterPowerCut 217
#>
[CmdletBinding()]
param(
    [string] $Module = 'UMMailboxPin',
    [switch] $BeforePowerCut,
    [Nullable[int]] $AfterPowerCut
)

$ErrorActionPreference, $ProgressPreference = 'Stop', 'SilentlyContinue'
if ($env:OS -ne 'Windows_NT') { throw 'This is not Windows. Nothing was checked.' }
Import-Module $Module
$manifest = (Get-Module UMMailboxPin).Path
$me = [System.Security.Principal.WindowsIdentity]::GetCurrent()
$base = Join-Path $env:ProgramData ('UMMailboxPin-check-' + [guid]::NewGuid().ToString('N'))
$count = @{ pass = 0; fail = 0; skip = 0 }

function Use-Store([string] $Folder, [string] $Key = "$base\Key") {
    $env:UMPIN_STORE = "$Folder\um.db"
    $env:UMPIN_KEY_FILE = "$Key\umpin.key"
}
# The cmdlets keep the store open until they are to use another one.
function Close-Store {
    Use-Store "$base\none" "$base\none"
    $null = Get-UMMailbox -ErrorAction Ignore 3>$null
}
# The id of the error that a command ends with; empty where it ends well.
function Get-Refusal([scriptblock] $Command) {
    try { $null = & $Command 3>$null; '' } catch { ($_.FullyQualifiedErrorId -split ',')[0] }
}
# Ends a check that cannot be made here.
function Skip-Check([string] $Why) { throw [System.NotSupportedException]::new($Why) }
# What a program says. Windows PowerShell takes a line on its error stream for a failure where it is to stop at one.
function Invoke-Program([string] $Program, [string[]] $Arguments) {
    $ErrorActionPreference = 'Continue'
    & $Program $Arguments 2>&1 | ForEach-Object { "$_" }
}
# What is made ready for a check, and has to be there before it counts.
function Edit-AccessList([string] $Path) {
    $before = (Get-Acl -LiteralPath $Path).Sddl
    $told = Invoke-Program icacls.exe (@($Path) + $args)
    if ($LASTEXITCODE) { Skip-Check "icacls $Path $args`: $told" }
    if ((Get-Acl -LiteralPath $Path).Sddl -eq $before) { Skip-Check "icacls $args changes nothing here" }
}
function Add-Link([string] $Kind, [string] $Path, [string] $Target) {
    try { $made = New-Item -ItemType $Kind -Path $Path -Target $Target | Get-Item -Force }
    catch { Skip-Check "no ${Kind}: $_" }
    if (-not ($made.Attributes -band [System.IO.FileAttributes]::ReparsePoint)) {
        Skip-Check "a $Kind shows as what it leads to here"
    }
}
# SIDs that may do something there.
function Get-Sid([string] $Path) {
    (Get-Acl -LiteralPath $Path).GetAccessRules($true, $true, [System.Security.Principal.SecurityIdentifier]) |
        Where-Object AccessControlType -EQ 'Allow' | ForEach-Object { $_.IdentityReference.Value } | Sort-Object -Unique
}
# A check gives $true, or in words what it found instead.
function Test-It([string] $What, [scriptblock] $Check) {
    $result, $why = 'fail', ''
    try {
        $told = & $Check
        if ($told -is [bool] -and $told) { $result = 'pass' } else { $why = " ($told)" }
    }
    catch [System.NotSupportedException] { $result, $why = 'skip', " ($($_.Exception.Message))" }
    catch { $why = " ($_)" }
    $count[$result]++
    "$result  $What$why"
}
function Compare-Refusal([scriptblock] $Command, [string] $Wanted) {
    $id = Get-Refusal $Command
    if ($id -eq $Wanted) { return $true }
    if ($id) { $id } else { 'it was done' }
}
$change = { Set-UMPinConfiguration -ServerName ([guid]::NewGuid().ToString('N')) -ErrorAction Stop }
$rotate = { Update-UMPinKey -Confirm:$false -ErrorAction Stop }
$look = { Get-UMMailbox -ErrorAction Stop }
$mapped = $false
$few = @('S-1-5-18', 'S-1-5-32-544', $me.User.Value) | Sort-Object -Unique

if ($BeforePowerCut -or $null -ne $AfterPowerCut) {
    $base = Join-Path $env:ProgramData 'UMMailboxPin-check-power'
    Use-Store "$base\Data"
    for ($number = 1; $BeforePowerCut; $number++) {
        Set-UMPinConfiguration -ServerName "$number" -ErrorAction Stop 3>$null
        $null = Update-UMPinKey -Confirm:$false -ErrorAction Stop 3>$null
        "$number"
    }
    Test-It "what was changed up to $AfterPowerCut is on disk, and the key that was made with it" {
        $found = [int] (Get-UMPinConfiguration -ErrorAction Stop).ServerName
        if ($found -lt $AfterPowerCut) { return "only up to $found" }
        $failed = @(Test-UMPinStore -ErrorAction Stop | Where-Object Result -EQ Failed)
        if ($failed) { "$($failed[0].Check): $($failed[0].Detail)" } else { $true }
    }
    Close-Store
    Remove-Item -LiteralPath $base -Recurse -Force
    exit $count.fail
}

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
        try { Compare-Refusal $change 'KeyExposedException' }
        finally { Edit-AccessList "$base\Key\umpin.key" /remove '*S-1-5-32-545' }
    }
    Test-It "a key file that the domain's users may read is refused" {
        $users = "*$($me.User.AccountDomainSid)-513"
        if (-not $me.User.AccountDomainSid) { Skip-Check "$($me.Name) is of no domain, and of no machine" }
        Edit-AccessList "$base\Key\umpin.key" /grant "${users}:R"
        try { Compare-Refusal $change 'KeyExposedException' }
        finally { Edit-AccessList "$base\Key\umpin.key" /remove $users }
    }
    Test-It 'a replaced key file keeps its list' {
        Edit-AccessList "$base\Key\umpin.key" /grant '*S-1-5-20:R'
        $refused = Get-Refusal $rotate
        if ($refused) { return $refused }
        'S-1-5-20' -in @(Get-Sid "$base\Key\umpin.key")
    }
    Test-It 'the key file is replaced while another program reads it' {
        $open = [System.IO.File]::Open("$base\Key\umpin.key", 'Open', 'Read', 'ReadWrite, Delete')
        try { Compare-Refusal $rotate '' } finally { $open.Dispose() }
    }
    Test-It 'a log that another account planted beside a store is refused' {
        $null = New-Item -ItemType Directory "$base\Planted"
        Set-Content -LiteralPath "$base\Planted\um.db-wal" -Value x
        Edit-AccessList "$base\Planted\um.db-wal" /setowner '*S-1-5-32-546'
        Use-Store "$base\Planted"
        Compare-Refusal $change 'StoreNotOwnedException'
    }
    $null = New-Item -ItemType Directory "$base\Theirs"
    Test-It 'a folder of another account is refused' {
        Edit-AccessList "$base\Theirs" /setowner '*S-1-5-32-546'
        Use-Store "$base\Theirs"
        Compare-Refusal $change 'StoreNotOwnedException'
    }
    Test-It 'it is refused behind a junction of this account, too' {
        Add-Link Junction "$base\ToTheirs" "$base\Theirs"
        Use-Store "$base\ToTheirs"
        Compare-Refusal $change 'StoreNotOwnedException'
    }
    Test-It "another account's junction to a folder of this account is refused" {
        Add-Link Junction "$base\Junction" "$base\Data"
        Edit-AccessList "$base\Junction" /setowner '*S-1-5-32-546' /L
        Use-Store "$base\Junction"
        Compare-Refusal $change 'StoreNotOwnedException'
    }
    Test-It 'a store without a right to it is an error, and not an empty store' {
        Use-Store "$base\Data"
        $deny = "*$($me.User.Value)"
        Edit-AccessList "$base\Data" /deny "${deny}:(OI)(CI)(RD,RA,X)"
        try { Compare-Refusal $look 'StoreNotWritableException' }
        finally { Edit-AccessList "$base\Data" '/remove:d' $deny }
    }

    $drive = '\\localhost\' + $base.Substring(0, 1) + '$'
    $share = $drive + $base.Substring(2)
    $null = Invoke-Program net.exe 'use', 'Q:', $drive
    $mapped = $LASTEXITCODE -eq 0 -and (Test-Path -LiteralPath 'Q:\')
    foreach ($path in $share, ('\\?\UNC' + $share.Substring(1)), ('Q:' + $base.Substring(2)), "$base\ToShare") {
        Test-It "$path is a network path" {
            if ($path -like 'Q:*' -and -not $mapped) { Skip-Check "net use Q: $drive does not work here" }
            if ($path -like '*ToShare') { Add-Link SymbolicLink $path $share }
            Use-Store "$path\Data"
            Compare-Refusal $look 'StoreOnNetworkPathException'
        }
    }

    Use-Store "$base\Data"
    Test-It 'what a mail program started ends with it' {
        $before = @(Get-Process ping -ErrorAction Ignore).Count
        $asked = @{ Transport = 'Command'; Command = "$env:SystemRoot\System32\cmd.exe"; CommandTimeoutSeconds = 2
            CommandArguments = '/c', 'ping -n 120 127.0.0.1 >NUL'
            TestMail = 'check@contoso.com'; SenderAddress = 'check@contoso.com' }
        $began = Get-Date
        if ((Get-Refusal { Set-UMPinConfiguration @asked -ErrorAction Stop }) -eq '') { return 'it ended by itself' }
        if ((Get-Date) - $began -lt [timespan]::FromSeconds(1.5)) { Skip-Check 'no ping that takes its time' }
        # Windows ends them one after the other.
        foreach ($try in 1..50) {
            if (@(Get-Process ping -ErrorAction Ignore).Count -eq $before) { return $true }
            Start-Sleep -Milliseconds 100
        }
        'it goes on'
    }
    Test-It 'it runs without a window' {
        $code = @"
`$w = Add-Type -Name W -PassThru -MemberDefinition '[DllImport("kernel32")] public static extern IntPtr
GetConsoleWindow(); [DllImport("user32")] public static extern bool IsWindowVisible(IntPtr window);'
`$w::IsWindowVisible(`$w::GetConsoleWindow()) | Set-Content -LiteralPath '$base\window'
"@
        $asked = @{ Transport = 'Command'; TestMail = 'check@contoso.com'; SenderAddress = 'check@contoso.com'
            Command = "$PSHOME\$(if ($PSVersionTable.PSEdition -eq 'Desktop') { 'powershell' } else { 'pwsh' }).exe"
            CommandArguments = '-NoProfile', '-NonInteractive', '-EncodedCommand',
                [Convert]::ToBase64String([System.Text.Encoding]::Unicode.GetBytes($code)) }
        $refused = Get-Refusal { Set-UMPinConfiguration @asked -ErrorAction Stop }
        if (-not (Test-Path -LiteralPath "$base\window")) { Skip-Check "PowerShell ran nothing there: $refused" }
        (Get-Content -LiteralPath "$base\window") -eq 'False'
    }
    Test-It 'the audit trail names the account of the token, not that of a variable' {
        $name = $env:USERNAME
        $env:USERNAME = 'mallory'
        try { & $change } finally { $env:USERNAME = $name }
        $newest = Search-UMAdminAuditLog | Select-Object -First 1
        if ($newest.Caller -eq $me.Name) { $true } else { $newest.Caller }
    }
    Test-It "a domain's account is named with its domain" {
        if ($env:USERDOMAIN -eq $env:COMPUTERNAME -or $me.Name -like 'NT AUTHORITY\*') {
            Skip-Check "$($me.Name) is not of a domain; run this as an administrator of one"
        }
        $newest = Search-UMAdminAuditLog | Select-Object -First 1
        if ($newest.Caller -eq "$env:USERDOMAIN\$env:USERNAME") { $true } else { $newest.Caller }
    }
    Test-It 'a new store is opened by eight at once' {
        $null = New-Item -ItemType Directory "$base\Race"
        $work = {
            param($Module, $Store, $Key)
            $env:UMPIN_STORE, $env:UMPIN_KEY_FILE = $Store, $Key
            Import-Module $Module
            Set-UMPinConfiguration -ServerName ([guid]::NewGuid().ToString('N')) -ErrorAction Stop
        }
        $all = foreach ($one in 1..8) {
            Start-Job $work -ArgumentList $manifest, "$base\Race\Data\um.db", "$base\Race\Key\umpin.key"
        }
        $null = $all | Wait-Job
        $told = @($all | Receive-Job -ErrorAction Continue 2>&1)
        $all | Remove-Job
        if ($told) { "$told" } else { $true }
    }
}
finally {
    if ($mapped) { $null = Invoke-Program net.exe 'use', 'Q:', '/delete', '/y' }
    Close-Store
    foreach ($link in 'ToTheirs', 'Junction', 'ToShare') {
        if (Test-Path -LiteralPath "$base\$link") { [System.IO.Directory]::Delete("$base\$link") }
    }
    Remove-Item -LiteralPath $base -Recurse -Force -ErrorAction Continue
}
'{0} passed, {1} failed, {2} skipped' -f $count.pass, $count.fail, $count.skip
exit [int] ($count.fail + $count.skip -gt 0)
