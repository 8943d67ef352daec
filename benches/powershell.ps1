# What the cmdlets cost beyond PowerShell's own work and the database's, as ratios against references measured in the
# same run, by turns: the import of the module over that of an empty one (benches/empty); Get-UMMailboxPIN over piped
# identities, each another mailbox, over an empty cmdlet that has the same columns read and no more, both with their
# output thrown away; Set-UMMailboxPIN over bare hashes on all cores; SecretStore beside ours (secretstore.ps1).
# ./build.sh bench calls it; alone, with UMPIN_MODULE where the module lies elsewhere:
# pwsh -NoProfile -Command './benches/powershell.ps1 -Mailboxes 1000, 1000000'
[CmdletBinding()]
param([int[]] $Mailboxes = (1000, 100000), [int] $Rounds = 11, [int] $Sets = 2000)
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
    Invoke-Quietly cargo @('build', '--release', '--example', 'bare_read', '--manifest-path', "$root/Cargo.toml")
    Copy-Item "$root/target/release/examples/*bare_read.*" $out -Include *.so, *.dylib, *.dll
    $nothing = @{ FunctionsToExport = @(); AliasesToExport = @(); VariablesToExport = @() }
    New-ModuleManifest "$folder/Empty.psd1" -RootModule "$out/Empty.dll" -CmdletsToExport Get-Empty, Get-Bare @nothing
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

    # What the library's benchmark divides by, in a process of its own.
    $built = & cargo bench --bench core --no-run --message-format=json --manifest-path "$root/Cargo.toml" 2>$null |
        ConvertFrom-Json | Where-Object { $_.reason -eq 'compiler-artifact' -and $_.target.name -eq 'core' }
    if (-not $built.executable) { throw 'The benchmark of the library cannot be built.' }
    function Get-Reference([string] $What) {
        $env:UMPIN_BENCH_REFERENCE = $What
        $figure = & $built.executable --bench
        if ($LASTEXITCODE -ne 0) { throw "The reference '$What' cannot be measured." }
        [double]::Parse($figure, [cultureinfo]::InvariantCulture)
    }

    foreach ($path in $modules.Values) { Import-Module $path }
    # Enabling costs a hash each, which would take minutes: the seeder shares one.
    function Initialize-Store([int] $Count) {
        $store = "$folder/store$Count"
        $null = New-Item -ItemType Directory -Path $store
        if (-not $IsWindows) { chmod 700 $folder $store }
        $seed = 'run', '--release', '--quiet', '--manifest-path', "$root/Cargo.toml", '--example', 'seed_store'
        Invoke-Quietly cargo @($seed + '--' + $store + "$Count")
        $env:UMPIN_STORE = "$store/um.db"
        $env:UMPIN_KEY_FILE = "$store/umpin.key"
        $store
    }

    foreach ($count in $Mailboxes) {
        Get-Bare -Folder (Initialize-Store $count)
        $times = @{ 'Get-Empty' = @(); 'Get-Bare' = @(); 'Get-UMMailboxPIN' = @() }
        $each = 10000
        # The first rounds are not timed: .NET compiles what runs often once more.
        foreach ($round in -10..$Rounds) {
            # Others each round, in no order, and others for each cmdlet: none finds what another fetched.
            $shift = 0
            foreach ($cmdlet in @($times.Keys)) {
                $shift += 34607
                $identities = foreach ($n in 0..($each - 1)) {
                    "user$((7919 * $n + 104729 * ($round + 11) + $shift) % $count)@contoso.com"
                }
                $watch = [Diagnostics.Stopwatch]::StartNew()
                $null = $identities | & $cmdlet
                if ($round -gt 0) { $times[$cmdlet] += $watch.Elapsed.TotalMilliseconds * 1000 / $each }
            }
        }
        $got = @($identities | Get-UMMailboxPIN).Count
        if ($got -ne $each) { throw "Get-UMMailboxPIN returned $got of $each mailboxes." }
        $empty, $bare, $ours = 'Get-Empty', 'Get-Bare', 'Get-UMMailboxPIN' | ForEach-Object { Get-Median $times[$_] }
        ('piped Get-UMMailboxPIN among {0:n0}: {1:n1} us, an empty cmdlet with a bare read {2:n1} us (without ' +
        '{3:n1} us): {4:n2} (aim: at most 1.5)') -f $count, $ours, $bare, $empty, ($ours / $bare)
    }

    $null = Initialize-Store $Sets
    $people = foreach ($n in 0..($Sets - 1)) { "user$n@contoso.com" }
    # By turns with the hashes, whose own rate changes by a tenth within a minute. The first part is told apart: .NET
    # compiles what runs often once more, beside the hashes.
    $part = [int][math]::Ceiling($Sets / 5)
    $rates, $hashes = @(), @(Get-Reference hashes)
    foreach ($n in 0, 0, 1, 2, 3, 4) {
        $some = $people[($n * $part)..([math]::Min($Sets, ($n + 1) * $part) - 1)]
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $some | Set-UMMailboxPIN -ThrottleLimit ([Environment]::ProcessorCount + 2) -WarningAction Ignore
        $rates += $some.Count / $watch.Elapsed.TotalSeconds
        $hashes += Get-Reference hashes
    }
    $ratios = foreach ($n in 0..5) { $rates[$n] / (($hashes[$n] + $hashes[$n + 1]) / 2) }
    ('Set-UMMailboxPIN of {0:n0} with -ThrottleLimit in five parts: {1:n1} a second in the middle, bare hashes ' +
    '{2:n1}: {3:n2} (aim: at least 0.9; {4}); the first of the session {5:n2}') -f $Sets,
    (Get-Median $rates[1..5]), (Get-Median $hashes), (Get-Median $ratios[1..5]),
    (($ratios[1..5] | ForEach-Object { '{0:n2}' -f $_ }) -join ', '), $ratios[0]

    # PowerShell's own vault, where it is installed.
    $names = 'Microsoft.PowerShell.SecretManagement', 'Microsoft.PowerShell.SecretStore'
    $found = @(foreach ($name in $names) { (Get-Module -ListAvailable $name | Select-Object -First 1).Path })
    if ($IsWindows) { 'SecretStore: not measured on Windows, where its vault is always the account''s own' }
    elseif (@($found | Where-Object { $_ }).Count -ne 2) { "SecretStore: not installed ($($names -join ', '))" }
    else {
        $throwaway = "$folder/home"
        $null = New-Item -ItemType Directory -Path $throwaway
        $own = 'HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME' | ForEach-Object { "$_=$throwaway" }
        $script = '-NoProfile', '-NonInteractive', '-File', "$PSScriptRoot/secretstore.ps1"
        $told = & env $own $pwsh $script $throwaway $found[0] $found[1] $module ([math]::Min($Sets, 100))
        if ($LASTEXITCODE -ne 0) { throw 'SecretStore cannot be measured.' }
        'SecretStore beside ours: ' + ($told -join ', ')
    }
}
finally {
    # The cmdlets let go of the store when they are told of another one.
    $env:UMPIN_STORE = $env:UMPIN_KEY_FILE = $null
    Remove-Item -Recurse -Force -LiteralPath $folder -ErrorAction Ignore
}
