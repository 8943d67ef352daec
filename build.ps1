# Builds, shows, tests and measures UMMailboxPin on Windows (on Linux and macOS: build.sh). This only finds cargo and
# hands over to tools/xtask, where every verb stands once; `.\build.ps1 -Help` lists them; see docs/development.md.
#
#   .\build.ps1 demo | test [RING...] [-All] | module | package | bench [-Strict]
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$cargo = Get-Command -Name cargo -CommandType Application -ErrorAction Ignore | Select-Object -First 1
if (-not $cargo) {
    # Where rustup puts it; a console that was open before does not know of it.
    $cargo = Get-Command -Name ([IO.Path]::Combine($HOME, '.cargo', 'bin', 'cargo')) -ErrorAction Ignore
}
if (-not $cargo) {
    [Console]::Error.WriteLine('build.ps1: cargo is missing. Install Rust (the rust-version in Cargo.toml, or later).')
    exit 1
}
$manifest = [IO.Path]::Combine($PSScriptRoot, 'tools', 'xtask', 'Cargo.toml')
$target = [IO.Path]::Combine($PSScriptRoot, 'target', 'xtask')
& $cargo.Source run --quiet --manifest-path $manifest --target-dir $target '--' @args
exit $LASTEXITCODE
