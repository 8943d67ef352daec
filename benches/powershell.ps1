# What the cmdlets cost beyond PowerShell's own work, as ratios against an empty compiled cmdlet (benches/empty)
# measured in the same run, by turns: Get-UMMailboxPIN over piped identities, each another mailbox, and the import of
# the module. ./build.sh bench calls it; alone: UMPIN_MODULE=PATH/UMMailboxPin.psd1 pwsh -File benches/powershell.ps1
[CmdletBinding()]
param([int] $Mailboxes = 10000, [int] $Rounds = 15)
$ErrorActionPreference = 'Stop'
$root = Split-Path $PSScriptRoot
$module = if ($env:UMPIN_MODULE) { $env:UMPIN_MODULE } else { "$root/target/module/UMMailboxPin/UMMailboxPin.psd1" }

function Get-Median([double[]] $Values) {
    $sorted = $Values | Sort-Object
    $sorted[[int][math]::Floor($sorted.Count / 2)]
}

# Runs a program; its output matters only when it fails.
function Invoke-Quietly([string] $Program, [string[]] $Arguments) {
    $output = & $Program @Arguments 2>&1
    if ($LASTEXITCODE -ne 0) { throw "$Program $($Arguments -join ' ') failed:`n$($output -join "`n")" }
}

$folder = Join-Path ([System.IO.Path]::GetTempPath()) ('umpin-bench-' + [guid]::NewGuid().ToString('N'))
$null = New-Item -ItemType Directory -Path $folder
$PSNativeCommandUseErrorActionPreference = $false
try {
    $out = "$root/target/dotnet/out/Empty"
    $build = 'build', "$PSScriptRoot/empty/Empty.csproj", '-c', 'Release', '-o', $out, '-nologo', '-v:quiet'
    Invoke-Quietly dotnet $build
    $nothing = @{ FunctionsToExport = @(); AliasesToExport = @(); VariablesToExport = @() }
    New-ModuleManifest "$folder/Empty.psd1" -RootModule "$out/Empty.dll" -CmdletsToExport Get-Empty @nothing
    $modules = [ordered]@{ empty = "$folder/Empty.psd1"; ours = $module }

    # Import, each in a process of its own.
    $import = @{ empty = @(); ours = @() }
    $pwsh = (Get-Process -Id $PID).Path
    foreach ($round in 0..$Rounds) {
        foreach ($name in $modules.Keys) {
            $text = "`$ErrorActionPreference = 'Stop'; `$w = [Diagnostics.Stopwatch]::StartNew(); " +
                "Import-Module '$($modules[$name])'; `$w.Elapsed.Ticks / 10000"
            $took = & $pwsh -NoProfile -NonInteractive -Command $text
            if ($LASTEXITCODE -ne 0) { throw "$($modules[$name]) cannot be imported." }
            # The first round warms the disk's cache.
            if ($round -gt 0) { $import[$name] += [double]::Parse($took, [cultureinfo]::InvariantCulture) }
        }
    }
    $empty, $ours = (Get-Median $import.empty), (Get-Median $import.ours)
    'import: {0:n1} ms, of an empty binary module {1:n1} ms, difference {2:n1} ms (aim: at most 30)' -f
    $ours, $empty, ($ours - $empty)

    # Enabling costs a hash each, which would take minutes: the seeder shares one.
    $null = New-Item -ItemType Directory -Path "$folder/store"
    if (-not $IsWindows) { chmod 700 $folder "$folder/store" }
    $seed = 'run', '--release', '--quiet', '--manifest-path', "$root/Cargo.toml", '--example', 'seed_store'
    Invoke-Quietly cargo @($seed + '--' + "$folder/store" + "$Mailboxes")
    $env:UMPIN_STORE = "$folder/store/um.db"
    $env:UMPIN_KEY_FILE = "$folder/store/umpin.key"
    foreach ($path in $modules.Values) { Import-Module $path }
    $identities = foreach ($n in 0..($Mailboxes - 1)) { "user$n@contoso.com" }
    $times = @{ empty = @(); ours = @() }
    foreach ($round in 0..$Rounds) {
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $null = $identities | Get-Empty
        $first = $watch.Elapsed.TotalMilliseconds
        $watch.Restart()
        $got = $identities | Get-UMMailboxPIN
        $second = $watch.Elapsed.TotalMilliseconds
        if ($got.Count -ne $Mailboxes) { throw "Get-UMMailboxPIN returned $($got.Count) of $Mailboxes mailboxes." }
        # The first round warms up.
        if ($round -gt 0) { $times.empty += $first; $times.ours += $second }
    }
    $empty, $ours = (Get-Median $times.empty), (Get-Median $times.ours)
    ('piped Get-UMMailboxPIN / empty cmdlet, {0:n0} mailboxes: {1:n2} (aim: at most 2.5); ' +
    '{2:n1} us and {3:n1} us each') -f
    $Mailboxes, ($ours / $empty), ($ours * 1000 / $Mailboxes), ($empty * 1000 / $Mailboxes)
}
finally {
    # The cmdlets let go of the store when they are told of another one.
    $env:UMPIN_STORE = $env:UMPIN_KEY_FILE = $null
    Remove-Item -Recurse -Force -LiteralPath $folder -ErrorAction Ignore
}
