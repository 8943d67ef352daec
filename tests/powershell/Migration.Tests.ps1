#Requires -Modules Pester
# Exchange/Export-ExchangeUM.ps1 and Import-ExchangeUM.ps1, on made-up exports of the exact shape: 1,000 people under
# UMPIN_TEST_SCALE=full, 40 otherwise.
BeforeAll {
    . $PSScriptRoot/common.ps1
    . $PSScriptRoot/exchange-export.ps1
    $many = if ($env:UMPIN_TEST_SCALE -eq 'full') { 1000 } else { 40 }
    $scripts = Join-Path (Get-Module UMMailboxPin).ModuleBase Exchange
    $ProgressPreference = 'SilentlyContinue'

    function Import-Export([hashtable] $With = @{}) { & "$scripts/Import-ExchangeUM.ps1" -Path "$folder/export" @With }

    # Everything that a cmdlet shows of the store, PIN states among it; what time alone changes is left out.
    function Get-Everything {
        Get-UMDialPlan | Select-Object * | Out-String -Width 500
        Get-UMMailboxPolicy | Select-Object * | Out-String -Width 500
        Get-UMMailbox -ResultSize Unlimited | ConvertTo-Json -Depth 3
        Get-UMMailboxPIN | ConvertTo-Json -Depth 3
        Get-Mailbox -ResultSize Unlimited | ConvertTo-Json -Depth 3
        Get-UMPinOutbox | ConvertTo-Json -Depth 3
        # That the directory was read once more is on record; nothing else is.
        @(Search-UMAdminAuditLog -ResultSize 100000 | Where-Object CmdletName -NE 'Import-UMRecipient').Count
    }
    function Edit-Export([string] $File, [string] $From, [string] $To) {
        $text = [System.IO.File]::ReadAllText("$folder/export/$File")
        $text | Should -Match ([regex]::Escape($From))
        [System.IO.File]::WriteAllText("$folder/export/$File", $text.Replace($From, $To),
            [System.Text.UnicodeEncoding]::new($false, $true))
    }
}

