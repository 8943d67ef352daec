#Requires -Modules Pester
# The administration around the PINs: mailboxes, policies, dial plans, as an administrator meets them.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed -Pickup
    $default = 'Redmond Default Policy'
}

AfterAll { Remove-TestStore $folder }

Describe 'Enable-, Get-, Set- and Disable-UMMailbox' {
    BeforeEach {
        Get-UMMailbox -ResultSize Unlimited | Disable-UMMailbox -KeepProperties $false -Confirm:$false | Out-Null
    }

    It 'runs the documented example, and returns the mailbox' {
        $null = New-UMMailboxPolicy -Name MyUMMailboxPolicy -UMDialPlan Redmond
        $mailbox = Enable-UMMailbox -Identity tonysmith@contoso.com -UMMailboxPolicy MyUMMailboxPolicy `
            -Extensions 51234 -PIN 5643892 -NotifyEmail administrator@contoso.com -PINExpired $true
        $mailbox.psobject.TypeNames[0] | Should -Be 'Microsoft.Exchange.Data.Directory.Management.UMMailbox'
        $mailbox.UMEnabled | Should -BeOfType ([bool])
        $mailbox.UMEnabled | Should -BeTrue
        $mailbox.UMMailboxPolicy | Should -BeExactly 'MyUMMailboxPolicy'
        $mailbox.UMDialPlan | Should -BeExactly 'Redmond'
        $mailbox.UMMailboxPolicy | Should -BeOfType ([string])
        , $mailbox.Extensions | Should -BeOfType ([System.Collections.ArrayList])
        $mailbox.Extensions[0] | Should -BeExactly '51234'
        $mailbox.EmailAddresses | Should -Contain 'EUM:51234;phone-context=Redmond'
        $mailbox.Guid | Should -BeOfType ([guid])
        (Get-UMMailboxPIN tonysmith).FirstTimeUser | Should -BeTrue
        $mail = Get-ChildItem "$folder/pickup" -Filter *.eml | Get-Content -Raw
        $mail | Should -Match '(?m)^Subject: Welcome to Exchange Unified Messaging'
        $mail | Should -Match '(?m)^To:.*administrator@contoso.com'
    }

    It 'has Exchange''s properties in Exchange''s order' {
        $expected = @'
DisplayName EmailAddresses UMAddresses LegacyExchangeDN LinkedMasterAccount PrimarySmtpAddress
SamAccountName ServerLegacyDN
ServerName UMDtmfMap UMEnabled TUIAccessToCalendarEnabled FaxEnabled TUIAccessToEmailEnabled SubscriberAccessEnabled
MissedCallNotificationEnabled UMSMSNotificationOption PinlessAccessToVoiceMailEnabled AnonymousCallersCanLeaveMessages
AutomaticSpeechRecognitionEnabled VoiceMailAnalysisEnabled PlayOnPhoneEnabled CallAnsweringRulesEnabled
AllowUMCallsFromNonUsers OperatorNumber PhoneProviderId UMDialPlan UMMailboxPolicy Extensions CallAnsweringAudioCodec
SIPResourceIdentifier PhoneNumber AccessTelephoneNumbers CallAnsweringRulesExtensions
AirSyncNumbers ImListMigrationCompleted
Name Guid Identity DistinguishedName WhenChanged
'@ -split '\s+' | Where-Object { $_ }
        $mailbox = Enable-UMMailbox tonysmith -UMMailboxPolicy $default
        $actual = $mailbox.psobject.Properties.Name | Where-Object { $_ -in $expected }
        $actual | Should -Be $expected
        (Get-UMMailbox tonysmith).psobject.Properties.Name | Should -Be $mailbox.psobject.Properties.Name
    }

    It 'prints objects as their identities inside strings' {
        $mailbox = Enable-UMMailbox tonysmith -UMMailboxPolicy $default
        "$mailbox" | Should -Be 'contoso.com/Users/Tony Smith'
        "$(Get-UMMailboxPolicy $default)" | Should -Be $default
        "$(Get-UMDialPlan Redmond)" | Should -Be 'Redmond'
    }

    It 'takes integers for extensions and the PIN, and a policy object' {
        $mailbox = Enable-UMMailbox kakers -UMMailboxPolicy (Get-UMMailboxPolicy $default) -Extensions 51247,
            51999 -PIN 5839201 -PINExpired 0
        $mailbox.Extensions | Should -Be '51247', '51999'
        (Test-UMMailboxPIN -Extension 51999 -DialPlan Redmond -Pin 5839201).Result | Should -Be 'Accepted'
    }

    It 'changes nothing with -ValidateOnly, and shows what would be' {
        $mailbox = Enable-UMMailbox kakers -UMMailboxPolicy $default -ValidateOnly
        $mailbox.Extensions | Should -Be '51247'
        Get-UMMailbox kakers -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        Enable-UMMailbox kakers -UMMailboxPolicy $default -PIN 123456 -ValidateOnly -ErrorVariable failed `
            -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'WeakPinException,*'
    }

    It 'refuses <Name>' -ForEach @(
        @{
            Name = 'an unknown policy'
            Arguments = @{ UMMailboxPolicy = 'Nowhere' }
            Id = 'ManagementObjectNotFoundException'
        }
        @{
            Name = 'an extension with too few digits'
            Arguments = @{ Extensions = '5124' }
            Id = 'InvalidExtensionException'
        }
        @{ Name = 'an extension with letters'; Arguments = @{ Extensions = '5124x' }; Id = 'InvalidExtensionException' }
        @{
            Name = 'an extension that is taken'
            Arguments = @{ Extensions = '51234' }
            Id = 'ExtensionNotUniqueException'
        }
        @{ Name = 'a weak PIN'; Arguments = @{ PIN = '123456' }; Id = 'WeakPinException' }
        @{
            Name = 'a bad address for the mail'
            Arguments = @{ NotifyEmail = 'x y' }
            Id = 'InvalidNotifyEmailException'
        }
    ) {
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default -Extensions 51234
        $all = @{ UMMailboxPolicy = $default } + @{}
        foreach ($key in $Arguments.Keys) { $all[$key] = $Arguments[$key] }
        Enable-UMMailbox kakers @all -ErrorVariable failed -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failed.Count | Should -Be 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike "$Id,*"
        Get-UMMailbox kakers -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
    }

    It 'says that a mailbox is enabled, or disabled, already' {
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default -ErrorVariable failed -ErrorAction SilentlyContinue
        "$($failed[0])" | Should -Match 'is already enabled for Unified Messaging'
        $failed[0].CategoryInfo.Category | Should -Be 'InvalidArgument'
        Disable-UMMailbox tonysmith -Confirm:$false | Out-Null
        $null = Disable-UMMailbox tonysmith -Confirm:$false -ErrorVariable failed -ErrorAction SilentlyContinue
        "$($failed[0])" | Should -Match 'is already disabled for Unified Messaging'
    }

    It 'returns the mailbox with UMEnabled false on disabling, and frees its extension' {
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default -Extensions 51234
        $mailbox = Get-UMMailbox tonysmith | Disable-UMMailbox -Confirm:$false
        $mailbox.UMEnabled | Should -BeFalse
        $mailbox.UMEnabled | Should -BeOfType ([bool])
        (Enable-UMMailbox kakers -UMMailboxPolicy $default -Extensions 51234).Extensions | Should -Be '51234'
        Get-UMMailbox tonysmith -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
    }

    It 'keeps the settings for a later Enable, unless told not to' {
        foreach ($keep in $true, $false) {
            $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default -Extensions 51234
            Set-UMMailbox tonysmith -OperatorNumber 50100
            $null = Disable-UMMailbox tonysmith -KeepProperties $keep -Confirm:$false
            (Enable-UMMailbox tonysmith -UMMailboxPolicy $default -Extensions 51234).OperatorNumber |
                Should -Be $(if ($keep) { '50100' } else { '' })
            $null = Disable-UMMailbox tonysmith -KeepProperties $false -Confirm:$false
        }
    }

    It 'sets <Name>' -ForEach @(
        @{ Name = 'AllowUMCallsFromNonUsers'; Value = 'None' }, @{
            Name = 'AnonymousCallersCanLeaveMessages'
            Value = $false
        }
        @{
            Name = 'AutomaticSpeechRecognitionEnabled'
            Value = $false
        }, @{ Name = 'CallAnsweringAudioCodec'; Value = 'G711' }
        @{ Name = 'CallAnsweringRulesEnabled'; Value = $false }, @{ Name = 'FaxEnabled'; Value = $true }
        @{ Name = 'ImListMigrationCompleted'; Value = $true }, @{
            Name = 'MissedCallNotificationEnabled'
            Value = $false
        }
        @{ Name = 'OperatorNumber'; Value = '50100' }, @{ Name = 'PinlessAccessToVoiceMailEnabled'; Value = $true }
        @{ Name = 'PlayOnPhoneEnabled'; Value = $false }, @{ Name = 'SubscriberAccessEnabled'; Value = $false }
        @{ Name = 'TUIAccessToCalendarEnabled'; Value = $false }, @{ Name = 'TUIAccessToEmailEnabled'; Value = $false }
        @{
            Name = 'UMSMSNotificationOption'
            Value = 'VoiceMail'
        }, @{ Name = 'VoiceMailAnalysisEnabled'; Value = $false }
        @{ Name = 'PhoneNumber'; Value = '+14255551234' }, @{ Name = 'PhoneProviderId'; Value = 'x' }
    ) {
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default
        $arguments = @{ $Name = $Value }
        Set-UMMailbox tonysmith @arguments -ErrorAction Stop | Should -BeNullOrEmpty
        (Get-UMMailbox tonysmith).$Name | Should -Be $Value
    }

    It 'refuses a setting out of its range: <Name> <Value>' -ForEach @(
        @{ Name = 'OperatorNumber'; Value = '1' * 21 }, @{
            Name = 'CallAnsweringAudioCodec'
            Value = 'Ogg'
        }, @{ Name = 'Name'; Value = 'x' * 65 }
        @{ Name = 'UMSMSNotificationOption'; Value = 'Fax' }, @{ Name = 'UMMailboxPolicy'; Value = 'Nowhere' }
    ) {
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default
        $before = Get-UMMailbox tonysmith | Select-Object * | Out-String
        $arguments = @{ $Name = $Value }
        Set-UMMailbox tonysmith @arguments -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed.Count | Should -Be 1
        Get-UMMailbox tonysmith | Select-Object * | Out-String | Should -Be $before
    }

    It 'locks and unlocks, and leaves the PIN alone' {
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default -PIN 5839204 -PINExpired $false
        Get-UMMailboxPIN tonysmith | Lock-UMMailbox | Should -BeNullOrEmpty
        (Get-UMMailboxPIN tonysmith).LockReason | Should -Be 'Administrator'
        (Test-UMMailboxPIN tonysmith -Pin 5839204).Reasons | Should -Be 'LockedOut'
        Unlock-UMMailbox tonysmith
        (Test-UMMailboxPIN tonysmith -Pin 5839204).Result | Should -Be 'Accepted'
    }
}

