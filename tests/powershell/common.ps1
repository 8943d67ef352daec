# Dot-sourced in BeforeAll of every test file: the built modules, a store of its own for each file, and helpers.
[System.Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', '',
    Justification = 'Parameters are used in script blocks.')]
[System.Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
    Justification = 'Test helpers.')]
[System.Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseDeclaredVarsMoreThanAssignments', '',
    Justification = 'The test files use them.')]
param()

$UMModule = if ($env:UMPIN_MODULE) { $env:UMPIN_MODULE } else {
    "$PSScriptRoot/../../target/module/UMMailboxPin/UMMailboxPin.psd1"
}
# The folder of both modules. What came from a repository lies in a folder of its version within its own.
$base = Split-Path (Resolve-Path $UMModule).Path
if ((Split-Path -Leaf $base) -ne 'UMMailboxPin') { $base = Split-Path $base }
$UMModuleRoot = Split-Path $base
if (($env:PSModulePath -split [System.IO.Path]::PathSeparator) -notcontains $UMModuleRoot) {
    $env:PSModulePath = $UMModuleRoot + [System.IO.Path]::PathSeparator + $env:PSModulePath
}
Import-Module $UMModule
Import-Module UMMailboxPin.ExchangeCompat

# Whether the stores of this run are on a server (tools/with-postgresql.sh).
$IsOnServer = $env:UMPIN_TEST_STORE -eq 'postgresql'

# The URL of a new, empty database on the run's server.
function New-TestDatabase {
    $server = $env:UMPIN_TEST_POSTGRESQL
    $port = Get-Content -LiteralPath "$server/port"
    $name = 'umpin_' + [guid]::NewGuid().ToString('N')
    createdb -h $server -p $port -U owner -T template0 $name
    if ($LASTEXITCODE) { throw "createdb ended with $LASTEXITCODE" }
    "postgresql://owner@/${name}?host=$server&port=$port"
}

# A new, empty store and a pickup folder, which the cmdlets use from now on.
function New-TestStore([switch] $Seed, [switch] $Pickup) {
    $folder = Join-Path ([System.IO.Path]::GetTempPath()) ('umpin-test-' + [guid]::NewGuid().ToString('N'))
    $null = New-Item -ItemType Directory -Path $folder, "$folder/store", "$folder/pickup"
    if ($IsLinux -or $IsMacOS) { chmod 700 $folder "$folder/store" }
    $env:UMPIN_STORE = if ($IsOnServer) { New-TestDatabase } else { "$folder/store/um.db" }
    $env:UMPIN_KEY_FILE = "$folder/store/umpin.key"
    if ($Pickup) {
        Set-UMPinConfiguration -Transport Pickup -PickupFolder "$folder/pickup" -SenderAddress voicemail@contoso.com `
            -ErrorAction Stop
    }
    if ($Seed) {
        $null = Import-UMRecipient -Path "$PSScriptRoot/../../examples/recipients.csv" -ErrorAction Stop
        $null = New-UMDialPlan -Name Redmond -NumberOfDigitsInExtension 5 -URIType TelExtn -CountryOrRegionCode 1 `
            -ErrorAction Stop
    }
    $folder
}

# Whether anything was written to the store that UMPIN_STORE names.
function Test-StoreIsMade {
    if (-not $IsOnServer) { return Test-Path $env:UMPIN_STORE }
    (psql -At -d $env:UMPIN_STORE -c "SELECT to_regnamespace('ummailboxpin') IS NOT NULL") -ne 'f'
}

function Remove-TestStore([string] $Folder) {
    # The cmdlets let go of the store when they are told of another one. Without any name they would take the machine's
    # own.
    $env:UMPIN_STORE = "$Folder/removed/um.db"
    $env:UMPIN_KEY_FILE = "$Folder/removed/umpin.key"
    Remove-Item -Recurse -Force -LiteralPath $Folder -ErrorAction Ignore
}

# The PowerShell that runs the tests. Wine does not tell the process's own path.
function Get-OwnShell {
    $path = (Get-Process -Id $PID).Path
    if ($path) { return $path }
    Join-Path $PSHOME $(if ($PSVersionTable.PSEdition -eq 'Desktop') { 'powershell.exe' } else { 'pwsh.exe' })
}

# The lines that a command prints in a PowerShell of its own, with the modules on its path; ExitCode in $LASTEXITCODE.
function Invoke-FreshPwsh([string] $Command) {
    $file = Join-Path ([System.IO.Path]::GetTempPath()) ([guid]::NewGuid().ToString('N') + '.ps1')
    Set-Content -LiteralPath $file -Value $Command -Encoding utf8
    try { & (Get-OwnShell) -NoProfile -NonInteractive -File $file 2>&1 | ForEach-Object { "$_" } }
    finally { Remove-Item -LiteralPath $file }
}

# What Tab would offer at the end of a line.
function Get-Completion([string] $Line) {
    ([System.Management.Automation.CommandCompletion]::CompleteInput($Line, $Line.Length, $null)).CompletionMatches
}
