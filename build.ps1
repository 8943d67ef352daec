<#
.SYNOPSIS
    Builds, shows, tests and measures UMMailboxPin on Windows (and wherever PowerShell runs; build.sh is the same for bash).
.DESCRIPTION
    demo     builds the module and shows it at work, in a throwaway folder
    test     all rings of tests; the last line reads "N passed, N failed, N skipped"
    module   target/module/UMMailboxPin, ready for Import-Module
    bench    the benchmarks, of the library and of the cmdlets

    The crates come from the Rust registry, or from the source that cargo's own configuration names.
    docs/development.md tells what each verb needs and which environment variables it heeds.
.PARAMETER All
    With test: what takes long in full. (On Linux, build.sh test --all also fetches a real Asterisk.)
.EXAMPLE
    ./build.ps1 test -Strict
    A part that cannot run here (no .NET SDK, no C compiler ...) is then a failure, not a skip.
#>
[CmdletBinding(PositionalBinding = $false)]
param(
    [Parameter(Position = 0)] [ValidateSet('demo', 'test', 'module', 'bench')] [string] $Verb,
    [switch] $Strict,
    [switch] $All,
    [Parameter(ValueFromRemainingArguments)] [string[]] $Rest
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

foreach ($argument in @($Rest | Where-Object { $_ })) {
    if ($argument -eq '--strict') { $Strict = $true }
    elseif ($argument -eq '--all') { $All = $true }
    else { throw "Unknown argument '$argument'. Usage: build.ps1 demo|test|module|bench [-Strict] [-All]" }
}
if ($All -and $Verb -and $Verb -ne 'test') { throw "-All goes with test, not with $Verb." }
if (-not $Verb) {
    Get-Help -Name $PSCommandPath
    exit 2
}

# ---- the machine ----------------------------------------------------------------------------------------------------

$root = $PSScriptRoot
Set-Location -LiteralPath $root
$onWindows = [Environment]::OSVersion.Platform -eq 'Win32NT'
$onMac = -not $onWindows -and (Test-Path -LiteralPath '/System/Library/CoreServices')
$separator = [IO.Path]::PathSeparator

$architecture = [string] [Runtime.InteropServices.RuntimeInformation]::OSArchitecture
$rid = if ($onWindows) { 'win' } elseif ($onMac) { 'osx' } else { 'linux' }
$rid = $rid + '-' + $architecture.ToLowerInvariant()
$library = if ($onWindows) { 'umpin.dll' } elseif ($onMac) { 'libumpin.dylib' } else { 'libumpin.so' }
$placedLibrary = if ($onWindows) { 'umpin.dll' } elseif ($onMac) { 'umpin.dylib' } else { 'umpin.so' }
$programSuffix = if ($onWindows) { '.exe' } else { '' }

$cargoOut = if ($env:CARGO_TARGET_DIR) { [IO.Path]::Combine($root, $env:CARGO_TARGET_DIR) } else { Join-Path $root 'target' }
$release = Join-Path $cargoOut 'release'
$moduleDir = [IO.Path]::Combine($root, 'target', 'module')
$moduleManifest = [IO.Path]::Combine($moduleDir, 'UMMailboxPin', 'UMMailboxPin.psd1')
$logs = [IO.Path]::Combine($root, 'target', 'build', 'logs')
$null = New-Item -ItemType Directory -Force -Path $logs
$scratch = Join-Path ([IO.Path]::GetTempPath()) ('umpin-build.' + [IO.Path]::GetRandomFileName())
$null = New-Item -ItemType Directory -Path $scratch

$cache = if ($env:UMPIN_CACHE) { $env:UMPIN_CACHE }
elseif ($onWindows) { [IO.Path]::Combine([Environment]::GetFolderPath('LocalApplicationData'), 'ummailboxpin') }
elseif ($env:XDG_CACHE_HOME) { Join-Path $env:XDG_CACHE_HOME 'ummailboxpin' }
else { [IO.Path]::Combine($HOME, '.cache', 'ummailboxpin') }
$fetchedModules = Join-Path $cache 'psmodules'

$settings = @{
    DOTNET_CLI_TELEMETRY_OPTOUT = '1'; DOTNET_NOLOGO = '1'; DOTNET_SKIP_FIRST_TIME_EXPERIENCE = '1'
    DOTNET_GENERATE_ASPNET_CERTIFICATE = 'false'; DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE = 'true'
    MSBUILDDISABLENODEREUSE = '1'; DOTNET_CLI_USE_MSBUILD_SERVER = '0'; POWERSHELL_TELEMETRY_OPTOUT = '1'; POWERSHELL_UPDATECHECK = 'Off'
    # Nothing here may meet a store in earnest, whatever the caller's environment names.
    UMPIN_STORE = Join-Path $scratch 'um.db'; UMPIN_KEY_FILE = Join-Path $scratch 'umpin.key'
    UMPIN_MODULE = $moduleManifest; UMPIN_BIN = Join-Path $release ('umpin' + $programSuffix)
    PSModulePath = $moduleDir + $separator + $env:PSModulePath + $separator + $fetchedModules
    UMPIN_TEST_SCALE = if ($All) { 'full' } else { $env:UMPIN_TEST_SCALE }
}
$before = @{}
foreach ($name in $settings.Keys) {
    $before[$name] = [Environment]::GetEnvironmentVariable($name)
    [Environment]::SetEnvironmentVariable($name, $settings[$name])
}

function Find-Program([string] $Name) {
    Get-Command -Name $Name -CommandType Application -ErrorAction Ignore | Select-Object -First 1 -ExpandProperty Source
}

# Runs a program, shows what it prints, keeps that in target/build/logs/<Name>.log, and returns nothing: the exit status is in $LASTEXITCODE.
function Invoke-Program([string] $Name, [string] $Program, [string[]] $Arguments) {
    # What a program writes to its error stream is no error of this script.
    $ErrorActionPreference = 'Continue'
    & $Program @Arguments 2>&1 | ForEach-Object { "$_" } | Tee-Object -FilePath (Join-Path $logs "$Name.log") | Out-Host
}

function Get-CrateVersion {
    foreach ($line in Get-Content -LiteralPath (Join-Path $root 'Cargo.toml')) {
        if ($line -match '^version = "(.*)"$') { return $Matches[1] }
    }
    throw 'Cargo.toml names no version.'
}

# ---- Rust, .NET, PowerShell -----------------------------------------------------------------------------------------

function Assert-Rust {
    if (-not (Find-Program cargo)) { throw 'cargo is missing. Install Rust (the version that Cargo.toml names as rust-version, or later).' }
}

function Build-Library {
    Write-Host '-- cargo build --release (the first time takes some minutes)'
    Invoke-Program cargo-build cargo @('build', '--release')
    if ($LASTEXITCODE -ne 0) { throw 'The Rust library was not built (see above). Are the crates within reach? Without the Rust registry, build.sh takes them from Debian.' }
    if (-not (Test-Path -LiteralPath (Join-Path $release $library))) { throw "cargo left no $library in $release." }
}

$pwsh = $null
$pwshAbsent = $null
if ($env:UMPIN_PWSH -eq 'none') { $pwshAbsent = 'UMPIN_PWSH=none' }
elseif ($env:UMPIN_PWSH) {
    $pwsh = Find-Program $env:UMPIN_PWSH
    if (-not $pwsh) { $pwshAbsent = "UMPIN_PWSH names $env:UMPIN_PWSH, which is no program" }
}
else {
    $pwsh = Find-Program pwsh
    # At the least there is the one that runs this.
    if (-not $pwsh) { $pwsh = (Get-Process -Id $PID).Path }
}

function Test-PwshModule([string] $Name, [string] $Version) {
    & $pwsh -NoProfile -NonInteractive -Command "if (Get-Module -ListAvailable -Name '$Name' | Where-Object Version -ge '$Version') { exit 0 } else { exit 3 }" | Out-Null
    $LASTEXITCODE -eq 0
}

# Into the cache, unless a version from $From on is there already.
function Save-TestModule([string] $Name, [string] $From, [string] $Below) {
    if (-not $pwsh -or (Test-PwshModule $Name $From)) { return }
    Write-Host "-- $Name is missing; fetching it from the PowerShell Gallery into the cache"
    $null = New-Item -ItemType Directory -Force -Path $fetchedModules
    $script = @"
`$ErrorActionPreference = 'Stop'; `$ProgressPreference = 'SilentlyContinue'
if (Get-Command Save-PSResource -ErrorAction Ignore) {
    Save-PSResource -Name '$Name' -Version '[$From,$Below)' -Path '$($fetchedModules -replace "'", "''")' -TrustRepository
}
else { Save-Module -Name '$Name' -MinimumVersion '$From' -MaximumVersion '$Below' -Path '$($fetchedModules -replace "'", "''")' -Force }
"@
    Invoke-Program "$Name-fetch" $pwsh @('-NoProfile', '-NonInteractive', '-Command', $script)
    if ($LASTEXITCODE -ne 0) { Write-Host "   $Name could not be had (see above); what needs it is skipped by name." }
}

function Copy-Changed([string] $Source, [string] $Target, [Collections.Generic.HashSet[string]] $Placed) {
    $null = $Placed.Add($Target)
    if ((Test-Path -LiteralPath $Target) -and (Get-FileHash -LiteralPath $Source).Hash -eq (Get-FileHash -LiteralPath $Target).Hash) { return }
    $null = New-Item -ItemType Directory -Force -Path (Split-Path -Parent $Target)
    try { Copy-Item -LiteralPath $Source -Destination $Target -Force }
    catch { throw "$Target could not be replaced: $_ Close the PowerShell sessions that have the module loaded, and run again." }
}

# Compiles powershell/<Name>/<Name>.csproj into target/dotnet/out/<Name> unless nothing changed since.
function Build-Managed([string] $Name) {
    $out = [IO.Path]::Combine($root, 'target', 'dotnet', 'out', $Name)
    $stamp = [IO.Path]::Combine($root, 'target', 'dotnet', "$Name.ps1.stamp")
    $now = (@(
            & dotnet --version
            Get-CrateVersion
            Get-ChildItem -LiteralPath (Join-Path $root 'powershell') -Recurse -File |
                Where-Object { $_.Extension -in '.cs', '.csproj', '.props', '.targets', '.resx' -and $_.FullName -notmatch '[\\/](obj|bin)[\\/]' } |
                Sort-Object -Property FullName | ForEach-Object { $_.FullName; (Get-FileHash -LiteralPath $_.FullName).Hash }
        ) -join "`n")
    if ((Test-Path -LiteralPath (Join-Path $out "$Name.dll")) -and (Test-Path -LiteralPath $stamp) -and [IO.File]::ReadAllText($stamp) -eq $now) { return }
    Write-Host "-- dotnet build $Name"
    foreach ($stale in $stamp, $out) { if (Test-Path -LiteralPath $stale) { Remove-Item -LiteralPath $stale -Recurse -Force } }
    Invoke-Program "dotnet-$Name" dotnet @('build', "powershell/$Name/$Name.csproj", '--configuration', 'Release', '--output', $out, '-nologo', '-verbosity:minimal', "-p:Version=$(Get-CrateVersion)")
    if ($LASTEXITCODE -ne 0) { throw "dotnet could not build powershell/$Name (see above). If a package was not found: check the NuGet sources (dotnet nuget list source)." }
    [IO.File]::WriteAllText($stamp, $now)
}

# target/module/<Name> from powershell/<Name>, its compiled part and, for the first module, the library.
function Build-ModuleFolder([string] $Name) {
    $source = [IO.Path]::Combine($root, 'powershell', $Name)
    $target = Join-Path $moduleDir $Name
    $manifest = Import-PowerShellDataFile -LiteralPath (Join-Path $source "$Name.psd1")
    $wanted = (Get-CrateVersion) -replace '[-+].*'
    if ($manifest.ModuleVersion -ne $wanted) {
        throw "$Name.psd1 has version '$($manifest.ModuleVersion)', Cargo.toml $(Get-CrateVersion). One release has one version: change them together."
    }
    $placed = New-Object 'Collections.Generic.HashSet[string]'
    if (Test-Path -LiteralPath (Join-Path $source "$Name.csproj")) {
        Build-Managed $Name
        foreach ($file in Get-ChildItem -Path ([IO.Path]::Combine($root, 'target', 'dotnet', 'out', $Name, '*.dll'))) {
            if ($file.Name -eq 'System.Management.Automation.dll') { continue }
            if ($file.Name -like 'UMMailboxPin*.dll' -and $file.Name -ne "$Name.dll") { continue }
            Copy-Changed $file.FullName (Join-Path $target $file.Name) $placed
        }
    }
    foreach ($file in Get-ChildItem -LiteralPath $source -Recurse -File) {
        $relative = $file.FullName.Substring($source.Length + 1)
        if ($relative -match '(^|[\\/])(obj|bin)[\\/]') { continue }
        if ($file.Extension -in '.psd1', '.psm1', '.ps1', '.ps1xml', '.psrc', '.pssc' -or $relative -cmatch '(^|[\\/])[a-z]{2}(-[A-Z]{2})?[\\/]') {
            Copy-Changed $file.FullName (Join-Path $target $relative) $placed
        }
    }
    foreach ($license in 'LICENSE-MIT', 'LICENSE-APACHE') { Copy-Changed (Join-Path $root $license) (Join-Path $target $license) $placed }
    if ($Name -eq 'UMMailboxPin') { Copy-Changed (Join-Path $release $library) ([IO.Path]::Combine($target, $rid, $placedLibrary)) $placed }
    # What a former build left. Libraries for other systems are put there by hand: they stay.
    foreach ($file in Get-ChildItem -LiteralPath $target -Recurse -File) {
        if (-not $placed.Contains($file.FullName) -and $file.FullName.Substring($target.Length + 1) -notmatch '^(linux|osx|win)-') {
            Remove-Item -LiteralPath $file.FullName -Force
        }
    }
}

# Returns why the module cannot be built here, or nothing once it is built; throws where the building fails.
function Build-Module {
    Build-Library
    if (-not (Test-Path -LiteralPath 'powershell/UMMailboxPin/UMMailboxPin.csproj')) { return 'powershell/UMMailboxPin/UMMailboxPin.csproj is not there' }
    if (-not (Find-Program dotnet)) { return 'the .NET SDK (dotnet) is missing; version 8 or later builds the cmdlets' }
    foreach ($name in 'UMMailboxPin', 'UMMailboxPin.ExchangeCompat') {
        if (Test-Path -LiteralPath "powershell/$name") { Build-ModuleFolder $name }
    }
    Write-Host "module: target/module/UMMailboxPin ($(Get-CrateVersion), $rid)"
}

$compiler = $null
foreach ($name in 'cc', 'gcc', 'clang') { if (-not $compiler) { $compiler = Find-Program $name } }

function Build-CProgram([string] $LogName, [string] $Source, [string] $Target) {
    $arguments = @('-std=c11', '-Wall', '-Wextra', '-Werror', '-pedantic', '-Iinclude', $Source, '-o', $Target)
    if ($onWindows) {
        $arguments += Join-Path $release 'umpin.dll'
        $import = Join-Path $release 'umpin.dll.lib'
        if (Test-Path -LiteralPath $import) { $arguments[-1] = $import }
    }
    else { $arguments += "-L$release", '-lumpin', "-Wl,-rpath,$release", '-lpthread' }
    Invoke-Program $LogName $compiler $arguments
}

# ---- module, demo, bench --------------------------------------------------------------------------------------------

$partsSkipped = 0
function Write-SkippedPart([string] $What, [string] $Why) {
    $script:partsSkipped++
    Write-Host "skipped: ${What}: $Why"
}
function Complete-Part {
    if ($Strict -and $partsSkipped) { throw "-Strict: $partsSkipped part(s) could not run here (named above)." }
}

function Invoke-ModuleVerb {
    $absent = Build-Module
    if ($absent) { Write-SkippedPart 'the PowerShell module' $absent }
    Complete-Part
}

function Invoke-DemoVerb {
    $absent = Build-Module
    if ($absent) { Write-SkippedPart 'the PowerShell module' $absent }
    $folder = Join-Path $scratch 'demo'
    $null = New-Item -ItemType Directory -Path $folder
    if (Test-Path -Path 'examples/*.csv') { Copy-Item -Path 'examples/*.csv' -Destination $folder }
    if (-not $absent -and $pwsh -and (Test-Path -LiteralPath 'examples/demo.ps1')) {
        Write-Host "`n== examples/demo.ps1, in a throwaway folder =="
        Push-Location -LiteralPath $folder
        try { Invoke-Program demo $pwsh @('-NoProfile', '-NonInteractive', '-File', [IO.Path]::Combine($root, 'examples', 'demo.ps1')) } finally { Pop-Location }
        if ($LASTEXITCODE -ne 0) { throw 'The demo failed (see above).' }
    }
    else {
        if (-not $absent) { Write-SkippedPart 'the demo of the cmdlets' $(if ($pwshAbsent) { $pwshAbsent } else { 'examples/demo.ps1 is not there' }) }
        Write-Host "`n== examples/quickstart.c, in a throwaway folder =="
        if (-not $compiler) { throw 'No C compiler (cc, gcc or clang) is here either, so there is nothing to show the library with.' }
        $program = Join-Path $scratch "quickstart$programSuffix"
        Build-CProgram quickstart-compile 'examples/quickstart.c' $program
        if ($LASTEXITCODE -ne 0) { throw 'examples/quickstart.c does not compile (see above).' }
        Push-Location -LiteralPath $folder
        try { Invoke-Program quickstart $program @('recipients.csv') } finally { Pop-Location }
        if ($LASTEXITCODE -ne 0) { throw 'The quick start failed (see above).' }
    }
    Complete-Part
}

function Invoke-BenchVerb {
    if (Test-Path -LiteralPath 'benches/core.rs') {
        Write-Host "`n== library: cargo bench --bench core =="
        Invoke-Program bench-core cargo @('bench', '--bench', 'core')
        if ($LASTEXITCODE -ne 0) { throw 'The benchmark of the library failed (see above).' }
    }
    else { Write-SkippedPart 'the benchmark of the library' 'benches/core.rs is not there' }
    $absent = Build-Module
    if ($absent) { Write-SkippedPart 'the PowerShell module' $absent }
    foreach ($file in @(Get-Item -Path 'benches/powershell.ps1', 'tests/powershell/bench/*.ps1' -ErrorAction Ignore)) {
        if (-not $pwsh) { Write-SkippedPart $file.Name $pwshAbsent; continue }
        if ($absent) { Write-SkippedPart $file.Name $absent; continue }
        Write-Host "`n== cmdlets: $($file.Name) =="
        Invoke-Program bench-powershell $pwsh @('-NoProfile', '-NonInteractive', '-File', $file.FullName)
        if ($LASTEXITCODE -ne 0) { throw "$($file.Name) failed (see above)." }
    }
    Complete-Part
}

# ---- test -----------------------------------------------------------------------------------------------------------

$count = @{ Passed = 0; Failed = 0; Skipped = 0 }
$failures = New-Object 'Collections.Generic.List[string]'
$skips = New-Object 'Collections.Generic.List[string]'

function Add-Failure([string] $Name, [int] $Number = 1) {
    $count.Failed += $Number
    $failures.Add($Name)
    Write-Host "FAILED: $Name"
}
# The test itself says that it does not apply here.
function Add-Skip([string] $Name, [string] $Reason, [int] $Number = 1) {
    $count.Skipped += $Number
    $skips.Add("${Name}: $Reason")
}
# A tool is missing, so the part cannot run; -Strict counts that as failed.
function Add-Absence([string] $Name, [string] $Reason, [int] $Number = 1) {
    if ($Strict) { Add-Failure "${Name}: $Reason (-Strict)" $Number; return }
    Add-Skip $Name $Reason $Number
    Write-Host "skipped: ${Name}: $Reason"
}
function Write-Ring([string] $Title) { Write-Host "`n== $Title ==" }

function Invoke-Check([string] $Name, [string] $Program, [string[]] $Arguments) {
    Write-Host "-- $Name"
    Invoke-Program ($Name -replace '[^A-Za-z0-9]', '-') $Program $Arguments
    if ($LASTEXITCODE -eq 0) { $count.Passed++ } else { Add-Failure $Name }
}

function Test-CargoTool([string] $Name) {
    $ErrorActionPreference = 'Continue'
    & cargo $Name --version 2>&1 | Out-Null
    $LASTEXITCODE -eq 0
}

function Invoke-LintRing {
    Write-Ring '1. Rust: format and lints'
    if (Test-CargoTool fmt) { Invoke-Check 'cargo fmt --check' cargo @('fmt', '--check') }
    else { Add-Absence 'cargo fmt --check' 'this Rust has no rustfmt (rustup component add rustfmt)' }
    if (Test-CargoTool clippy) { Invoke-Check 'cargo clippy' cargo @('clippy', '--all-targets', '--', '-D', 'warnings') }
    else { Add-Absence 'cargo clippy' 'this Rust has no clippy (rustup component add clippy)' }
}

function Invoke-RustRing {
    Write-Ring '2. Rust: cargo test (the first time takes some minutes)'
    # A test that finds at run time that it does not apply here adds "name: reason" to this file.
    $env:UMPIN_SKIP_FILE = Join-Path $scratch 'rust-skips'
    $color = $env:CARGO_TERM_COLOR
    $env:CARGO_TERM_COLOR = 'never'
    Invoke-Program cargo-test cargo @('test', '--no-fail-fast')
    $status = $LASTEXITCODE
    $skipFile = $env:UMPIN_SKIP_FILE
    $env:UMPIN_SKIP_FILE = $null
    $env:CARGO_TERM_COLOR = $color
    $programs = 0
    $results = 0
    $failedHere = 0
    foreach ($line in Get-Content -LiteralPath (Join-Path $logs 'cargo-test.log')) {
        if ($line -match '^ +(Running (unittests|tests[\\/])|Doc-tests )') { $programs++ }
        elseif ($line -match '^test result: .* (\d+) passed; (\d+) failed; (\d+) ignored;') {
            $results++
            $count.Passed += [int] $Matches[1]
            $failedHere += [int] $Matches[2]
            $count.Skipped += [int] $Matches[3]
        }
        elseif ($line -match '^test (.*) \.\.\. FAILED$') { Add-Failure $Matches[1] 0 }
        elseif ($line -match '^test (.*) \.\.\. (ignored.*)$') { Add-Skip $Matches[1] $Matches[2] 0 }
    }
    $count.Failed += $failedHere
    if (Test-Path -LiteralPath $skipFile) {
        foreach ($line in Get-Content -LiteralPath $skipFile) {
            $name, $reason = $line -split ': ', 2
            Add-Skip $name $reason
            $count.Passed--
        }
    }
    if ($programs -gt $results) { Add-Failure "cargo test: $($programs - $results) test program(s) ended without a result" ($programs - $results) }
    elseif ($status -ne 0 -and $failedHere -eq 0) { Add-Failure "cargo test (exit status $status, see target/build/logs/cargo-test.log)" }
}

function Invoke-CRing {
    Write-Ring '3. C: the header and the library'
    $programs = @(Get-ChildItem -Path 'tests/c/*.c' -ErrorAction Ignore)
    if (-not (Test-Path -LiteralPath (Join-Path $release $library))) { Add-Skip 'tests/c' 'the library was not built' $programs.Count; return }
    if (-not (Test-Path -LiteralPath 'include/umpin.h')) { Add-Failure 'include/umpin.h is missing (it is committed; tests/header.rs tells how to renew it)'; return }
    $cpp = $null
    foreach ($name in 'c++', 'g++', 'clang++') { if (-not $cpp) { $cpp = Find-Program $name } }
    if ($cpp) {
        $source = Join-Path $scratch 'header.cpp'
        "#include `"umpin.h`"`nint main() { return 0; }" | Set-Content -LiteralPath $source -Encoding ascii
        Invoke-Check 'the header as C++' $cpp @('-std=c++17', '-Wall', '-Wextra', '-Werror', '-pedantic', '-Iinclude', '-fsyntax-only', $source)
    }
    else { Add-Absence 'the header as C++' 'no C++ compiler (c++, g++ or clang++)' }
    if (-not $compiler) { Add-Absence 'tests/c' "no C compiler (cc, gcc or clang); $($programs.Count) program(s) did not run" $programs.Count; return }
    foreach ($example in @(Get-ChildItem -Path 'examples/*.c' -ErrorAction Ignore)) {
        Write-Host "-- examples/$($example.Name) compiles"
        Build-CProgram "$($example.BaseName)-compile" $example.FullName (Join-Path $scratch "example$programSuffix")
        if ($LASTEXITCODE -eq 0) { $count.Passed++ } else { Add-Failure "examples/$($example.Name) does not compile" }
    }
    if ($cpp -and (Test-Path -LiteralPath 'examples/quickstart.c')) {
        Invoke-Check 'examples/quickstart.c as C++17' $cpp @('-std=c++17', '-x', 'c++', '-Wall', '-Wextra', '-Werror', '-pedantic', '-Iinclude', '-fsyntax-only', 'examples/quickstart.c')
    }
    $path = $env:PATH
    $store, $key = $env:UMPIN_STORE, $env:UMPIN_KEY_FILE
    # Windows looks for a library on PATH.
    $env:PATH = $release + $separator + $env:PATH
    foreach ($file in $programs) {
        Write-Host "-- tests/c/$($file.Name)"
        $program = Join-Path $scratch ('c-' + $file.BaseName + $programSuffix)
        Build-CProgram "c-$($file.BaseName)-compile" $file.FullName $program
        if ($LASTEXITCODE -ne 0) { Add-Failure "tests/c/$($file.Name) does not compile"; continue }
        $folder = Join-Path $scratch "run-$($file.BaseName)"
        $null = New-Item -ItemType Directory -Path $folder
        $env:UMPIN_STORE = Join-Path $folder 'um.db'
        $env:UMPIN_KEY_FILE = Join-Path $folder 'umpin.key'
        Push-Location -LiteralPath $folder
        try { Invoke-Program "c-$($file.BaseName)" $program @() } finally { Pop-Location }
        $status = $LASTEXITCODE
        $bad = 0
        $seen = 0
        foreach ($line in @(Get-Content -LiteralPath (Join-Path $logs "c-$($file.BaseName).log"))) {
            if ($line -match '^not ok \d+') { $bad++; $seen++; Add-Failure "tests/c/$($file.Name): $line" }
            elseif ($line -match '^ok \d+.*# skip') { $seen++; Add-Skip "tests/c/$($file.Name)" $line }
            elseif ($line -match '^ok \d+') { $seen++; $count.Passed++ }
        }
        if ($status -ne 0 -and $bad -eq 0) { Add-Failure "tests/c/$($file.Name) ended with exit status $status" }
        elseif ($seen -eq 0) { Add-Failure "tests/c/$($file.Name) printed no result (lines 'ok N - name')" }
    }
    $env:PATH = $path
    $env:UMPIN_STORE, $env:UMPIN_KEY_FILE = $store, $key
}

# What tools/analyze.ps1 and tools/pester.ps1 leave behind.
function Add-Result([string] $File) {
    foreach ($line in Get-Content -LiteralPath $File) {
        $kind, $text = $line -split ' ', 2
        switch ($kind) {
            counts {
                $numbers = $text -split ' '
                $count.Passed += [int] $numbers[0]
                $count.Failed += [int] $numbers[1]
                $count.Skipped += [int] $numbers[2]
            }
            failed { Add-Failure $text 0 }
            skipped { $skips.Add($text) }
        }
    }
}

function Invoke-AnalyzerRing {
    Write-Ring '4. PowerShell: PSScriptAnalyzer'
    $files = @(
        foreach ($place in 'build.ps1', 'tools', 'powershell', 'tests/powershell', 'examples', 'benches') {
            if (Test-Path -LiteralPath $place) {
                Get-ChildItem -LiteralPath $place -Recurse -File | Where-Object { $_.Extension -in '.ps1', '.psm1', '.psd1' -and $_.FullName -notmatch '[\\/](obj|bin)[\\/]' } | ForEach-Object FullName
            }
        }
    )
    if (-not $pwsh) { Add-Absence 'PSScriptAnalyzer' "$pwshAbsent; $($files.Count) file(s) were not analysed" $files.Count; return }
    if (-not (Test-PwshModule PSScriptAnalyzer 1.20)) {
        Add-Absence 'PSScriptAnalyzer' "the module PSScriptAnalyzer 1.20 or later is missing and could not be fetched (Install-Module PSScriptAnalyzer -Scope CurrentUser); $($files.Count) file(s) were not analysed" $files.Count
        return
    }
    $list = Join-Path $scratch 'analyze'
    $result = Join-Path $scratch 'analyzer.txt'
    $files | Set-Content -LiteralPath $list
    Invoke-Program analyzer $pwsh @('-NoProfile', '-NonInteractive', '-File', 'tools/analyze.ps1', '-ListFile', $list, '-Settings', 'PSScriptAnalyzerSettings.psd1', '-ResultFile', $result)
    $status = $LASTEXITCODE
    if (Test-Path -LiteralPath $result) { Add-Result $result } else { Add-Failure "PSScriptAnalyzer ended without a result (exit status $status)" }
}

function Invoke-PesterRing([string] $Absent, [bool] $Broken) {
    Write-Ring '5. PowerShell: Pester on the built module'
    $number = @(Get-ChildItem -Path 'tests/powershell/*.Tests.ps1' -ErrorAction Ignore).Count
    if ($number -eq 0) { Write-Host 'there are no tests/powershell/*.Tests.ps1'; return }
    if ($Absent) { Add-Absence 'Pester' "$Absent; $number file(s) did not run" $number; return }
    if ($Broken) { Add-Skip 'Pester' "the module was not built; $number file(s) did not run" $number; return }
    if (-not $pwsh) { Add-Absence 'Pester' "$pwshAbsent; $number file(s) did not run" $number; return }
    if (-not (Test-PwshModule Pester 5.0)) {
        Add-Absence 'Pester' "the module Pester 5 or later is missing and could not be fetched (Install-Module Pester -MinimumVersion 5.0 -Scope CurrentUser); $number file(s) did not run" $number
        return
    }
    $result = Join-Path $scratch 'pester.txt'
    $null = New-Item -ItemType Directory -Force -Path 'target/test-results'
    Invoke-Program pester $pwsh @('-NoProfile', '-NonInteractive', '-File', 'tools/pester.ps1', '-Path', 'tests/powershell', '-ReportFile', 'target/test-results/pester.xml', '-ResultFile', $result)
    $status = $LASTEXITCODE
    if (Test-Path -LiteralPath $result) { Add-Result $result } else { Add-Failure "Pester ended without a result (exit status $status); $number file(s)" $number }
}

function Invoke-TestVerb {
    Save-TestModule PSScriptAnalyzer 1.20 2.0
    Save-TestModule Pester 5.0 6.0
    Invoke-LintRing
    Invoke-RustRing
    Write-Ring 'The release library and the module, for the rings that follow'
    $broken = $false
    $absent = $null
    try { $absent = Build-Module }
    catch {
        $broken = $true
        Write-Host $_.Exception.Message
        Add-Failure 'building the module (see above)'
    }
    if ($absent) { Write-Host "the module cannot be built here: $absent" }
    Invoke-CRing
    Invoke-AnalyzerRing
    Invoke-PesterRing $absent $broken
    Write-Ring 'Result'
    foreach ($line in $skips) { Write-Host "skipped: $line" }
    foreach ($line in $failures) { Write-Host "failed: $line" }
    Write-Host ('{0} passed, {1} failed, {2} skipped' -f $count.Passed, $count.Failed, $count.Skipped)
}

$exit = 0
try {
    Assert-Rust
    switch ($Verb) {
        demo { Invoke-DemoVerb }
        test { Invoke-TestVerb; if ($count.Failed) { $exit = 1 } }
        module { Invoke-ModuleVerb }
        bench { Invoke-BenchVerb }
    }
}
catch {
    [Console]::Error.WriteLine("build.ps1: $($_.Exception.Message)")
    $exit = 1
}
finally {
    foreach ($name in $before.Keys) { [Environment]::SetEnvironmentVariable($name, $before[$name]) }
    Remove-Item -LiteralPath $scratch -Recurse -Force -ErrorAction Ignore
}
exit $exit
