# What UMMailboxPin does, on real input: each command is printed as an administrator types it, then its real output.
# Works in a throwaway folder, with a store, a key and a mail folder of its own; nothing else on this machine is
# touched.
[CmdletBinding()]
param()
$ErrorActionPreference = 'Stop'

$module = "$PSScriptRoot/../target/module/UMMailboxPin/UMMailboxPin.psd1"
if ($env:UMPIN_MODULE) { $module = $env:UMPIN_MODULE }
Import-Module $module

$folder = Join-Path ([System.IO.Path]::GetTempPath()) ('umpin-demo-' + [guid]::NewGuid().ToString('N'))
$before = $env:UMPIN_STORE, $env:UMPIN_KEY_FILE
$started = Get-Location
$unexpected = 0
$failed = $false

function Show-Step([string] $Title) {
    Write-Host ''
    Write-Host "=== $Title ==="
}

# Prints a command as it would be typed, runs it and prints what it says: output, warnings and errors, as the console
# would. A command that fails without -Fails, or succeeds with it, makes the demo fail.
function Show-Command([scriptblock] $Command, [switch] $Fails) {
    Write-Host ''
    Write-Host ('PS> ' + ($Command.ToString().Trim() -replace '\r?\n\s*', "`n>>  "))
    $script:failed = $false
    & {
        # The script stops at the first error; the commands it shows carry on, as on the console.
        $ErrorActionPreference = 'Continue'
        . $Command
    } *>&1 | ForEach-Object {
        if ($_ -is [System.Management.Automation.ErrorRecord]) {
            $script:failed = $true
            '{0}: {1}' -f $_.CategoryInfo.Activity, $_
        }
        elseif ($_ -is [System.Management.Automation.WarningRecord]) { "WARNING: $_" }
        else { $_ }
    } | Out-String -Stream -Width 132 | ForEach-Object { $_.TrimEnd() } | Where-Object { $_ } |
        ForEach-Object { Write-Host $_ }
    if ($script:failed -ne $Fails) {
        $script:unexpected++
        Write-Host '*** This is not what was expected here.'
    }
}

# The newest message in the pickup folder: its headers, and its text part in clear.
function Show-Mail([string] $Pickup) {
    $file = Get-ChildItem -LiteralPath $Pickup -Filter *.eml | Sort-Object -Property LastWriteTime, Name |
        Select-Object -Last 1
    Write-Host ''
    Write-Host "The message in the pickup folder ($($file.Name)):"
    $head, $parts = (Get-Content -Raw -LiteralPath $file.FullName) -split "`r?`n`r?`n", 2
    $head -split "`r?`n" | Where-Object { $_ -match '^(From|To|Subject|Date):' } |
        ForEach-Object { Write-Host "  | $_" }
    $text = $parts -split '(?m)^--.*$' | Where-Object { $_ -match '(?im)^Content-Type: text/plain' } |
        Select-Object -First 1
    $partHead, $body = $text.TrimStart() -split "`r?`n`r?`n", 2
    if ($partHead -match '(?im)^Content-Transfer-Encoding: base64') {
        $body = [System.Text.Encoding]::UTF8.GetString([System.Convert]::FromBase64String(($body -replace '\s')))
    }
    elseif ($partHead -match '(?im)^Content-Transfer-Encoding: quoted-printable') {
        $joined = $body -replace "=`r?`n"
        $bytes = [System.Collections.Generic.List[byte]]::new()
        foreach ($token in [regex]::Matches($joined, '=([0-9A-Fa-f]{2})|[\s\S]')) {
            $hex = $token.Groups[1]
            $bytes.Add($(if ($hex.Success) { [Convert]::ToByte($hex.Value, 16) } else { [byte][char] $token.Value }))
        }
        $body = [System.Text.Encoding]::UTF8.GetString($bytes.ToArray())
    }
    Write-Host '  |'
    foreach ($line in $body.Trim() -split "`r?`n") { Write-Host "  | $line".TrimEnd() }
}