Describe 'An export whose ids are <Shape>' -ForEach @{ Shape = 'texts'; Typed = $false }, @{ Shape = 'objects';
    Typed = $true } {
    BeforeAll {
        $folder = New-TestStore
        $people = if ($Typed) { 40 } else { $many }
        New-ExchangeExport "$folder/export" -People $people -Others 12 -Typed:$Typed
        $first = Import-Export
        $before = Get-Everything
        $second = Import-Export
    }
    AfterAll { Remove-TestStore $folder }

    It 'becomes plans, policies, people and their numbers' {
        $first.Failed | Should -Be 0 -Because (Import-Csv $first.Report | Where-Object Result -EQ Failed |
            Select-Object -First 3 | Out-String)
        $first.RecipientsAdded | Should -Be ($people + 12)
        $first.DialPlansCreated, $first.PoliciesCreated, $first.Enabled | Should -Be 4, 5, $people
        $plan = Get-UMDialPlan Lync
        $plan.URIType, $plan.VoIPSecurity, $plan.OperatorExtension | Should -Be 'SipName', 'SIPSecured', '50000'
        (Get-UMDialPlan Redmond).AccessTelephoneNumbers | Should -Be '4255550100', '4255550101'
        $policy = Get-UMMailboxPolicy Executives
        $policy.MinPINLength, $policy.MaxLogonAttempts, $policy.LogonFailuresBeforePINReset, $policy.PINHistoryCount |
            Should -Be 8, '10', '3', 20
        "$($policy.PINLifetime)", $policy.UMEnabledText, $policy.AllowVoiceMailPreview |
            Should -Be '30.00:00:00', 'Questions? <b>Call 50000.</b>', $false
        "$((Get-UMMailboxPolicy 'Redmond Default Policy').PINLifetime)" | Should -Be 'Unlimited'

        $one = Get-UMMailbox user0
        $one.UMMailboxPolicy, $one.FaxEnabled, $one.OperatorNumber | Should -Be 'Executives', $false, '50100'
        (Get-UMMailbox user1).Extensions | Should -Be '50001', '70001'
        (Get-UMMailbox user2).EmailAddresses | Should -Contain 'eum:6002;phone-context=Tokyo'
        (Get-UMMailbox user7).EmailAddresses | Where-Object { $_ -like 'EUM:*' } |
            Should -Be 'EUM:50007;phone-context=Lync', 'eum:user7@contoso.com;phone-context=Lync'
        (Get-UMMailbox user13).SIPResourceIdentifier | Should -Match '14255500013'
        (Get-UMMailbox user4).UMDialPlan | Should -Be 'Tokyo'
        (Get-UMMailbox user3).TUIAccessToEmailEnabled | Should -BeFalse
        (Get-Mailbox user3).EmailAddresses | Where-Object { $_ -like 'X400:*' } |
            Should -Be 'X400:C=us;A=;P=Contoso;O=Exchange;S=user3'
        # The telephone number came too: an extension is made from it for somebody who had none.
        (Enable-UMMailbox "user$($people + 1)" -UMMailboxPolicy 'Redmond Default Policy' -ValidateOnly).Extensions |
            Should -Be ('5{0:0000}' -f ($people + 1))
    }

    It 'gives everybody a new PIN that must be changed, and holds every mail' {
        $states = Get-UMMailboxPIN
        @($states).Count | Should -Be $people
        $states | Where-Object { -not $_.PinExpired -or -not $_.FirstTimeUser } | Should -BeNullOrEmpty
        $first.MailsHeld | Should -Be $people
        @(Get-UMPinOutbox).Count | Should -Be $people
        # Whoever was locked out still is.
        @($states | Where-Object LockedOut).UserID | Sort-Object | Should -Be (5..($people - 1) |
            Where-Object { $_ % 50 -eq 5 } | ForEach-Object { "user$_@contoso.com" } | Sort-Object)
        $first.Locked | Should -Be @($states | Where-Object LockedOut).Count
    }

    It 'changes nothing when it is run again' {
        $second.Enabled, $second.Changed, $second.Failed, $second.RecipientsAdded, $second.RecipientsUpdated |
            Should -Be 0, 0, 0, 0, 0
        $second.Unchanged | Should -Be $people
        Import-Csv $second.Report | Should -BeNullOrEmpty
        $after = Get-Everything
        for ($i = 0; $i -lt $before.Count; $i++) { $after[$i] -eq $before[$i] |
            Should -BeTrue -Because "part $i is as it was" }
    }

    It 'lets the mails go in batches, and no PIN is in the report' {
        Set-UMPinConfiguration -Transport Pickup -PickupFolder "$folder/pickup" -SenderAddress voicemail@contoso.com
        $null = Get-UMPinOutbox | Select-Object -First 10 | Send-UMPinOutbox
        @(Get-ChildItem "$folder/pickup" -Filter *.eml).Count | Should -Be 10
        $null = Send-UMPinOutbox
        $mails = @(Get-ChildItem "$folder/pickup" -Filter *.eml)
        $mails.Count | Should -Be $people
        $told = Get-Content -Raw $first.Report
        $pins = @($mails | ForEach-Object {
            $isTold = (Get-Content -Raw $_) -match '(?m)^.*(?:PIN|code confidentiel)[^\d\r\n]*\b(\d{6,8})\b'
            if ($isTold) { $Matches[1] } })
        $pins.Count | Should -Be $people
        # A report has numbers of five, and of seven that begin with 55.
        $pins | Where-Object { $told -match "\b$_\b" } | Should -BeNullOrEmpty
        # Nothing is left to enable, so a transport is no obstacle to another run.
        (Import-Export).Unchanged | Should -Be $people
    }
}

