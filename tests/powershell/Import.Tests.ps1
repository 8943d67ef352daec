#Requires -Modules Pester
# Import-UMRecipient from files and from the pipeline. How rows are read and matched is tested in Rust.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $people = "$PSScriptRoot/../../examples/recipients.csv"
    function Get-Row([int] $Number, [string] $Domain = 'fabrikam.com') {
        [pscustomobject]@{
            DistinguishedName = "CN=User $Number,OU=People,DC=fabrikam,DC=com"; SamAccountName = "user$Number"
            Alias = "user$Number"
            PrimarySmtpAddress = "user$Number@$Domain"; Guid = [guid]::new($Number, 0, 0, [byte[]]::new(8))
            DisplayName = "User $Number"
        }
    }
}

Describe 'Import-UMRecipient' {
    BeforeEach { $folder = New-TestStore }
    AfterEach { Remove-TestStore $folder }

    It 'takes a CSV file, and changes nothing the second time' {
        $result = Import-UMRecipient -Path $people
        $result.psobject.TypeNames[0] | Should -Be 'UMMailboxPin.ImportResult'
        $result.Added | Should -Be 20
        @(Get-Mailbox -ResultSize Unlimited).Count | Should -Be 20
        $again = Import-UMRecipient $people
        $again.Added, $again.Updated | Should -Be 0, 0
    }

    It 'takes a relative path from PowerShell''s location' {
        Copy-Item $people $folder
        Push-Location $folder
        try { (Import-UMRecipient -Path ./recipients.csv).Added | Should -Be 20 } finally { Pop-Location }
    }

    It 'takes a name with characters that XML does not know, and lists its owner with the others' {
        $name = "A`u{fffe}`u{ffff}`u{10ffff}"
        $row = Get-Row 1
        $row.DisplayName = $name
        ($row, (Get-Row 2) | Import-UMRecipient).Added | Should -Be 2
        (Get-Mailbox -ResultSize Unlimited -ErrorAction Stop).DisplayName | Should -BeExactly $name, 'User 2'
    }

    It 'takes a file in <Encoding>' -ForEach 'utf8', 'utf8BOM', 'unicode', 'bigendianunicode' {
        Get-Content $people -Encoding utf8 | Set-Content "$folder/people.csv" -Encoding $_
        (Import-UMRecipient "$folder/people.csv").Added | Should -Be 20
        (Get-Mailbox zoemueller).DisplayName | Should -BeExactly "Zo`u{eb} M`u{fc}ller"
    }

    It 'takes rows of Import-Csv by pipeline' {
        (Import-Csv $people | Import-UMRecipient).Added | Should -Be 20
    }

    It 'takes users as Active Directory names their properties' {
        $user = [pscustomobject]@{
            DistinguishedName = 'CN=Ada,OU=People,DC=fabrikam,DC=com'; ObjectGUID = [guid]::NewGuid()
            sAMAccountName = 'ada'
            mail = 'ada@fabrikam.com'; mailNickname = 'ada'; proxyAddresses = @(
                'SMTP:ada@fabrikam.com', 'smtp:a.l@fabrikam.com'
            )
            telephoneNumber = '+44 20 5550 1815'; UserPrincipalName = 'ada@fabrikam.com'
            thumbnailPhoto = [byte[]](1, 2, 3)
            PropertyNames = @('a', 'b'); Enabled = $true
        }
        ($user | Import-UMRecipient).Added | Should -Be 1
        (Get-Mailbox 'a.l@fabrikam.com').Guid | Should -Be $user.ObjectGUID
    }

    It 'takes mailboxes of Get-Mailbox' {
        $null = Import-UMRecipient $people
        $mailboxes = Get-Mailbox -ResultSize Unlimited
        Remove-TestStore $folder
        $folder = New-TestStore
        ($mailboxes | Import-UMRecipient).Added | Should -Be 20
    }

    It 'goes on after a row that fails, and names its line' {
        $rows = (Get-Row 1), (Get-Row 2), (Get-Row 3)
        $rows[1].PrimarySmtpAddress = 'no address'
        $result = $rows | Import-UMRecipient -ErrorVariable failed -ErrorAction SilentlyContinue
        $result.Added | Should -Be 2
        $failed.Count | Should -Be 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ImportRowException,*'
        $rows | Export-Csv "$folder/rows.csv"
        Import-UMRecipient "$folder/rows.csv" -ErrorVariable failed -ErrorAction SilentlyContinue | Out-Null
        "$($failed[0])" | Should -Match '\b3\b' -Because 'the row is on the third line of the file'
    }

    It 'refuses <Name>' -ForEach @(
        @{ Name = 'a file that is not there'; Content = $null }
        @{ Name = 'a file without headers'; Content = @('a,b,c', '1,2,3') }
        @{ Name = 'an empty file'; Content = @() }
    ) {
        if ($null -ne $Content) { Set-Content "$folder/bad.csv" -Value $Content }
        Import-UMRecipient "$folder/bad.csv" -ErrorVariable failed -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failed.Count | Should -Be 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ImportUnreadableException,*'
    }

    It 'changes nothing under -WhatIf, and says what it would' {
        Import-UMRecipient $people -WhatIf
        Test-StoreIsMade | Should -BeFalse
        $lines = Invoke-FreshPwsh "Import-UMRecipient '$people' -WhatIf"
        $lines -join ' ' | Should -Match 'What if:.*20'
    }

    It 'takes more rows than one batch' {
        (1..1203 | ForEach-Object { Get-Row $_ } | Import-UMRecipient).Added | Should -Be 1203
    }

    It 'shows a progress bar for a long file' {
        1..3000 | ForEach-Object { Get-Row $_ } | Export-Csv "$folder/long.csv"
        $shell = [powershell]::Create()
        $null = $shell.AddCommand('Import-UMRecipient').AddParameter('Path', "$folder/long.csv")
        ($shell.Invoke()[0]).Added | Should -Be 3000
        $shell.Streams.Progress.Count | Should -BeGreaterThan 0
        $shell.Streams.Progress[-1].RecordType | Should -Be 'Completed'
        $shell.Dispose()
    }
}

