# Installs the packages of a folder as anybody would, from a repository, into an empty folder: -Into, which then holds
# the modules. The repository is registered in this process's profile, which the caller has moved to a throwaway folder.
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Packages,
    [Parameter(Mandatory)] [string] $Into,
    [Parameter(Mandatory)] [string] $Version
)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
if (Get-Command -Name Save-PSResource -ErrorAction Ignore) {
    Register-PSResourceRepository -Name umpin-packages -Uri $Packages -Trusted
    # With it comes what it depends on.
    Save-PSResource -Name UMMailboxPin.ExchangeCompat -Version $Version -Repository umpin-packages -Path $Into
}
else {
    Add-Type -AssemblyName System.IO.Compression.FileSystem
    foreach ($name in 'UMMailboxPin', 'UMMailboxPin.ExchangeCompat') {
        $target = [IO.Path]::Combine($Into, $name, $Version)
        [IO.Compression.ZipFile]::ExtractToDirectory([IO.Path]::Combine($Packages, "$name.$Version.nupkg"), $target)
    }
}
foreach ($name in 'UMMailboxPin', 'UMMailboxPin.ExchangeCompat') {
    $manifest = [IO.Path]::Combine($Into, $name, $Version, "$name.psd1")
    if (-not (Test-Path -LiteralPath $manifest)) { throw "The packages brought no $manifest." }
}
