#Requires -Modules Pester
# Sign-in, outbox, keys, backups and the audit trail through their cmdlets; how they work inside is tested in Rust.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $default = 'Redmond Default Policy'
}

Describe 'Test-UMMailboxPIN' {
    BeforeAll {
        $folder = New-TestStore -Seed -Pickup
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default -Extensions 51234 -PIN 5643892
    }
    AfterAll { Remove-TestStore $folder }

    It 'accepts the right PIN, and says what is due' {
        $result = Test-UMMailboxPIN -Identity tonysmith -Pin 5643892
        $result.psobject.TypeNames[0] | Should -Be 'UMMailboxPin.SignInResult'
        $result.psobject.Properties.Name | Should -Be 'Identity', 'Result', 'MustChange', 'SetUpDue', 'Reasons'
        $result.Result, $result.MustChange, $result.SetUpDue | Should -Be 'Accepted', $true, $true
        $result.Reasons | Should -BeNullOrEmpty
    }

    It 'counts a wrong PIN, and a right one clears the count' {
        (Test-UMMailboxPIN tonysmith -Pin '5643893').Reasons | Should -Be 'WrongPin'
        (Get-UMMailboxPIN tonysmith).FailedLogonAttempts | Should -Be 1
        $null = Test-UMMailboxPIN tonysmith -Pin (ConvertTo-SecureString 5643892 -AsPlainText -Force)
        (Get-UMMailboxPIN tonysmith).FailedLogonAttempts | Should -Be 0
    }

    It 'gives no reason by extension' {
        foreach ($extension in '51234', '59999') {
            $result = Test-UMMailboxPIN -Extension $extension -DialPlan Redmond -Pin 999999
            $result.Result | Should -Be 'Refused'
            $result.Reasons | Should -BeNullOrEmpty
        }
        (Test-UMMailboxPIN -Extension 51234 -Pin 5643892).Result | Should -Be 'Accepted'
    }

    It 'locks at MaxLogonAttempts' {
        Set-UMMailboxPolicy $default -LogonFailuresBeforePINReset Unlimited -MaxLogonAttempts 3
        $reasons = 1..4 | ForEach-Object { (Test-UMMailboxPIN tonysmith -Pin "99999$_").Reasons }
        $reasons | Should -Be 'WrongPin', 'WrongPin', 'NowLocked', 'LockedOut'
        $state = Get-UMMailboxPIN tonysmith
        $state.LockedOut, $state.LockReason | Should -Be $true, 'TooManyFailures'
        (Test-UMMailboxPIN tonysmith -Pin 5643892).Result | Should -Be 'Refused'
    }
}