Describe 'Import-UMRecipient -Prune' {
    BeforeEach {
        $folder = New-TestStore
        $null = 1..30 | ForEach-Object { Get-Row $_ } | Import-UMRecipient
    }
    AfterEach { Remove-TestStore $folder }

    It 'removes who is absent' {
        $result = 1..28 | ForEach-Object { Get-Row $_ } | Import-UMRecipient -Prune -Confirm:$false
        $result.Removed | Should -Be 2
        @(Get-Mailbox -ResultSize Unlimited).Count | Should -Be 28
    }

    It 'never removes a UM-enabled mailbox' {
        $null = New-UMDialPlan Fab -NumberOfDigitsInExtension 5 -CountryOrRegionCode 1
        $null = Enable-UMMailbox user30 -UMMailboxPolicy 'Fab Default Policy' -Extensions 51030 `
            -WarningAction SilentlyContinue
        $null = 1..28 | ForEach-Object { Get-Row $_ } |
            Import-UMRecipient -Prune -Confirm:$false -WarningAction SilentlyContinue -ErrorAction SilentlyContinue
        Get-UMMailbox user30 | Should -Not -BeNullOrEmpty
        Get-Mailbox user29 -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
    }

    It 'removes nobody <Name>' -ForEach @(
        @{
            Name = 'after an empty input'
            Script = {
                @() |
                    Import-UMRecipient -Prune -Confirm:$false -ErrorAction SilentlyContinue `
                        -WarningAction SilentlyContinue
            }
        }
        @{
            Name = 'over a tenth without -Force'
            Script = {
                1..26 | ForEach-Object { Get-Row $_ } |
                    Import-UMRecipient -Prune -Confirm:$false -ErrorAction SilentlyContinue
            }
        }
        @{
            Name = 'after a row that failed'; Script = {
                $rows = 1..29 | ForEach-Object { Get-Row $_ }
                $rows[3].PrimarySmtpAddress = 'no address'
                $rows | Import-UMRecipient -Prune -Confirm:$false -ErrorAction SilentlyContinue
            }
        }
        @{
            Name = 'when the source breaks off'
            Script = {
                try {
                    1..29 | ForEach-Object { if ($_ -eq 29) { throw 'gone' }; Get-Row $_ } |
                        Import-UMRecipient -Prune -Confirm:$false
                } catch { $null = $_ }
            }
        }
        @{
            Name = 'under -WhatIf'
            Script = { 1..28 | ForEach-Object { Get-Row $_ } | Import-UMRecipient -Prune -WhatIf }
        }
    ) {
        $null = & $Script
        @(Get-Mailbox -ResultSize Unlimited).Count | Should -Be 30
    }

    It 'removes over a tenth with -Force' {
        (1..20 | ForEach-Object { Get-Row $_ } | Import-UMRecipient -Prune -Force -Confirm:$false).Removed |
            Should -Be 10
    }

    It 'asks, unlike an import without it' {
        1..28 | ForEach-Object { Get-Row $_ } | Export-Csv "$folder/rows.csv"
        $lines = Invoke-FreshPwsh @"
try { Import-UMRecipient '$folder/rows.csv' -Prune -ErrorAction Stop } catch { "asked: `$_" }
(Import-UMRecipient '$folder/rows.csv').Added
"@
        $lines[0] | Should -BeLike 'asked:*NonInteractive*'
        $lines[1] | Should -Be '0'
        @(Get-Mailbox -ResultSize Unlimited).Count | Should -Be 30
    }
}