Describe 'Get-UMMailbox finds' {
    BeforeAll {
        $null = 'tonysmith', 'tony', 'jgarcia', 'annab', 'annaberg', 'obrady' |
            Enable-UMMailbox -UMMailboxPolicy $default -ErrorAction SilentlyContinue
        $null = New-UMMailboxPolicy -Name Filtered -UMDialPlan Redmond
        Set-UMMailbox tony -UMMailboxPolicy Filtered
    }

    It 'by the filter <Filter>' -ForEach @(
        @{ Filter = "EmailAddresses -like 'eum:51234*'"; Found = 'tonysmith' }
        @{ Filter = "UMMailboxPolicy -eq 'Filtered'"; Found = 'tony' }
        @{ Filter = "DisplayName -like 'Tony*' -and -not (Alias -eq 'tony')"; Found = 'tonysmith' }
        @{ Filter = "Alias -eq 'tony' -or Alias -eq 'jgarcia'"; Found = 'jgarcia', 'tony' }
        @{ Filter = "DisplayName -like 'O''*'"; Found = 'obrady' }
    ) {
        (Get-UMMailbox -Filter $Filter).SamAccountName | Sort-Object | Should -Be $Found
    }

    It 'refuses a filter that cannot be read' {
        Get-UMMailbox -Filter 'DisplayName -resembles x' -ErrorVariable failed -ErrorAction SilentlyContinue |
            Should -BeNullOrEmpty
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidFilterException,*'
    }

    It 'by a part of the name, in an organizational unit, sorted' {
        (Get-UMMailbox -Anr Tony).SamAccountName | Sort-Object | Should -Be 'tony', 'tonysmith'
        (Get-UMMailbox -OrganizationalUnit contoso.com/Users/Sales).SamAccountName | Sort-Object |
            Should -Be 'annaberg', 'jgarcia', 'obrady'
        $names = (Get-UMMailbox -SortBy DisplayName).DisplayName
        $names | Should -Be ($names | Sort-Object)
    }

    It 'up to ResultSize, and warns that there is more' {
        @(Get-UMMailbox -ResultSize 2 -WarningVariable warnings -WarningAction SilentlyContinue).Count | Should -Be 2
        $warnings.Count | Should -Be 1
        Get-UMMailbox -ResultSize Unlimited -WarningVariable warnings | Out-Null
        $warnings | Should -BeNullOrEmpty
    }

    It 'nothing with a ResultSize of 0, which is refused alike everywhere: <_>' -ForEach 'Get-UMMailbox',
        'Get-UMMailboxPIN', 'Get-Mailbox', 'Search-UMAdminAuditLog' {
        & $_ -ResultSize 0 -ErrorVariable failed -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failed.Count | Should -Be 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ParameterOutOfRangeException,*'
        "$($failed[0])" | Should -Match '^-ResultSize 0 is not a positive number or Unlimited\. Nothing was '
        @(& $_ -ResultSize Unlimited).Count | Should -BeGreaterThan 0
    }

    It 'one by an identity only if the filter holds too' {
        (Get-UMMailbox tonysmith -Filter "DisplayName -like 'Tony*'").SamAccountName | Should -Be 'tonysmith'
        Get-UMMailbox tonysmith -Filter "DisplayName -like 'x*'" -ErrorVariable failed -ErrorAction SilentlyContinue |
            Should -BeNullOrEmpty
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ManagementObjectNotFoundException,*'
    }

    It 'everything with $null' {
        @(Get-UMMailbox -Identity $null).Count | Should -Be 6
    }

    It 'shows a table' {
        $lines = Get-UMMailbox tonysmith | Out-String -Stream -Width 150 | Where-Object { $_ }
        $lines[0] | Should -Match '^Name\s+UMEnabled\s+UMMailboxPolicy\s+Extensions\s+PrimarySmtpAddress'
        $lines[2] | Should -Match '^Tony Smith\s+True\s+Redmond Default Policy\s+\{51234\}\s+tonysmith@contoso.com'
    }
}