try {
    # The store's folder is made by the first cmdlet, for this account alone.
    $null = New-Item -ItemType Directory -Path $folder, "$folder/pickup"
    Copy-Item -LiteralPath "$PSScriptRoot/recipients.csv" -Destination $folder
    Set-Location -LiteralPath $folder
    $env:UMPIN_STORE = "$folder/store/um.db"
    $env:UMPIN_KEY_FILE = "$folder/store/umpin.key"

    Show-Step 'The directory: an export of Exchange or Active Directory'
    Show-Command {
        Import-Csv ./recipients.csv | Select-Object -First 4 DisplayName, UserPrincipalName, OfficePhone, Guid |
            Format-Table
    }
    Show-Command { Import-UMRecipient -Path ./recipients.csv }

    Show-Step 'A dial plan, a policy, and where mail goes'
    Show-Command {
        New-UMDialPlan Redmond -NumberOfDigitsInExtension 5 -CountryOrRegionCode 1 -AccessTelephoneNumbers 4255550100
    }
    Show-Command { New-UMMailboxPolicy -Name MyUMMailboxPolicy -UMDialPlan Redmond }
    Show-Command {
        Set-UMMailboxPolicy -Identity MyUMMailboxPolicy -ResetPINText 'Questions? Call the help desk at <b>50100</b>.'
    }
    Show-Command {
        Set-UMPinConfiguration -Transport Pickup -PickupFolder ./pickup -SenderAddress voicemail@contoso.com
    }

    Show-Step 'Enable users: one with extension and PIN, the rest by pipeline, with the tails of their phone numbers'
    Show-Command {
        Enable-UMMailbox tonysmith@contoso.com -UMMailboxPolicy MyUMMailboxPolicy -Extensions 51234 -PIN 5643892
    }
    Show-Command {
        Import-Csv ./recipients.csv | Where-Object Alias -ne tonysmith |
            Enable-UMMailbox -UMMailboxPolicy MyUMMailboxPolicy | Measure-Object | Select-Object Count
    }
    Show-Command { Get-UMMailbox -ResultSize 5 }

    Show-Step 'Get-UMMailboxPIN and Set-UMMailboxPIN, the documented examples as they are written'
    Show-Command { Get-UMMailboxPIN -identity tony@contoso.com }
    Show-Command { Set-UMMailboxPIN -Identity tonysmith@contoso.com }
    Show-Command { Set-UMMailboxPIN -Identity tonysmith@contoso.com -PIN 1985848 -PinExpired $true }
    Show-Mail "$folder/pickup"
    Show-Command { Set-UMMailboxPIN -Identity tonysmith@contoso.com -LockedOut $true }
    Show-Command { Get-UMMailboxPIN tonysmith@contoso.com | Select-Object UserID, LockedOut, LockReason }
    Show-Command { Set-UMMailboxPIN -Identity tonysmith@contoso.com -LockedOut $false }
    Show-Command { Get-UMMailboxPIN tonysmith@contoso.com | Select-Object UserID, LockedOut, LockReason }

    Show-Step '-WhatIf changes nothing'
    $stateBefore = Get-UMMailboxPIN | Select-Object * | Out-String
    Show-Command { Get-UMMailboxPIN | Select-Object -First 3 | Set-UMMailboxPIN -WhatIf }
    if (($stateBefore) -ne (Get-UMMailboxPIN | Select-Object * | Out-String)) { throw '-WhatIf changed something.' }
    Write-Host 'No PIN was changed, no mail was queued.'

    Show-Step 'What is refused says why'
    Show-Command -Fails { Set-UMMailboxPIN -Identity tonysmith@contoso.com -PIN 123456 }
    Show-Command -Fails { Set-UMMailboxPIN -Identity tonysmith@contoso.com -PIN 51234 }
    Show-Command -Fails { Set-UMMailboxPIN -Identity nobody@contoso.com }
    Show-Command -Fails { Get-UMMailboxPIN 'Anna Berg' }

    Show-Step 'Everyone, at a glance'
    Show-Command { Get-UMMailboxPIN | Format-Table UserID, PinExpired, FirstTimeUser, LockedOut, Identity }

    if ($unexpected -gt 0) { throw "$unexpected command(s) did not do what was expected." }
    Write-Host ''
    Write-Host 'Next: README.md, "Install". On this machine the module is here:'
    Write-Host "  Import-Module '$((Resolve-Path -LiteralPath (Join-Path (Split-Path $module) '.')).Path)'"
    Write-Host '  Get-Command -Module UMMailboxPin'
}
finally {
    Set-Location -LiteralPath $started
    $env:UMPIN_STORE, $env:UMPIN_KEY_FILE = $before
    Remove-Item -Recurse -Force -LiteralPath $folder -ErrorAction Ignore
}