Describe 'The outbox' {
    BeforeEach {
        $folder = New-TestStore -Seed
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default -Extensions 51234 -PIN 5643892 `
            -WarningAction SilentlyContinue
    }
    AfterEach { Remove-TestStore $folder }

    It 'holds mail while there is no transport, with one warning a session' {
        $lines = Invoke-FreshPwsh @'
Set-UMMailboxPIN tonysmith 3>&1
Set-UMMailboxPIN tonysmith 3>&1
@(Get-UMPinOutbox).Count
'@
        ($lines | Where-Object { $_ -match 'Set-UMPinConfiguration' }).Count | Should -Be 1
        # The reset replaced the welcome mail, whose PIN is no longer true.
        $lines[-1] | Should -Be '1'
    }

    It 'never shows a PIN' {
        Get-UMPinOutbox | Select-Object * | Out-String | Should -Not -Match '5643892'
    }

    It 'delivers with Send-UMPinOutbox once there is a transport' {
        Set-UMPinConfiguration -Transport Pickup -PickupFolder "$folder/pickup"
        Send-UMPinOutbox | Should -BeNullOrEmpty
        @(Get-ChildItem "$folder/pickup" -Filter *.eml).Count | Should -Be 1
        Get-UMPinOutbox | Should -BeNullOrEmpty
    }

    It 'keeps the PIN and the mail when a delivery fails' {
        Set-UMPinConfiguration -Transport Pickup -PickupFolder "$folder/pickup"
        Remove-Item "$folder/pickup"
        Set-UMMailboxPIN tonysmith -Pin 4820917 -WarningVariable warnings -WarningAction SilentlyContinue `
            -ErrorVariable failed
        $failed | Should -BeNullOrEmpty
        $warnings.Count | Should -BeGreaterThan 0
        (Test-UMMailboxPIN tonysmith -Pin 4820917).Result | Should -Be 'Accepted'
        (Get-UMPinOutbox).LastError | Should -Not -BeNullOrEmpty
        $null = New-Item -ItemType Directory "$folder/pickup"
        Get-UMPinOutbox | Send-UMPinOutbox
        @(Get-ChildItem "$folder/pickup" -Filter *.eml).Count | Should -Be 1
    }

    It 'sends through a program' {
        if ($env:OS -eq 'Windows_NT') {
            $program = "$env:SystemRoot\System32\cmd.exe"
            $arguments = '/c', "findstr @ >>$folder\pickup\sent"
        }
        else {
            $program, $arguments = "$folder/mailer", @()
            Set-Content $program "#!/bin/sh`ncat >> '$folder/pickup/sent'"
            chmod +x $program
        }
        Set-UMPinConfiguration -Transport Command -Command $program -CommandArguments $arguments `
            -TestMail administrator@contoso.com
        Set-UMMailboxPIN tonysmith -Pin 4820917
        $sent = Get-Content -Raw "$folder/pickup/sent"
        $sent | Should -Match 'administrator@contoso.com'
        $sent | Should -Match 'tonysmith@contoso.com'
    }
}

Describe 'Keys and backups' {
    BeforeEach {
        $folder = New-TestStore -Seed -Pickup
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default -Extensions 51234 -PIN 5643892
    }
    AfterEach { Remove-TestStore $folder }

    It 'rotate, and every PIN still signs in' {
        $before = (Get-UMPinConfiguration).KeyId
        $rotation = Update-UMPinKey -Confirm:$false -WarningVariable warnings -WarningAction SilentlyContinue
        $rotation.psobject.TypeNames[0] | Should -Be 'UMMailboxPin.KeyRotation'
        # Old backups need the old key, which is gone: that must be said.
        "$warnings" | Should -Match $before
        (Get-UMPinConfiguration).KeyId | Should -Be $rotation.KeyId
        $rotation.KeyId | Should -Not -Be $before
        (Test-UMMailboxPIN tonysmith -Pin 5643892).Result | Should -Be 'Accepted'
    }

    It 'say when the key is gone, and count no failure' {
        Move-Item $env:UMPIN_KEY_FILE "$folder/store/elsewhere.key"
        $lines = Invoke-FreshPwsh @'
Test-UMMailboxPIN tonysmith -Pin 5643892 -ErrorVariable e -ErrorAction SilentlyContinue
$e[0].FullyQualifiedErrorId
Test-Path $env:UMPIN_KEY_FILE
'@
        $lines | Should -Be 'KeyMissingException,UMMailboxPin.Commands.TestUMMailboxPinCommand', 'False'
        Move-Item "$folder/store/elsewhere.key" $env:UMPIN_KEY_FILE
        (Get-UMMailboxPIN tonysmith).FailedLogonAttempts | Should -Be 0
    }

    It 'copy the store in use, and bring it back' {
        Push-Location $folder
        try { $backup = Backup-UMPinStore ./copy.db } finally { Pop-Location }
        $backup.psobject.TypeNames[0] | Should -Be 'UMMailboxPin.Backup'
        "$folder/copy.db" | Should -Exist
        Set-UMMailboxPIN tonysmith -Pin 9182736
        $null = Restore-UMPinStore "$folder/copy.db" -Confirm:$false
        (Test-UMMailboxPIN tonysmith -Pin 5643892).Result | Should -Be 'Accepted'
        Restore-UMPinStore "$folder/nothing.db" -Confirm:$false -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed.Count | Should -Be 1
    }

    It 'check the store' {
        $checks = Test-UMPinStore
        $checks[0].psobject.TypeNames[0] | Should -Be 'UMMailboxPin.StoreCheck'
        $checks.Count | Should -BeGreaterThan 1
    }

    It 'say what is wrong with <Name>' -ForEach @(
        @{
            Name = 'a damaged store'
            # In a file of its own: Windows lets nobody write to one that the cmdlets have open.
            Script = { $env:UMPIN_STORE = "$folder/damaged.db"; Set-Content $env:UMPIN_STORE ('no database' * 100) }
            Id = 'StoreDamagedException'
        }
        @{ Name = 'a short key'; Script = { Set-Content $env:UMPIN_KEY_FILE 'short' }; Id = 'KeyMalformedException' }
    ) {
        & $Script
        $lines = Invoke-FreshPwsh @'
Set-UMMailboxPIN tonysmith -Pin 9182736 -ErrorVariable e -ErrorAction SilentlyContinue
$e[0].FullyQualifiedErrorId
$e[0].CategoryInfo.Category
'@
        $lines | Should -Be "$Id,UMMailboxPin.Commands.SetUMMailboxPinCommand", 'InvalidData'
    }
}

Describe 'Search-UMAdminAuditLog' {
    BeforeAll {
        $folder = New-TestStore -Seed -Pickup
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default -Extensions 51234 -PIN 5643892
        Set-UMMailboxPIN tonysmith -Pin 4820917 -DomainController dc01.contoso.com
        Set-UMMailboxPIN tonysmith -Pin 4820917 -ErrorAction SilentlyContinue
    }
    AfterAll { Remove-TestStore $folder }

    It 'tells who set whose PIN, and never the PIN' {
        $found = Search-UMAdminAuditLog -Cmdlets Set-UMMailboxPIN
        $found.Count | Should -BeGreaterThan 0
        $found[0].psobject.TypeNames[0] | Should -Be 'UMMailboxPin.AdminAuditLogEvent'
        $found | Select-Object * | ConvertTo-Json -Depth 5 | Should -Not -Match '4820917|5643892'
        $found.ObjectModified | Should -Contain 'contoso.com/Users/Tony Smith'
    }

    It 'tells who called from afar' {
        Invoke-FreshPwsh @'
$who = [System.Management.Automation.Remoting.PSIdentity]::new('Kerberos', $true, 'CONTOSO\helpdesk', $null)
$principal = [System.Management.Automation.Remoting.PSPrincipal]::new($who, $null)
$global:PSSenderInfo = [System.Management.Automation.Remoting.PSSenderInfo]::new($principal, 'http://here')
Set-UMMailboxPolicy 'Redmond Default Policy' -MinPINLength 7
'@ | Should -BeNullOrEmpty
        Search-UMAdminAuditLog -Cmdlets Set-UMMailboxPolicy | Select-Object * | ConvertTo-Json |
            Should -Match 'CONTOSO\\\\helpdesk'
    }

    It 'has Exchange''s properties in Exchange''s order, then ours' {
        $record = Search-UMAdminAuditLog -ResultSize 1 -ExternalAccess $false
        $record.psobject.Properties.Name | Should -Be @(
            'ObjectModified', 'CmdletName', 'CmdletParameters', 'ModifiedProperties', 'Caller', 'ExternalAccess',
                'Succeeded', 'Error', 'RunDate'
            'Identity', 'CallerClaimed', 'Detail')
        $record.ExternalAccess | Should -BeFalse
    }

    It 'filters by success and by time' {
        (Search-UMAdminAuditLog -Cmdlets Set-UMMailboxPIN -IsSuccess $false).Count | Should -BeGreaterThan 0
        Search-UMAdminAuditLog -StartDate (Get-Date).AddHours(1) | Should -BeNullOrEmpty
        (Search-UMAdminAuditLog -StartDate (Get-Date).AddHours(-1) -EndDate (Get-Date).AddHours(1)).Count |
            Should -BeGreaterThan 3
        @(Search-UMAdminAuditLog -ResultSize 1).Count | Should -Be 1
    }
}