Describe 'Policies and dial plans' {
    It 'go through pipelines into Set- and Remove-' {
        $null = New-UMDialPlan Piped -NumberOfDigitsInExtension 4 -CountryOrRegionCode 44
        Get-UMMailboxPolicy 'Piped Default Policy' | Set-UMMailboxPolicy -MinPINLength 8 -PINLifetime Unlimited
        $policy = Get-UMMailboxPolicy 'Piped Default Policy'
        $policy.MinPINLength, "$($policy.PINLifetime)" | Should -Be 8, 'Unlimited'
        Get-UMDialPlan Piped | Remove-UMDialPlan -Confirm:$false -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'CannotDeleteAssociatedDialPlanException,*'
        Get-UMMailboxPolicy -UMDialPlan Piped | Remove-UMMailboxPolicy -Confirm:$false
        Get-UMDialPlan Piped | Remove-UMDialPlan -Confirm:$false
        Get-UMDialPlan Piped -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
    }

    It 'copy a lifetime from one policy to another' {
        $null = New-UMMailboxPolicy -Name From -UMDialPlan Redmond
        $null = New-UMMailboxPolicy -Name To -UMDialPlan Redmond
        Set-UMMailboxPolicy From -PINLifetime 30 -ErrorAction Stop
        Set-UMMailboxPolicy To -PINLifetime (Get-UMMailboxPolicy From).PINLifetime -ErrorAction Stop
        (Get-UMMailboxPolicy To).PINLifetime | Should -Be '30.00:00:00'
        'From', 'To' | Remove-UMMailboxPolicy -Confirm:$false
    }

    It 'refuse <Name> <Value>, and say the range' -ForEach @(
        @{ Name = 'MinPINLength'; Value = 3; Says = '4.*24' }, @{ Name = 'MinPINLength'; Value = 25; Says = '4.*24' }
        @{ Name = 'PINLifetime'; Value = 0; Says = '1.*999' }, @{ Name = 'PINLifetime'; Value = 1000; Says = '1.*999' }
        @{ Name = 'PINLifetime'; Value = 'never'; Says = 'Unlimited' }
        @{ Name = 'PINHistoryCount'; Value = 0; Says = '1.*20' }, @{
            Name = 'PINHistoryCount'
            Value = 21
            Says = '1.*20'
        }
        @{
            Name = 'LogonFailuresBeforePINReset'
            Value = 999
            Says = '998'
        }, @{ Name = 'MaxLogonAttempts'; Value = 0; Says = '1.*999' }
        @{
            Name = 'LogonFailuresBeforePINReset'
            Value = 15
            Says = '15'
        }, @{ Name = 'ResetPINText'; Value = 'x' * 513; Says = '512' }
    ) {
        $before = Get-UMMailboxPolicy $default | Select-Object * | Out-String
        $arguments = @{ $Name = $Value }
        Set-UMMailboxPolicy $default @arguments -ErrorVariable failed -ErrorAction SilentlyContinue
        "$($failed[0])" | Should -Match $Says
        $failed[0].CategoryInfo.Category | Should -Be 'InvalidArgument'
        Get-UMMailboxPolicy $default | Select-Object * | Out-String | Should -Be $before
    }

    It 'edit lists' {
        Set-UMDialPlan Redmond -AccessTelephoneNumbers 4255550100, '4255550101'
        Set-UMDialPlan Redmond -AccessTelephoneNumbers @{ Add = '4255550102'; Remove = 4255550100 }
        (Get-UMDialPlan Redmond).AccessTelephoneNumbers | Should -Be '4255550101', '4255550102'
        Set-UMDialPlan Redmond -AccessTelephoneNumbers $null
        (Get-UMDialPlan Redmond).AccessTelephoneNumbers | Should -BeNullOrEmpty
    }

    It 'take rows of Import-Csv for dial groups' {
        Set-UMDialPlan Redmond `
            -ConfiguredInCountryOrRegionGroups ([pscustomobject]@{
                Name = 'Local'; NumberMask = '9425xxxxxxx'; DialedNumber = '9xxxxxxx'; Comment = 'near'
            })
        "$((Get-UMDialPlan Redmond).ConfiguredInCountryOrRegionGroups)" | Should -Be 'Local,9425xxxxxxx,9xxxxxxx,near'
    }

    It 'give dial groups back as the rows that they were, for Export-Csv and Set-' {
        Set-UMDialPlan Redmond -ConfiguredInCountryOrRegionGroups 'Local,9425xxxxxxx,9xxxxxxx,near', 'All,*,*'
        (Get-UMDialPlan Redmond).ConfiguredInCountryOrRegionGroups | Export-Csv "$folder/groups.csv" -NoTypeInformation
        $rows = Import-Csv "$folder/groups.csv"
        $rows.Name | Should -Be 'Local', 'All'
        $rows[0].NumberMask, $rows[0].DialedNumber, $rows[0].Comment | Should -Be '9425xxxxxxx', '9xxxxxxx', 'near'
        Set-UMDialPlan Redmond -ConfiguredInternationalGroups $rows
        Set-UMDialPlan Redmond `
            -ConfiguredInCountryOrRegionGroups (Get-UMDialPlan Redmond).ConfiguredInCountryOrRegionGroups
        Set-UMDialPlan Redmond -ConfiguredInCountryOrRegionGroups @{
            Remove = (Get-UMDialPlan Redmond).ConfiguredInCountryOrRegionGroups[1]
        }
        $plan = Get-UMDialPlan Redmond
        $plan.ConfiguredInternationalGroups.Name | Should -Be 'Local', 'All'
        "$($plan.ConfiguredInCountryOrRegionGroups)" | Should -Be 'Local,9425xxxxxxx,9xxxxxxx,near'
        ($plan | Select-Object ConfiguredInCountryOrRegionGroups | ConvertTo-Csv -NoTypeInformation)[1] |
            Should -Be '"Local,9425xxxxxxx,9xxxxxxx,near"'
    }

    It 'give counts that compare as numbers' {
        $policy = Get-UMMailboxPolicy $default
        $policy.MaxLogonAttempts -gt 9 | Should -BeTrue
        $policy.LogonFailuresBeforePINReset -lt 10 | Should -BeTrue
        $policy.MaxLogonAttempts -eq '15' | Should -BeTrue
        Set-UMMailboxPolicy $default -MaxLogonAttempts Unlimited
        (Get-UMMailboxPolicy $default).MaxLogonAttempts | Should -Be 'Unlimited'
        Set-UMMailboxPolicy $default -MaxLogonAttempts 15
    }

    It 'take time spans' {
        Set-UMMailboxPolicy $default -PINLifetime ([timespan]::FromDays(45)) -LockoutDuration (New-TimeSpan -Minutes 90)
        $policy = Get-UMMailboxPolicy $default
        $policy.PINLifetime, $policy.LockoutDuration | Should -Be '45.00:00:00', '01:30:00'
        Set-UMMailboxPolicy $default -PINLifetime ([timespan]::FromHours(30)) -ErrorVariable failed `
            -ErrorAction SilentlyContinue
        "$($failed[0])" | Should -Match 'PINLifetime'
        Set-UMMailboxPolicy $default -PINLifetime 60 -LockoutDuration Unlimited
    }

    It 'are refused under a name that is taken' {
        New-UMDialPlan Redmond -NumberOfDigitsInExtension 5 -CountryOrRegionCode 1 -ErrorVariable failed `
            -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ManagementObjectAlreadyExistsException,*'
        $failed[0].CategoryInfo.Category | Should -Be 'ResourceExists'
    }
}
