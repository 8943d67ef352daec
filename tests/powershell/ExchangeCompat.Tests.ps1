#Requires -Modules Pester
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed -Pickup
    $null = Enable-UMMailbox tonysmith -UMMailboxPolicy 'Redmond Default Policy' -Extensions 51234 -PIN 5643892
}

AfterAll { Remove-TestStore $folder }

Describe 'UMMailboxPin.ExchangeCompat' {
    It 'brings the first module along, with one set of types' {
        $lines = Invoke-FreshPwsh @'
Import-Module UMMailboxPin.ExchangeCompat
(Get-Module UMMailboxPin*).Name -join ','
([System.AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { $_.GetName().Name -eq 'UMMailboxPin' }).Count
(Get-Mailbox tonysmith | Get-UMMailboxPIN).UserID
'@
        $lines | Should -Be 'UMMailboxPin,UMMailboxPin.ExchangeCompat', '1', 'tonysmith@contoso.com'
    }

    It 'Get-Mailbox shows who is enabled and who is not' {
        (Get-Mailbox tonysmith).UMEnabled | Should -BeTrue
        (Get-Mailbox kakers).UMEnabled | Should -BeFalse
        (Get-Mailbox -ResultSize unlimited | Where-Object { $_.UMEnabled -eq $false }).Count | Should -Be 19
        (Get-Mailbox -Filter "UMEnabled -eq 'True'").SamAccountName | Should -Be 'tonysmith'
        (Get-Mailbox -Filter { UMEnabled -eq $true }).SamAccountName | Should -Be 'tonysmith'
        (Get-Mailbox -RecipientTypeDetails UserMailbox `
            -Filter "RecipientType -eq 'UserMailbox' -and Alias -like 'tonysmith'").SamAccountName |
                Should -Be 'tonysmith'
        @(Get-Mailbox -RecipientTypeDetails UserMailbox, SharedMailbox -ResultSize Unlimited).Count | Should -Be 20
        Get-Mailbox -RecipientTypeDetails RoomMailbox | Should -BeNullOrEmpty
        Get-Mailbox nobody -ErrorVariable failed -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ManagementObjectNotFoundException,*'
    }

    It 'Set-Mailbox adds and removes a secondary extension' {
        Set-Mailbox tonysmith -EmailAddresses @{ Add = 'eum:51299;phone-context=Redmond' }
        (Get-UMMailbox tonysmith).Extensions | Should -Be '51234', '51299'
        (Test-UMMailboxPIN -Extension 51299 -Pin 5643892).Result | Should -Be 'Accepted'
        Set-Mailbox tonysmith -EmailAddresses @{ Remove = 'eum:51299;phone-context=Redmond' }
        (Get-UMMailbox tonysmith).Extensions | Should -Be '51234'
        (Test-UMMailboxPIN -Extension 51299 -Pin 5643892).Result | Should -Be 'Refused'
    }

    It 'Set-Mailbox takes a secondary address and its dial plan' {
        Set-Mailbox tonysmith -SecondaryAddress 51288 -SecondaryDialPlan Redmond
        (Get-UMMailbox tonysmith).Extensions | Should -Be '51234', '51288'
        Set-Mailbox tonysmith -EmailAddresses @{
            Remove = 'eum:51288;phone-context=Redmond'
        } -SecondaryAddress 51289 -SecondaryDialPlan (Get-UMDialPlan Redmond)
        (Get-UMMailbox tonysmith).Extensions | Should -Be '51234', '51289'
        Set-Mailbox tonysmith -SecondaryAddress 51290 -ErrorVariable failed -ErrorAction SilentlyContinue
        "$($failed[0])" | Should -Match 'SecondaryDialPlan'
        Set-Mailbox tonysmith -EmailAddresses @{ Remove = 'eum:51289;phone-context=Redmond' }
    }

    It 'Set-ADServerSettings takes a server, and settings that were read before' {
        Set-ADServerSettings dc01 -ErrorAction Stop
        Set-ADServerSettings -PreferredServer dc01.contoso.com -ErrorAction Stop
        (Get-ADServerSettings).ViewEntireForest | Should -BeTrue
        $before = Get-ADServerSettings
        try {
            Set-ADServerSettings dc01 -RecipientViewRoot contoso.com/Users/Sales
            $narrow = Get-ADServerSettings
            $narrow.RecipientViewRoot | Should -Be 'contoso.com/Users/Sales'
            Set-ADServerSettings -RunspaceServerSettings $before
            (Get-ADServerSettings).ViewEntireForest | Should -BeTrue
            $narrow | Set-ADServerSettings
            (Get-ADServerSettings).RecipientViewRoot | Should -Be 'contoso.com/Users/Sales'
        }
        finally { Set-ADServerSettings -ViewEntireForest $true }
    }

    It 'Set-Mailbox replaces the list' {
        $addresses = [System.Collections.ArrayList]@((Get-Mailbox tonysmith).EmailAddresses)
        $null = $addresses.Add('smtp:antony@contoso.com')
        Set-Mailbox tonysmith -EmailAddresses $addresses
        (Get-UMMailboxPIN antony@contoso.com).UserID | Should -Be 'tonysmith@contoso.com'
    }

    It 'Set-ADServerSettings sets the scope of this session only' {
        try {
            Set-ADServerSettings -RecipientViewRoot contoso.com/Users/Sales
            (Get-ADServerSettings).RecipientViewRoot | Should -Be 'contoso.com/Users/Sales'
            Get-UMMailboxPIN tonysmith -ErrorVariable failed -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $failed[0].FullyQualifiedErrorId | Should -BeLike 'ManagementObjectNotFoundException,*'
            (Get-UMMailboxPIN 'CN=Tony Smith,OU=Users,DC=contoso,DC=com' -IgnoreDefaultScope).UserID |
                Should -Be 'tonysmith@contoso.com'
            Invoke-FreshPwsh '(Get-UMMailboxPIN tonysmith).UserID' | Should -Be 'tonysmith@contoso.com'
        }
        finally { Set-ADServerSettings -ViewEntireForest $true }
        (Get-UMMailboxPIN tonysmith).UserID | Should -Be 'tonysmith@contoso.com'
    }
}
