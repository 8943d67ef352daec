#Requires -Modules Pester
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed
    $null = 'tonysmith', 'tony', 'obrady' |
        Enable-UMMailbox -UMMailboxPolicy 'Redmond Default Policy' -WarningAction SilentlyContinue
}

AfterAll { Remove-TestStore $folder }

Describe 'Tab' {
    It 'offers UM-enabled mailboxes to <_>' -ForEach 'Get-UMMailboxPIN', 'Set-UMMailboxPIN', 'Disable-UMMailbox',
        'Lock-UMMailbox' {
        (Get-Completion "$_ tony").CompletionText | Sort-Object | Should -Be 'tony@contoso.com', 'tonysmith@contoso.com'
        (Get-Completion "$_ -Identity ka").CompletionText | Should -Not -Match 'kakers'
    }

    It 'offers anybody to Enable-UMMailbox' {
        (Get-Completion 'Enable-UMMailbox ka').CompletionText | Should -Be 'kakers@contoso.com'
    }

    It 'quotes what needs it, and keeps the quotes that were begun' {
        (Get-Completion 'Get-UMMailboxPolicy Red').CompletionText | Should -Be "'Redmond Default Policy'"
        (Get-Completion "Get-UMMailboxPolicy 'Red").CompletionText | Should -Be "'Redmond Default Policy'"
        (Get-Completion 'Get-UMMailboxPolicy "Red').CompletionText | Should -Be '"Redmond Default Policy"'
        (Get-Completion 'Enable-UMMailbox x -UMMailboxPolicy Red').CompletionText |
            Should -Be "'Redmond Default Policy'"
        (Get-Completion 'Get-UMDialPlan Red').CompletionText | Should -Be 'Redmond'
    }

    It 'offers the words of a setting' {
        (Get-Completion 'New-UMDialPlan x -URIType ').CompletionText | Should -Be 'TelExtn', 'E164', 'SipName'
        (Get-Completion 'Set-UMMailbox x -CallAnsweringAudioCodec M').CompletionText | Should -Be 'Mp3'
    }

    It 'offers organizational units' {
        (Get-Completion 'Get-UMMailbox -OrganizationalUnit contoso.com/Users/S').CompletionText |
            Should -Contain 'contoso.com/Users/Sales'
        (Get-Completion 'Get-Mailbox -OrganizationalUnit ').CompletionText | Should -Contain 'contoso.com'
    }

    It 'offers the cmdlets that the audit trail names' {
        $offered = (Get-Completion 'Search-UMAdminAuditLog -Cmdlets ').CompletionText
        $offered | Should -Contain 'Set-UMMailboxPIN'
        $offered | Should -Contain 'Set-Mailbox'
        $offered | Where-Object { $_ -match '^Get-|/' } | Should -BeNullOrEmpty
        (Get-Completion 'Search-UMAdminAuditLog -Cmdlets Set-UMMailboxP').CompletionText |
            Should -Be 'Set-UMMailboxPIN', 'Set-UMMailboxPolicy'
    }

    It 'offers the properties behind a pipe that the objects have: <_>' -ForEach 'Get-UMMailbox',
        'Get-UMMailboxPolicy', 'Get-UMDialPlan', 'Search-UMAdminAuditLog', 'Get-Mailbox', 'Get-UMMailboxPIN' {
        $expected = (& $_ | Select-Object -First 1).psobject.Properties.Name | Sort-Object
        (Get-Completion "$_ | Where-Object ").CompletionText | Sort-Object | Should -Be $expected
        (Get-Completion "$_ | Select-Object ").CompletionText | Sort-Object | Should -Be $expected
    }

    It 'hides what is only there to be refused' {
        (Get-Completion 'Set-UMMailbox x -Pin').CompletionText | Should -Be '-PinlessAccessToVoiceMailEnabled'
    }

    It 'never shows an error, not even without a store that can be read' {
        $store = $env:UMPIN_STORE
        $error.Clear()
        try {
            Set-Content "$folder/store/broken.db" 'no database'
            $env:UMPIN_STORE = "$folder/store/broken.db"
            Get-Completion 'Get-UMMailboxPIN to' | Where-Object ResultType -eq 'ParameterValue' | Should -BeNullOrEmpty
        }
        finally { $env:UMPIN_STORE = $store }
        $error.Count | Should -Be 0
    }
}
