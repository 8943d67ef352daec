#Requires -Modules Pester
# -WhatIf and -Confirm on every cmdlet that writes: nothing changes, or somebody is asked.
BeforeDiscovery {
    $default = 'Redmond Default Policy'
    $cases = @(
        @{ Line = 'Set-UMMailboxPIN tonysmith -Pin 5820419' }
        @{ Line = 'Set-UMMailboxPIN tonysmith -LockedOut $true -PassThru' }
        @{ Line = "'tonysmith', 'tony' | Set-UMMailboxPIN -ThrottleLimit 4" }
        @{ Line = 'Test-UMMailboxPIN tonysmith -Pin 999999' }
        @{ Line = "Enable-UMMailbox kakers -UMMailboxPolicy '$default'" }
        @{ Line = 'Disable-UMMailbox tonysmith'; High = $true }
        @{ Line = 'Set-UMMailbox tonysmith -OperatorNumber 1' }
        @{ Line = 'Lock-UMMailbox tonysmith' }
        @{ Line = 'Unlock-UMMailbox tonysmith' }
        @{ Line = 'New-UMMailboxPolicy Another -UMDialPlan Redmond' }
        @{ Line = "Set-UMMailboxPolicy '$default' -MinPINLength 9" }
        @{ Line = 'Remove-UMMailboxPolicy Unused'; High = $true }
        @{ Line = 'New-UMDialPlan Another -NumberOfDigitsInExtension 4 -CountryOrRegionCode 1' }
        @{ Line = 'Set-UMDialPlan Redmond -MaxCallDuration 60' }
        @{ Line = 'Remove-UMDialPlan Empty'; High = $true }
        @{
            Line = "[pscustomobject]@{ DistinguishedName = 'CN=N,DC=contoso,DC=com'; Guid = [guid]::NewGuid(); " +
                "SamAccountName = 'n'; Alias = 'n'; PrimarySmtpAddress = 'n@contoso.com' } | Import-UMRecipient"
        }
        @{ Line = 'Set-UMPinConfiguration -ServerName somewhere' }
        @{ Line = 'Send-UMPinOutbox' }
        @{ Line = 'Update-UMPinKey'; High = $true }
        @{ Line = 'Backup-UMPinStore "$env:UMPIN_TEST_FOLDER/copy.db"' }
        @{ Line = 'Restore-UMPinStore "$env:UMPIN_TEST_FOLDER/backup.db"'; High = $true }
        @{ Line = "Set-Mailbox tonysmith -EmailAddresses @{ Add = 'smtp:another@contoso.com' }" }
        @{ Line = 'Set-ADServerSettings -RecipientViewRoot contoso.com/Users/Sales' }
    )
    $covered = $cases.Line -join "`n"
}

BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed
    $env:UMPIN_TEST_FOLDER = $folder
    $null = Enable-UMMailbox tonysmith -UMMailboxPolicy 'Redmond Default Policy' -Extensions 51234 -PIN 5643892 `
        -WarningAction SilentlyContinue
    $null = Enable-UMMailbox tony -UMMailboxPolicy 'Redmond Default Policy' -WarningAction SilentlyContinue
    $null = New-UMMailboxPolicy Unused -UMDialPlan Redmond
    $null = New-UMDialPlan Empty -NumberOfDigitsInExtension 4 -CountryOrRegionCode 1 -GenerateUMMailboxPolicy $false
    $null = Backup-UMPinStore "$folder/backup.db" -ErrorAction Stop

    # All that can be seen of the store, and the files around it.
    function Get-Dump {
        $ErrorActionPreference = 'Stop'
        $all = @(
            Get-UMMailboxPIN | Select-Object *
            Get-UMMailbox -ResultSize Unlimited | Select-Object *
            Get-Mailbox -ResultSize Unlimited | Select-Object *
            Get-UMMailboxPolicy | Select-Object *
            Get-UMDialPlan | Select-Object *
            Get-UMPinConfiguration | Select-Object *
            Get-UMPinOutbox | Select-Object *
            Get-ADServerSettings | Select-Object *
            Search-UMAdminAuditLog -ResultSize 10000 | Select-Object *
            Get-Content -Raw $env:UMPIN_KEY_FILE
            # SQLite's own files come and go.
            (Get-ChildItem $folder -Recurse -File | Where-Object Name -notmatch '-(wal|shm)$').FullName | Sort-Object
        )
        $all | ConvertTo-Json -Depth 4
    }
}

AfterAll { Remove-TestStore $folder }

Describe '<Line>' -ForEach $cases {
    It 'changes nothing under -WhatIf' {
        $before = Get-Dump
        & ([scriptblock]::Create("`$ErrorActionPreference = 'Stop'; $Line -WhatIf")) | Should -BeNullOrEmpty
        Get-Dump | Should -Be $before
    }

    It 'asks with -Confirm, and without it just if its impact is high' {
        $before = Get-Dump
        $lines = Invoke-FreshPwsh @"
`$ErrorActionPreference = 'Stop'
try { $Line -Confirm; 'done' } catch { "asked: `$_" }
$(if ($High) { "try { $Line; 'done' } catch { `"asked: `$_`" }" })
"@
        $lines | Should -HaveCount $(if ($High) { 2 } else { 1 })
        $lines | Should -BeLike 'asked:*NonInteractive*'
        Get-Dump | Should -Be $before
    }
}

Describe 'The cases above' {
    It 'cover every cmdlet that writes' -ForEach @{ Covered = $covered } {
        $writing = Get-Command -Module UMMailboxPin, UMMailboxPin.ExchangeCompat |
            Where-Object { $_.Parameters.ContainsKey('WhatIf') }
        foreach ($name in $writing.Name) { $Covered | Should -Match "\b$name\b" }
    }

    It 'do not ask with -Confirm:$false' {
        $lines = Invoke-FreshPwsh @'
$ErrorActionPreference = 'Stop'
$null = Disable-UMMailbox tony -Confirm:$false
Remove-UMMailboxPolicy Unused -Confirm:$false
Remove-UMDialPlan Empty -Confirm:$false
$null = Update-UMPinKey -Confirm:$false
$null = Restore-UMPinStore "$env:UMPIN_TEST_FOLDER/backup.db" -Confirm:$false -ErrorAction SilentlyContinue
'done'
'@
        $lines[-1] | Should -Be 'done'
    }
}
