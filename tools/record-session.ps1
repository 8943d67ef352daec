# Draws docs/session.svg: a real session of a help desk, in a store that is thrown away. Run it after a build:
#
#   pwsh -File tools/record-session.ps1            writes the picture
#   pwsh -File tools/record-session.ps1 -Check     writes nothing, fails if a run shows something else (a test does
# this)
[CmdletBinding()]
param(
    [switch] $Check,

    # Where the modules are looked for, before PSModulePath.
    [string] $Modules = "$PSScriptRoot/../target/module"
)
$ErrorActionPreference = 'Stop'
$root = (Resolve-Path -LiteralPath "$PSScriptRoot/..").Path

# Nothing in it depends on the day, the machine or its speed.
$session = @(
    'Import-UMRecipient ./examples/recipients.csv | Format-Table Read, Added, Failed'
    'New-UMDialPlan Redmond -NumberOfDigitsInExtension 5 -CountryOrRegionCode 1 | Format-Table Name, UMMailboxPolicies'
    'Enable-UMMailbox tonysmith -UMMailboxPolicy "Redmond Default Policy" -Extensions 51234 |' +
    ' Format-Table Name, Extensions'
    'Set-UMMailboxPIN tonysmith@contoso.com'
    'Get-UMMailboxPIN tonysmith@contoso.com'
    'Set-UMMailboxPIN tonysmith@contoso.com -Pin 51234'
    'Get-UMMailbox | Set-UMMailboxPIN -WhatIf'
)

# In a PowerShell of its own, where what would go to a screen goes into a file: also what -WhatIf says.
$folder = Join-Path ([System.IO.Path]::GetTempPath()) ('umpin-session-' + [guid]::NewGuid().ToString('N'))
$null = New-Item -ItemType Directory -Path $folder, "$folder/store", "$folder/pickup", "$folder/examples"
if ($IsLinux -or $IsMacOS) { chmod 700 $folder "$folder/store" }
Copy-Item "$root/examples/recipients.csv" "$folder/examples"
$commands = ConvertTo-Json -Compress -InputObject $session
Set-Content -LiteralPath "$folder/session.ps1" -Encoding utf8 -Value @"
`$env:UMPIN_STORE = '$folder/store/um.db'
`$env:UMPIN_KEY_FILE = '$folder/store/umpin.key'
`$env:PSModulePath = '$Modules' + [System.IO.Path]::PathSeparator + `$env:PSModulePath
if (`$PSStyle) { `$PSStyle.OutputRendering = 'PlainText' }
Set-Location '$folder'
Set-UMPinConfiguration -Transport Pickup -PickupFolder ./pickup -SenderAddress voicemail@contoso.com
foreach (`$command in '$($commands.Replace("'", "''"))' | ConvertFrom-Json) {
    "PS> `$command"
    & ([scriptblock]::Create(`$command)) 2>&1 | ForEach-Object {
        # As the console shows it, without the place in this file.
        if (`$_ -isnot [System.Management.Automation.ErrorRecord]) { return `$_ }
        "`$(`$_.InvocationInfo.MyCommand.Name): `$_"
    } | Out-String -Width 120
}
"@
$shell = (Get-Process -Id $PID).Path
# Wine does not tell it.
if (-not $shell) { $shell = Join-Path $PSHOME 'pwsh' }
try { $output = & $shell -NoProfile -NonInteractive -File "$folder/session.ps1" }
finally { Remove-Item -Recurse -Force -LiteralPath $folder }

$width = 122
$lines = @(foreach ($line in $output) {
        $text = "$line".TrimEnd() -replace '\x1b\[[0-9;]*m'
        # A console breaks a long line where it ends.
        if (-not $text) { '' }
        for ($at = 0; $at -lt $text.Length; $at += $width) { $text.Substring($at, [math]::Min($width,
            $text.Length - $at)) }
    })
# Empty lines in front of commands alone.
$lines = @($lines | Where-Object { $_ } | ForEach-Object { if ($_ -like 'PS> *') { '' }; $_ } | Select-Object -Skip 1)

$high = 17
$svg = [System.Text.StringBuilder]::new()
$height = 24 + $high * $lines.Count
$null = $svg.Append("<svg xmlns=`"http://www.w3.org/2000/svg`" viewBox=`"0 0 990 $height`" role=`"img`">`n")
$null = $svg.Append("<!-- Made by tools/record-session.ps1 from a real run. Do not edit. -->`n")
$null = $svg.Append("<title>A session in PowerShell</title>`n")
$null = $svg.Append("<rect width=`"990`" height=`"$height`" rx=`"6`" fill=`"#0d1b2a`"/>`n")
$null = $svg.Append("<g font-family=`"Consolas, Menlo, 'DejaVu Sans Mono', monospace`" font-size=`"13`" ")
$null = $svg.Append("fill=`"#d8dee9`" xml:space=`"preserve`">`n")
$y = 25
foreach ($line in $lines) {
    $colour = switch -Regex ($line) {
        '^PS> ' { ' fill="#8fd3ff"' }
        '^Set-\S+: ' { ' fill="#ff9b8f"' }
    }
    $text = [System.Security.SecurityElement]::Escape($line)
    if ($line) { $null = $svg.Append("<text x=`"14`" y=`"$y`"$colour>$text</text>`n") }
    $y += $high
}
$null = $svg.Append("</g>`n</svg>`n")

$file = "$root/docs/session.svg"
$old = if (Test-Path -LiteralPath $file) { [System.IO.File]::ReadAllText($file) } else { '' }
if ($old -ceq $svg.ToString()) { return }
if ($Check) { throw 'docs/session.svg is not what a run shows now. Run tools/record-session.ps1 and look at it.' }
[System.IO.File]::WriteAllText($file, $svg.ToString(), [System.Text.UTF8Encoding]::new($false))
Write-Host 'written: docs/session.svg'
