#Requires -Modules Pester
# What administrators of Exchange rely on around a change, through the cmdlets: one error a refused row, a record of
# what was refused before a prompt, a warning where nothing was changed, and the lines on Microsoft's pages. The rules
# themselves are tested in Rust.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed
    $policy = 'Redmond Default Policy'
    $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $policy -Extensions 51234 -PIN 5643892 `
        -WarningAction SilentlyContinue
    function Get-Refusal { @(Search-UMAdminAuditLog -IsSuccess $false) }
}

AfterAll { Remove-TestStore $folder }

Describe 'Import-UMRecipient' {
    BeforeAll {
        $row = {
            param($Number, $Address) [pscustomobject]@{
                Guid = [guid]::new($Number, 0, 0, [byte[]]::new(8))
                Name = "Row $Number"
                mail = $Address
            }
        }
        $rows = (& $row 1 'row1@contoso.com'), (& $row 2 'tonysmith@contoso.com'), (& $row 3 'tony@contoso.com'),
            (& $row 4 'row4@contoso.com')
    }

    It 'writes one error for each row whose address is somebody else''s, and takes the others' {
        $result = $rows | Import-UMRecipient -ErrorVariable failed -ErrorAction SilentlyContinue
        $result.Added, $result.Failed | Should -Be 2, 2
        $failed.Count | Should -Be 2
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ImportRow*'
        "$($failed[0])" | Should -BeLike '*at position 2 (''Row 2'')*tonysmith@contoso.com*'
        "$($failed[1])" | Should -BeLike '*at position 3 (''Row 3'')*tony@contoso.com*'
    }

    It 'writes the same under -WhatIf' {
        $null = $rows | Import-UMRecipient -WhatIf -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed.Count | Should -Be 2
    }

    It 'stops at such a row where the script said so, with the rows of its batch imported' {
        { $rows | Import-UMRecipient -ErrorAction Stop } | Should -Throw '*was not imported*'
        (Get-Mailbox row4@contoso.com).Name | Should -Be 'Row 4'
    }
}

Describe 'What is refused before the prompt' {
    It 'is recorded once: <Line>' -ForEach @(
        @{ Line = 'Set-UMMailboxPIN tonysmith -Pin 12' }
        @{ Line = 'Set-UMMailboxPIN nobody' }
        @{ Line = 'Set-UMMailboxPIN nobody -ThrottleLimit 4' }
        @{ Line = "Enable-UMMailbox tonysmith -UMMailboxPolicy 'Redmond Default Policy'" }
        @{ Line = "Enable-UMMailbox tony -UMMailboxPolicy 'Redmond Default Policy' -PIN 12" }
        @{ Line = 'Disable-UMMailbox kakers -Confirm:$false' }
        @{ Line = 'Set-UMMailbox kakers -FaxEnabled $false' }
        @{ Line = 'Lock-UMMailbox nobody' }
        @{ Line = 'New-UMDialPlan Redmond -NumberOfDigitsInExtension 5' }
        @{ Line = "Set-UMMailboxPolicy 'Redmond Default Policy' -MinPINLength 3" }
        @{ Line = "Remove-UMMailboxPolicy 'Redmond Default Policy' -Confirm:`$false" }
        @{ Line = 'Set-Mailbox tonysmith -EmailAddresses smtp:none' }
        @{ Line = 'Set-UMPinConfiguration -Transport Carrier' }
    ) {
        $before = Get-Refusal
        . ([scriptblock]::Create("$Line -ErrorVariable failed -ErrorAction SilentlyContinue"))
        $failed | Should -Not -BeNullOrEmpty
        $after = Get-Refusal
        $after.Count | Should -Be ($before.Count + 1)
        $after[0].CmdletName | Should -Be ($Line -split ' ')[0]
        $after[0].Error | Should -Be "$($failed[0])"
    }

    It 'is not recorded under -WhatIf, nor under $WhatIfPreference' {
        $before = (Get-Refusal).Count
        Set-UMMailboxPIN tonysmith -Pin 12 -WhatIf -ErrorVariable failed -ErrorAction SilentlyContinue
        Lock-UMMailbox nobody -WhatIf -ErrorVariable +failed -ErrorAction SilentlyContinue
        & {
            $WhatIfPreference = $true
            Set-UMMailboxPIN tonysmith -Pin 12 -ErrorAction SilentlyContinue
            Set-UMMailbox kakers -FaxEnabled $false -ErrorAction SilentlyContinue
        }
        $failed.Count | Should -Be 2
        (Get-Refusal).Count | Should -Be $before
    }
}