Describe 'An import that does not go through at once' {
    BeforeEach {
        $folder = New-TestStore
        New-ExchangeExport "$folder/export" -People 16 -Others 3
    }
    AfterEach { Remove-TestStore $folder }

    It 'writes nothing under -WhatIf' {
        $told = Import-Export @{ WhatIf = $true }
        $told.Report | Should -BeNullOrEmpty
        Test-StoreIsMade | Should -BeFalse
        @(Get-ChildItem "$folder/export" -Filter *.csv) | Should -BeNullOrEmpty
    }

    It 'enables nobody whose mail would leave at once' {
        Set-UMPinConfiguration -Transport Pickup -PickupFolder "$folder/pickup" -SenderAddress voicemail@contoso.com
        { Import-Export } | Should -Throw '*16 people are to be enabled*Nobody was enabled*-Transport None*'
        Get-UMMailbox | Should -BeNullOrEmpty
        Get-ChildItem "$folder/pickup" | Should -BeNullOrEmpty
    }

    It 'goes on in batches' {
        $runs = 1..4 | ForEach-Object { Import-Export @{ BatchSize = 5 } }
        $runs.Enabled | Should -Be 5, 5, 5, 1
        $runs.Left | Should -Be 11, 6, 1, 0
        @(Get-UMPinOutbox).Count | Should -Be 16
    }

    It 'names who could not be enabled, and what was refused, and goes on; a later run does the rest' {
        Edit-Export UMMailbox.xml 'EUM:50003;' 'EUM:50008;'
        $code = '<S N="OutsideLineAccessCode">{0}</S>'
        Edit-Export UMDialPlan.xml ($code -f 9) ($code -f 12345678901234567)
        $first = Import-Export
        $first.Enabled, $first.Failed | Should -Be 15, 5
        $failed = Import-Csv $first.Report | Where-Object Result -EQ Failed
        ($failed | Where-Object Kind -EQ 'UM mailbox').Identity | Should -Be 'user8@contoso.com'
        ($failed | Where-Object Kind -EQ 'UM mailbox').Detail | Should -Match '^Enabled: .*50008'
        ($failed | Where-Object Kind -EQ 'UM dial plan').Detail |
            Should -Match '^Changed OutsideLineAccessCode: .*16 is the most'
        # The other settings of those plans were made.
        (Get-UMDialPlan Redmond).OperatorExtension | Should -Be '50000'
        $states = Get-UMMailboxPIN | ConvertTo-Json
        Set-Mailbox user3 -EmailAddresses @{ Add = 'eum:50003;phone-context=Redmond' }
        Set-Mailbox user3 -EmailAddresses @{ Remove = 'EUM:50008;phone-context=Redmond' }
        $text = [System.IO.File]::ReadAllText("$folder/export/UMMailbox.xml")
        $at = $text.IndexOf('EUM:50008;')
        [System.IO.File]::WriteAllText("$folder/export/UMMailbox.xml", $text.Remove($at, 10).Insert($at,
            'EUM:50003;'), [System.Text.UnicodeEncoding]::new($false, $true))
        $second = Import-Export
        $second.Enabled | Should -Be 1
        (Get-UMMailbox user8).Extensions | Should -Be '50008'
        Get-UMMailboxPIN | Where-Object UserID -NE 'user8@contoso.com' | ConvertTo-Json | Should -Be $states
    }

    It 'locks in the next run whom a run enabled and did not come to lock, and nobody who was unlocked since' {
        function global:Lock-UMMailbox { throw 'the run ends here' }
        try { $null = Import-Export }
        finally { Remove-Item function:Lock-UMMailbox }
        (Get-UMMailboxPIN user5).LockedOut | Should -BeFalse
        $second = Import-Export
        $second.Locked, $second.Changed, $second.Failed | Should -Be 1, 1, 0
        (Get-UMMailboxPIN user5).LockedOut | Should -BeTrue
        (Import-Export).Locked | Should -Be 0
        Unlock-UMMailbox user5
        (Import-Export).Locked | Should -Be 0
        (Get-UMMailboxPIN user5).LockedOut | Should -BeFalse
    }

    It 'names a value that is none of its kind, and goes on' {
        Edit-Export UMMailbox.xml '<B N="FaxEnabled">false</B>' '<S N="FaxEnabled">perhaps</S>'
        $told = Import-Export
        $told.Enabled | Should -Be 16
        $failed = @(Import-Csv $told.Report | Where-Object Result -EQ Failed)
        $failed.Count | Should -BeGreaterThan 0
        $failed | Where-Object { $_.Kind -ne 'UM mailbox' -or $_.Detail -notmatch '^Changed FaxEnabled: ' } |
            Should -BeNullOrEmpty
        $told.Failed | Should -Be $failed.Count
    }

    It 'leaves no text in the report that a spreadsheet would work out' {
        Edit-Export UMDialPlan.xml '<S N="Name">Tokyo</S>' '<S N="Name">=HYPERLINK("x")</S>'
        $lines = Import-Csv (Import-Export).Report
        @($lines | Where-Object { $_.Identity -eq "'=HYPERLINK(`"x`")" }).Count | Should -BeGreaterThan 0
        $lines | Where-Object { $_.Identity -match '^[=+@-]' -or $_.Detail -match '^[=+@-]' } | Should -BeNullOrEmpty
    }

    It 'names a file that is missing, before anything is done' {
        Remove-Item "$folder/export/Mailbox.xml"
        { Import-Export } | Should -Throw '*Mailbox.xml is missing. Nothing was changed.*'
        Test-StoreIsMade | Should -BeFalse
    }

    It 'does not touch an Exchange whose cmdlets are imported' {
        function global:Enable-UMMailbox { throw 'Exchange was called' }
        try { { Import-Export } | Should -Throw "*Enable-UMMailbox is Exchange's own*" }
        finally { Remove-Item function:Enable-UMMailbox }
        Test-StoreIsMade | Should -BeFalse
    }
}

Describe 'The export script' {
    It 'writes what Exchange''s cmdlets give, so that the import reads it, and writes over nothing' {
        # In a PowerShell of its own, where functions stand for Exchange's cmdlets and give what a made-up export holds.
        $folder = New-TestStore
        try {
            New-ExchangeExport "$folder/there" -People 12 -Others 2
            $lines = Invoke-FreshPwsh @"
`$env:PSModulePath = ''
function Get-UMDialPlan { Import-Clixml "$folder/there/UMDialPlan.xml" }
function Get-UMMailboxPolicy { Import-Clixml "$folder/there/UMMailboxPolicy.xml" }
function Get-UMMailbox(`$ResultSize) { Import-Clixml "$folder/there/UMMailbox.xml" }
function Get-UMMailboxPIN(`$ResultSize, [switch] `$IgnoreErrors) { Import-Clixml "$folder/there/UMMailboxPIN.xml" }
function Get-Mailbox(`$ResultSize) { Import-Clixml "$folder/there/Mailbox.xml" }
function Get-Recipient(`$RecipientType, `$ResultSize) { Import-Clixml "$folder/there/Recipient.xml" }
& '$scripts/Export-ExchangeUM.ps1' -Path '$folder/export' | ForEach-Object Count
try { & '$scripts/Export-ExchangeUM.ps1' -Path '$folder/export' }
catch { "refused: `$(`$_.Exception.Message -match 'there already')" }
"@
            $lines | Should -Be '4', '5', '12', '12', '14', '14', 'refused: True'
            (Import-Clixml "$folder/export/UMMailbox.xml")[0].psobject.TypeNames[0] |
                Should -Be 'Deserialized.Microsoft.Exchange.Data.Directory.Management.UMMailbox'
            $done = Import-Export
            $done.Enabled, $done.Failed, $done.RecipientsAdded | Should -Be 12, 0, 14
        }
        finally { Remove-TestStore $folder }
    }

    It 'has nothing that the PowerShell of Exchange 2010 does not know' {
        $text = Get-Content -Raw "$scripts/Export-ExchangeUM.ps1"
        $unknown = '\[ordered\]', '\[pscustomobject\]', '-notin', '-in ', '\.Where\(', '::new\(',
            '(Where|ForEach)-Object \w'
        $text | Should -Not -Match ($unknown -join '|')
    }
}