Describe 'A Set- that changes nothing' {
    It 'says so, moves no date and writes no record: <Line>' -ForEach @(
        @{
            Line = 'Set-UMMailbox tonysmith -FaxEnabled $true'
            Get = 'Get-UMMailbox tonysmith'
            Name = 'contoso.com/Users/Tony Smith'
        }
        @{
            Line = "Set-UMMailboxPolicy 'Redmond Default Policy' -MinPINLength 6"
            Get = 'Get-UMMailboxPolicy'
            Name = 'Redmond Default Policy'
        }
        @{ Line = 'Set-UMDialPlan Redmond -FaxEnabled $true'; Get = 'Get-UMDialPlan Redmond'; Name = 'Redmond' }
        @{
            Line = "Set-Mailbox tonysmith -EmailAddresses @{ Add = 'smtp:tsmith@contoso.com' }"
            Get = 'Get-Mailbox tonysmith'
            Name = 'contoso.com/Users/Tony Smith'
        }
    ) {
        $was = (& ([scriptblock]::Create($Get))).WhenChanged
        $before = @(Search-UMAdminAuditLog).Count
        . ([scriptblock]::Create("$Line -WarningVariable said -WarningAction SilentlyContinue -ErrorAction Stop"))
        "$said" | Should -BeExactly "The command completed successfully but no settings of '$Name' have been modified."
        (& ([scriptblock]::Create($Get))).WhenChanged | Should -Be $was
        @(Search-UMAdminAuditLog).Count | Should -Be $before
    }
}

Describe 'The lines on Microsoft''s pages' {
    It 'make a dial plan of a name and a number of digits' {
        $plan = New-UMDialPlan -Name MyUMDialPlan -NumberOfDigitsInExtension 4 -ErrorAction Stop
        $plan.CountryOrRegionCode, $plan.OutsideLineAccessCode, "$($plan.URIType)" | Should -Be '1', '9', 'TelExtn'
        Set-UMDialPlan -Identity MyUMDialPlan -MaxRecordingDuration 1 -OutsideLineAccessCode 9 -ErrorAction Stop
        (Get-UMDialPlan MyUMDialPlan).MaxRecordingDuration | Should -Be 1
    }

    It 'name a plan in an address by its phone context' {
        $context = (Get-UMDialPlan Redmond).PhoneContext
        $context | Should -Be 'Redmond.contoso.com'
        Set-Mailbox tonysmith -EmailAddresses @{ Add = "eum:51299;phone-context=$context" } -ErrorAction Stop
        @((Get-UMMailbox tonysmith).Extensions) | Should -Be '51234', '51299'
        (Get-UMMailbox -Filter "EmailAddresses -eq 'eum:51299;phone-context=$context'").Alias | Should -Be 'tonysmith'
        Set-Mailbox tonysmith -EmailAddresses @{ Remove = "eum:51299;phone-context=$context" } -ErrorAction Stop
        @((Get-UMMailbox tonysmith).Extensions) | Should -Be '51234'
    }

    It 'name an organizational unit alone, and hear of one that is not there' {
        @(Get-Mailbox -OrganizationalUnit Paris).Alias | Sort-Object | Should -Be 'epetit', 'flefevre'
        Get-UMMailbox -OrganizationalUnit Nowhere -ErrorVariable failed -ErrorAction SilentlyContinue |
            Should -BeNullOrEmpty
        $failed[0].CategoryInfo.Reason | Should -Be 'ManagementObjectNotFoundException'
        "$failed" | Should -BeLike '*''Nowhere'' couldn''t be found on*'
    }
}

Describe 'Disable-UMMailbox -KeepProperties $false' {
    It 'erases what a disabled mailbox kept' {
        $null = Enable-UMMailbox tony -UMMailboxPolicy $policy -Extensions 51235 -PIN 5643892 `
            -WarningAction SilentlyContinue
        Set-UMMailbox tony -OperatorNumber 50100
        $null = Disable-UMMailbox tony -Confirm:$false
        $null = Disable-UMMailbox tony -KeepProperties $false -Confirm:$false -ErrorAction Stop
        # The same PIN again, and the settings as for anybody.
        $again = Enable-UMMailbox tony -UMMailboxPolicy $policy -Extensions 51235 -PIN 5643892 `
            -WarningAction SilentlyContinue -ErrorAction Stop
        $again.OperatorNumber | Should -BeNullOrEmpty
    }
}
