#Requires -Modules Pester
# Get-UMMailboxPIN and Set-UMMailboxPIN as an administrator meets them. The PIN rules themselves are tested in Rust.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed -Pickup
    $policy = 'Redmond Default Policy'
    $tony = 'tonysmith@contoso.com'
    $null = Enable-UMMailbox $tony -UMMailboxPolicy $policy -Extensions 51234 -PIN 5643892
    $null = 'tony', 'jgarcia', 'zoemueller', 'annab' | Enable-UMMailbox -UMMailboxPolicy $policy

    # What Set-UMMailboxPIN wrote into the pickup folder since the last call.
    function Get-NewMail {
        foreach ($file in Get-ChildItem "$folder/pickup" -Filter *.eml) {
            Get-Content -Raw -LiteralPath $file.FullName
            Remove-Item -LiteralPath $file.FullName
        }
    }
    function Get-State([string] $Identity) { Get-UMMailboxPIN $Identity | Select-Object * | Out-String }
}

AfterAll { Remove-TestStore $folder }

Describe 'Get-UMMailboxPIN' {
    It 'returns Exchange''s properties in Exchange''s order, then ours' {
        $pin = Get-UMMailboxPIN -Identity $tony
        $pin.psobject.Properties.Name | Should -Be @(
            'UserID', 'PinExpired', 'FirstTimeUser', 'LockedOut', 'ObjectState', 'IsValid', 'Identity'
            'LockReason', 'FailedLogonAttempts', 'PinLastSet', 'PinExpiresOn')
        $pin.psobject.TypeNames[0] | Should -Be 'Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin'
        $pin.UserID | Should -BeOfType ([string])
        $pin.UserID | Should -Be $tony
        foreach ($name in 'PinExpired', 'FirstTimeUser', 'LockedOut', 'IsValid') {
            $pin.$name | Should -BeOfType ([bool])
        }
        "$($pin.ObjectState)" | Should -Be 'Unchanged'
        $pin.IsValid | Should -BeTrue
        $pin.Identity | Should -Be 'contoso.com/Users/Tony Smith'
        $pin.PinLastSet | Should -BeOfType ([datetime])
        ([datetime]::Now - $pin.PinLastSet).TotalMinutes | Should -BeLessThan 10
        ($pin.PinExpiresOn - $pin.PinLastSet).TotalDays | Should -Be 60
    }

    It 'shows the first seven as a list' {
        $shown = Get-UMMailboxPIN $tony | Out-String -Stream | Where-Object { $_ -match '^(\w+)\s+:' } |
            ForEach-Object { ($_ -split '\s+:')[0] }
        $shown | Should -Be 'UserID', 'PinExpired', 'FirstTimeUser', 'LockedOut', 'ObjectState', 'IsValid', 'Identity'
    }

    It 'lets a script build a line from UserID' {
        Get-UMMailboxPIN $tony | ForEach-Object { $_.UserID + "`t" + $_.PinExpired } | Should -Be "$tony`tTrue"
    }

    It 'lists every UM-enabled mailbox without an identity, and with $null' {
        $all = Get-UMMailboxPIN
        $all.UserID | Sort-Object |
            Should -Be ('annab@contoso.com', 'jgarcia@contoso.com', 'tony@contoso.com', $tony,
            'zoemueller@contoso.com' | Sort-Object)
        (Get-UMMailboxPIN -Identity $null).Count | Should -Be 5
    }

    It 'takes <_> as ResultSize' -ForEach 'Unlimited', 'unlimited', 1000 {
        (Get-UMMailboxPIN -ResultSize $_ -WarningVariable warnings).Count | Should -Be 5
        $warnings | Should -BeNullOrEmpty
    }

    It 'stops at ResultSize and says that there is more' {
        @(Get-UMMailboxPIN -ResultSize 2 -WarningVariable warnings -WarningAction SilentlyContinue).Count | Should -Be 2
        $warnings.Count | Should -Be 1
    }

    It 'refuses <_> as ResultSize' -ForEach 'many', -1, 0 {
        Get-UMMailboxPIN -ResultSize $_ -ErrorVariable failed -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failed.Count | Should -Be 1
    }

    It 'finds a mailbox by <form>' -ForEach @(
        @{ Form = 'SMTP address'; Value = 'TONYSMITH@contoso.com' }
        @{ Form = 'proxy address'; Value = 'tsmith@contoso.com' }
        @{ Form = 'GUID'; Value = '679a6728-ad4e-4508-81e9-f265f9a6edd5' }
        @{ Form = 'distinguished name'; Value = 'cn=tony smith,ou=Users,dc=contoso,dc=com' }
        @{ Form = 'canonical name'; Value = 'contoso.com/Users/Tony Smith' }
        @{ Form = 'account'; Value = 'CONTOSO\tonysmith' }
        @{
            Form = 'LegacyExchangeDN'
            Value = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=tonysmith'
        }
        @{ Form = 'alias'; Value = 'tonysmith' }
        @{ Form = 'display name'; Value = 'Tony Smith' }
        @{ Form = 'Guid object'; Value = [guid] '679a6728-ad4e-4508-81e9-f265f9a6edd5' }
    ) {
        (Get-UMMailboxPIN -id $Value).UserID | Should -Be $tony
        ($Value | Get-UMMailboxPIN).UserID | Should -Be $tony
    }

    It 'finds people with names from outside ASCII' {
        (Get-UMMailboxPIN "zo`u{eb} m`u{fc}ller").UserID | Should -Be 'zoemueller@contoso.com'
    }

    It 'takes an object by its <Form>' -ForEach @(
        @{ Form = 'Identity'; Value = [pscustomobject]@{ Identity = 'tonysmith'; Guid = [guid]::Empty } }
        @{
            Form = 'DistinguishedName'
            Value = [pscustomobject]@{ Name = 'x'; DistinguishedName = 'CN=Tony Smith,OU=Users,DC=contoso,DC=com' }
        }
        @{ Form = 'Guid'; Value = [pscustomobject]@{ Guid = [guid] '679a6728-ad4e-4508-81e9-f265f9a6edd5' } }
        @{
            Form = 'DistinguishedName, if Identity is empty'
            Value = [pscustomobject]@{ Identity = ''; DistinguishedName = 'CN=Tony Smith,OU=Users,DC=contoso,DC=com' }
        }
    ) {
        ($Value | Get-UMMailboxPIN).UserID | Should -Be $tony
        (Get-UMMailboxPIN -Identity $Value).UserID | Should -Be $tony
        (Get-UMMailboxPIN $tony | Get-UMMailboxPIN).UserID | Should -Be $tony
    }

    It 'takes an object without a value in them for an empty identity, not for all' {
        [pscustomobject]@{ Identity = $null } | Get-UMMailboxPIN -ErrorVariable failed -ErrorAction SilentlyContinue |
            Should -BeNullOrEmpty
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidIdentityException,*'
    }

    It 'refuses the identity <Name>' -ForEach @(
        @{ Name = 'empty'; Value = '' }
        @{ Name = 'blank'; Value = '   ' }
        @{ Name = 'of 10,000 characters'; Value = 'x' * 10000 }
    ) {
        Get-UMMailboxPIN -Identity $Value -ErrorVariable failed -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failed.Count | Should -Be 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidIdentityException,*'
        $failed[0].CategoryInfo.Category | Should -Be 'InvalidArgument'
    }

    It 'does not find a mailbox that is not UM-enabled' {
        Get-UMMailboxPIN kakers -ErrorVariable failed -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failed[0].Exception.GetType().Name | Should -Be 'ManagementObjectNotFoundException'
        "$($failed[0])" | Should -BeLike "*object 'kakers' couldn't be found on*"
    }

    It 'says that a display name is two people''s' {
        Get-UMMailboxPIN 'Anna Berg' -ErrorVariable failed -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ManagementObjectAmbiguousException,*'
        "$($failed[0])" |
            Should -BeLike "The operation couldn't be performed because 'Anna Berg' matches multiple entries.*"
        $failed[0].CategoryInfo.Category | Should -Be 'InvalidData'
    }

    It 'goes on after an error, and shows it as a warning with IgnoreErrors' {
        $found = 'nobody', 'tony', '', 'jgarcia' | Get-UMMailboxPIN -ErrorVariable failed -ErrorAction SilentlyContinue
        $found.UserID | Should -Be 'tony@contoso.com', 'jgarcia@contoso.com'
        $failed.Count | Should -Be 2
        $found = 'nobody', 'tony' |
            Get-UMMailboxPIN -IgnoreErrors -WarningVariable warnings -WarningAction SilentlyContinue `
                -ErrorVariable failed
        $found.UserID | Should -Be 'tony@contoso.com'
        $failed | Should -BeNullOrEmpty
        $warnings[0].Message | Should -BeLike "*'nobody' couldn't be found on*"
    }

    It 'accepts what scripts pass along: domain controllers, also an empty one, and credentials' {
        $credential = [pscredential]::new('x', (ConvertTo-SecureString 'y' -AsPlainText -Force))
        (Get-UMMailboxPIN $tony -DomainController dc01.contoso.com -ReadFromDomainController -Credential $credential `
            -Organization x).UserID | Should -Be $tony
        (Get-UMMailboxPIN $tony -DomainController '').UserID | Should -Be $tony
        (Get-UMMailboxPIN $tony -DomainController $null).UserID | Should -Be $tony
    }

    It 'names the domain controller in a not-found message' {
        Get-UMMailboxPIN nobody -DomainController dc01.contoso.com -ErrorVariable failed -ErrorAction SilentlyContinue
        "$($failed[0])" |
            Should -Be ("The operation couldn't be performed because object 'nobody' couldn't be found on " +
                "'dc01.contoso.com'.")
    }

    It 'refuses <Name>' -ForEach @(
        @{
            Name = 'a malformed domain controller'
            Arguments = @{ DomainController = 'not a name' }
            Id = 'InvalidDomainControllerException'
        }
        @{
            Name = 'IgnoreDefaultScope with a domain controller'
            Arguments = @{ DomainController = 'dc01.contoso.com'; IgnoreDefaultScope = $true }
            Id = 'IgnoreDefaultScopeWithDomainControllerException'
        }
        @{
            Name = 'IgnoreDefaultScope without a distinguished name'
            Arguments = @{ IgnoreDefaultScope = $true }
            Id = 'IgnoreDefaultScopeNeedsDistinguishedNameException'
        }
    ) {
        Get-UMMailboxPIN tonysmith @Arguments -ErrorVariable failed -ErrorAction SilentlyContinue |
            Should -BeNullOrEmpty
        $failed[0].FullyQualifiedErrorId | Should -BeLike "$Id,*"
    }
}

Describe 'Set-UMMailboxPIN' {
    BeforeEach { Get-NewMail | Out-Null }

    It 'runs the documented examples, silently' {
        Set-UMMailboxPIN -Identity $tony | Should -BeNullOrEmpty
        Get-NewMail | Should -Match "To:.*$tony"
        (Get-UMMailboxPIN $tony).PinExpired | Should -BeTrue

        Set-UMMailboxPIN -Identity $tony -PIN 1985848 -PinExpired $true | Should -BeNullOrEmpty
        (Test-UMMailboxPIN $tony -Pin 1985848).MustChange | Should -BeTrue
        Get-NewMail | Should -Match '1985848|MTk4NTg0O'

        Set-UMMailboxPIN -Identity $tony -LockedOut $true | Should -BeNullOrEmpty
        $locked = Get-UMMailboxPIN $tony
        $locked.LockedOut, $locked.LockReason | Should -Be $true, 'Administrator'

        Set-UMMailboxPIN -Identity $tony -LockedOut $false | Should -BeNullOrEmpty
        $unlocked = Get-UMMailboxPIN $tony
        $unlocked.LockedOut, $unlocked.LockReason | Should -Be $false, 'None'
    }

    It 'returns the state with -PassThru' {
        $state = Set-UMMailboxPIN $tony -Pin 4829173 -PinExpired $false -PassThru
        $state | Should -BeOfType ([Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin])
        $state.UserID, $state.PinExpired, $state.LockedOut | Should -Be $tony, $false, $false
        Compare-Object ($state | Out-String) (Get-UMMailboxPIN $tony | Out-String) | Should -BeNullOrEmpty
    }

    It 'keeps the zero of a PIN given as <Form>' -ForEach @(
        @{ Form = 'a bare number'; Script = { Set-UMMailboxPIN $args[0] -Pin 0719283 -PinExpired 0 } }
        @{ Form = 'a string'; Script = { Set-UMMailboxPIN $args[0] -Pin '0719284' -PinExpired 0 } }
        @{
            Form = 'a SecureString'
            Script = {
                Set-UMMailboxPIN $args[0] -Pin (ConvertTo-SecureString '0719285' -AsPlainText -Force) -PinExpired 0
            }
        }
    ) {
        & $Script $tony
        $pin = [regex]::Match($Script.ToString(), '071928\d').Value
        (Test-UMMailboxPIN $tony -Pin $pin).Result | Should -Be 'Accepted'
        (Test-UMMailboxPIN $tony -Pin $pin.TrimStart('0')).Result | Should -Be 'Refused'
    }

    It 'takes 1 and 0 for Booleans, and says that the PIN need not be changed' {
        Set-UMMailboxPIN $tony -LockedOut 1 -SendEmail 0 -Pin 8315204 -PinExpired 0
        $state = Get-UMMailboxPIN $tony
        $state.LockedOut, $state.PinExpired | Should -Be $true, $false
        Get-NewMail | Should -BeNullOrEmpty
        { Set-UMMailboxPIN $tony -PinExpired 'false' } | Should -Throw -ErrorId 'CannotConvertArgument*'
    }

    It 'generates a PIN when it is empty, and warns when nobody will know it' {
        Set-UMMailboxPIN $tony -Pin '' -SendEmail $false -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings.Count | Should -Be 1
        Set-UMMailboxPIN $tony -Pin $null -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
        Get-NewMail | Should -Not -BeNullOrEmpty
    }

    It 'warns of a column of PINs that it does not read' {
        $rows = @'
Identity,Pin
tonysmith,5820419
tony,5820420
'@ | ConvertFrom-Csv
        $rows | Set-UMMailboxPIN -WarningVariable told -WarningAction SilentlyContinue
        $told.Count | Should -Be 1
        "$told" | Should -Match '\bPin\b'
        "$told" | Should -Not -Match '58204'
        (Test-UMMailboxPIN tonysmith -Pin 5820419).Result | Should -Be 'Refused'
        $rows |
            Enable-UMMailbox -UMMailboxPolicy $policy -WarningVariable enabling -WarningAction SilentlyContinue `
                -ErrorAction SilentlyContinue
        @($enabling -match 'column').Count | Should -Be 1
        # What the warning says to do instead.
        $rows | ForEach-Object { Set-UMMailboxPIN $_.Identity -Pin $_.Pin -WarningVariable +instead }
        $instead | Should -BeNullOrEmpty
        (Test-UMMailboxPIN tonysmith -Pin 5820419).Result | Should -Be 'Accepted'
        $rows | Select-Object Identity | Set-UMMailboxPIN -WarningVariable without
        Get-UMMailboxPIN tonysmith | Set-UMMailboxPIN -WarningVariable +without
        $without | Should -BeNullOrEmpty
    }

    It 'mails to NotifyEmail instead' {
        Set-UMMailboxPIN $tony -NotifyEmail administrator@contoso.com
        Get-NewMail | Should -Match '(?m)^To:.*administrator@contoso.com'
        Set-UMMailboxPIN $tony -NotifyEmail 'no address' -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidNotifyEmailException,*'
        Get-NewMail | Should -BeNullOrEmpty
    }

    It 'refuses <Name>, and names the rule but not the PIN' -ForEach @(
        @{ Name = 'five digits'; Pin = '48291'; Says = '6' }
        @{ Name = '25 digits'; Pin = '4829173648291736482917364'; Says = '24' }
        @{ Name = 'letters'; Pin = '48291a7'; Says = 'digit' }
        @{
            Name = 'full-width digits'
            Pin = "`u{ff14}`u{ff18}`u{ff12}`u{ff19}`u{ff11}`u{ff17}`u{ff13}"
            Says = 'digit'
        }
        @{ Name = 'a NUL'; Pin = "482917`0"; Says = 'digit' }
        @{ Name = 'a run'; Pin = '123456'; Says = 'AllowCommonPatterns' }
        @{ Name = 'a repeat'; Pin = '1111111'; Says = 'AllowCommonPatterns' }
    ) {
        $before = Get-State $tony
        Set-UMMailboxPIN $tony -Pin $Pin -ErrorVariable failed -ErrorAction SilentlyContinue
        $? | Should -BeFalse
        $failed.Count | Should -Be 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'WeakPinException,*'
        $failed[0].CategoryInfo.Category | Should -Be 'InvalidArgument'
        $failed[0].CategoryInfo.Reason | Should -Be 'WeakPinException'
        "$($failed[0])" | Should -Match $Says
        "$($failed[0])" | Should -Not -Match ([regex]::Escape($Pin))
        Get-State $tony | Should -Be $before
        Get-NewMail | Should -BeNullOrEmpty
    }

    It 'refuses the current PIN and one of the history' {
        Set-UMMailboxPIN $tony -Pin 5820461
        Set-UMMailboxPIN $tony -Pin 5820462
        foreach ($used in '5820462', '5820461') {
            Set-UMMailboxPIN $tony -Pin $used -ErrorVariable failed -ErrorAction SilentlyContinue
            $failed[0].FullyQualifiedErrorId | Should -BeLike 'WeakPinException,*'
        }
    }

    It 'says that a mailbox is not UM-enabled' {
        Set-UMMailboxPIN kakers -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'UserNotUmEnabledException,*'
        "$($failed[0])" | Should -Be "The Mailbox kakers@contoso.com isn't enabled for unified messaging."
    }

    It 'refuses a missing identity: <_>' -ForEach "''", '$null', "'  '" {
        $value = [scriptblock]::Create($_).Invoke()[0]
        Set-UMMailboxPIN -Identity $value -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidIdentityException,*'
    }

    It 'goes on after an error in a pipeline' {
        $done = 'tony', 'nobody', 'jgarcia' |
            Set-UMMailboxPIN -PassThru -ErrorVariable failed -ErrorAction SilentlyContinue
        $done.UserID | Should -Be 'tony@contoso.com', 'jgarcia@contoso.com'
        $failed.Count | Should -Be 1
    }

    It 'keeps the order of the input with -ThrottleLimit, errors too' {
        $sequence = 'tony', 'nobody', 'jgarcia', 'tony', 'kakers', 'zoemueller', 'annab', 'tony' |
            Set-UMMailboxPIN -ThrottleLimit 4 -PassThru -ErrorAction Continue 2>&1 | ForEach-Object {
                if ($_ -is [System.Management.Automation.ErrorRecord]) { $_.CategoryInfo.Reason } else { $_.UserID }
            }
        $sequence | Should -Be @(
            'tony@contoso.com', 'ManagementObjectNotFoundException', 'jgarcia@contoso.com', 'tony@contoso.com'
            'UserNotUmEnabledException', 'zoemueller@contoso.com', 'annab@contoso.com', 'tony@contoso.com')
    }

    It 'drops what is not committed when the pipeline stops' {
        $before = Get-State annab
        $null = 'tony', 'jgarcia', 'zoemueller', 'annab' | Set-UMMailboxPIN -ThrottleLimit 8 -PassThru |
            Select-Object -First 1
        Get-State annab | Should -Be $before
    }

    It 'leaves no thread behind, not even where a proxy function is never ended' -Skip:(-not $IsLinux) {
        function Get-HasherCount {
            @(Get-ChildItem "/proc/$PID/task" | Where-Object {
                (Get-Content "$($_.FullName)/comm" -ErrorAction Ignore) -eq 'PinHashers'
            }).Count
        }
        # As ProxyCommand makes it, where Windows PowerShell would run it: without clean.
        function Invoke-Proxy {
            param([Parameter(ValueFromPipeline)] $Identity)
            begin {
                $wrapped = Get-Command Set-UMMailboxPIN
                $steppable = { & $wrapped -ThrottleLimit 4 }.GetSteppablePipeline($MyInvocation.CommandOrigin)
                $steppable.Begin($PSCmdlet)
            }
            process { $steppable.Process($Identity) }
            end { $steppable.End() }
        }
        'tony', 'annab' | Invoke-Proxy
        'tony', 'annab' | Set-UMMailboxPIN -ThrottleLimit 4
        $null = 'tony', 'jgarcia', 'annab' | Set-UMMailboxPIN -ThrottleLimit 4 -PassThru | Select-Object -First 1
        # A thread that was waited for may stand in that list for a moment more.
        foreach ($try in 1..50) {
            if ((Get-HasherCount) -eq 0) { break }
            Start-Sleep -Milliseconds 100
        }
        Get-HasherCount | Should -Be 0
        $upstream = { if ($_ -eq 'jgarcia') { throw 'upstream' } else { $_ } }
        { 'tony', 'annab', 'jgarcia' | ForEach-Object $upstream | Invoke-Proxy } | Should -Throw 'upstream'
        foreach ($try in 1..50) {
            [GC]::Collect()
            [GC]::WaitForPendingFinalizers()
            if ((Get-HasherCount) -eq 0) { break }
            Start-Sleep -Milliseconds 100
        }
        Get-HasherCount | Should -Be 0
    }
}

Describe 'Errors and preferences' {
    It 'leaves nothing in $error and $? true after a success' {
        $error.Clear()
        $null = Get-UMMailboxPIN $tony
        $? | Should -BeTrue
        Set-UMMailboxPIN $tony
        $? | Should -BeTrue
        $null = Get-UMMailbox nobody -ErrorAction Ignore
        $error.Count | Should -Be 0
    }

    It 'is caught as RemoteException under -ErrorAction Stop, with its record' {
        $caught = try {
            Set-UMMailboxPIN nobody -ErrorAction Stop
        } catch [System.Management.Automation.RemoteException] { $_ }
        "$caught" | Should -BeLike "*couldn't be found on*"
        $caught.FullyQualifiedErrorId |
            Should -Be 'ManagementObjectNotFoundException,UMMailboxPin.Commands.SetUMMailboxPinCommand'
        $caught.CategoryInfo.Category | Should -Be 'InvalidData'
        $caught.TargetObject | Should -Be 'nobody'
        $caught.InvocationInfo.MyCommand.Name | Should -Be 'Set-UMMailboxPIN'
    }

    It 'obeys preferences that a calling script sets' {
        $before = Get-State $tony
        $lines = Invoke-FreshPwsh @'
$WhatIfPreference = $true
Set-UMMailboxPIN tonysmith@contoso.com -Pin 7391640
'done'
$WhatIfPreference = $false
$ErrorActionPreference = 'Stop'
try { Set-UMMailboxPIN nobody; 'not reached' } catch { "caught $($_.CategoryInfo.Reason)" }
trap { "trapped $($_.Exception.GetType().BaseType.BaseType.Name)"; exit 3 }
Set-UMMailboxPIN nobody
'@
        $lines | Should -Contain 'done'
        $lines | Where-Object { $_ -like 'What if:*contoso.com/Users/Tony Smith*' } | Should -Not -BeNullOrEmpty
        $lines | Should -Contain 'caught ManagementObjectNotFoundException'
        $lines | Should -Contain 'trapped RemoteException'
        $LASTEXITCODE | Should -Be 3
        Get-State $tony | Should -Be $before
    }

    It 'tells the same under -WhatIf about the current PIN, an old one and a new one' {
        Set-UMMailboxPIN $tony -Pin 6104827
        Set-UMMailboxPIN $tony -Pin 6104828
        $said = foreach ($pin in '6104827', '6104828', '6104829') {
            Invoke-FreshPwsh "Set-UMMailboxPIN tonysmith@contoso.com -Pin $pin -WhatIf; `$?" | Out-String
        }
        $said[0] | Should -Match 'What if:'
        $said | Sort-Object -Unique | Should -HaveCount 1
        Set-UMMailboxPIN $tony -Pin 123456 -WhatIf -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'WeakPinException,*'
    }

    It 'creates no file under -WhatIf, nor by reading, where there is no store' {
        $bare = Join-Path ([System.IO.Path]::GetTempPath()) ([guid]::NewGuid().ToString('N'))
        $lines = Invoke-FreshPwsh @"
`$env:UMPIN_STORE = '$bare/store/um.db'
`$env:UMPIN_KEY_FILE = '$bare/key/umpin.key'
Get-UMMailboxPIN
Set-UMMailboxPIN tonysmith -WhatIf
New-UMDialPlan X -NumberOfDigitsInExtension 5 -CountryOrRegionCode 1 -WhatIf
Set-UMPinConfiguration -ServerName x -WhatIf
Test-Path '$bare'
"@
        $lines[-1] | Should -Be 'False'
    }

    It 'prompts with -Confirm only' {
        $lines = Invoke-FreshPwsh @'
try { Set-UMMailboxPIN tonysmith -Confirm -ErrorAction Stop } catch { "asked: $_" }
Set-UMMailboxPIN tonysmith -Confirm:$false
Set-UMMailboxPIN tonysmith
$?
'@
        $lines[0] | Should -BeLike 'asked:*NonInteractive*'
        $lines[-1] | Should -Be 'True'
    }

    It 'warns once a session of a store that is not there, with its path, and not where it is about to be made' {
        $there = $env:UMPIN_STORE
        $key = $env:UMPIN_KEY_FILE
        try {
            $env:UMPIN_STORE = if ($IsOnServer) { New-TestDatabase } else { "$folder/store/mistyped.db" }
            $env:UMPIN_KEY_FILE = "$folder/store/mistyped.key"
            Get-UMMailbox -WarningVariable first -WarningAction SilentlyContinue | Should -BeNullOrEmpty
            $first.Count | Should -Be 1
            "$first" | Should -Match ([regex]::Escape($env:UMPIN_STORE))
            Get-UMMailboxPIN tonysmith -WarningVariable second -WarningAction SilentlyContinue `
                -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            Get-UMDialPlan -WarningVariable +second -WarningAction SilentlyContinue | Should -BeNullOrEmpty
            $second | Should -BeNullOrEmpty
            $env:UMPIN_STORE = if ($IsOnServer) { New-TestDatabase } else { "$folder/store/fresh.db" }
            $env:UMPIN_KEY_FILE = "$folder/store/fresh.key"
            $null = New-UMDialPlan Fresh -NumberOfDigitsInExtension 4 -CountryOrRegionCode 1 -WarningVariable made
            $null = Get-UMDialPlan -WarningVariable +made
            $made | Should -BeNullOrEmpty
        }
        finally {
            $env:UMPIN_STORE = $there
            $env:UMPIN_KEY_FILE = $key
        }
    }

    It 'takes another store when UMPIN_STORE changes, and the first one again' {
        $other = $null
        $first = $env:UMPIN_STORE, $env:UMPIN_KEY_FILE
        try {
            $other = New-TestStore
            Get-UMMailboxPIN | Should -BeNullOrEmpty
        }
        finally {
            if ($other) { Remove-TestStore $other }
            $env:UMPIN_STORE, $env:UMPIN_KEY_FILE = $first
        }
        @(Get-UMMailboxPIN).Count | Should -Be 5
    }

    It 'goes on after the module was removed and imported again' {
        $lines = Invoke-FreshPwsh @'
Import-Module UMMailboxPin
$null = Get-UMMailboxPIN
Remove-Module UMMailboxPin
Import-Module UMMailboxPin
@(Get-UMMailboxPIN).Count
'@
        $lines | Should -Be '5'
    }

    It 'has a session for each runspace' {
        $counts = 1..4 | ForEach-Object -Parallel { @(Get-UMMailboxPIN).Count }
        $counts | Should -Be 5, 5, 5, 5
    }

    It 'refuses a native library of another version, or none at all' {
        $copy = Join-Path $folder 'other'
        # A package holds those of every system.
        $system = if ($IsLinux) { 'linux' } elseif ($IsMacOS) { 'osx' } else { 'win' }
        $processor = [System.Runtime.InteropServices.RuntimeInformation]::ProcessArchitecture
        $platform = "$system-$processor".ToLowerInvariant()
        $native = Get-ChildItem (Join-Path (Split-Path $UMModule) $platform) -Filter umpin.* |
            Select-Object -First 1
        $null = New-Item -ItemType Directory "$copy/UMMailboxPin/$($native.Directory.Name)"
        Get-ChildItem (Split-Path $UMModule) -File | Copy-Item -Destination "$copy/UMMailboxPin"
        $library = "$copy/UMMailboxPin/$($native.Directory.Name)/$($native.Name)"
        Set-Content $library 'no library'
        $try = @"
Import-Module '$copy/UMMailboxPin/UMMailboxPin.psd1'
try { Get-UMMailboxPIN } catch { `$_.FullyQualifiedErrorId; "`$_" }
"@
        (Invoke-FreshPwsh $try)[0] | Should -BeLike 'NativeLibraryUnusableException,*'
        if (Get-Command cc -ErrorAction Ignore) {
            Set-Content "$copy/other.c" 'unsigned umpin_abi_version(void) { return 77; }'
            cc -shared -fPIC -o $library "$copy/other.c"
            $lines = Invoke-FreshPwsh $try
            $lines[0] | Should -BeLike 'AbiVersionMismatchException,*'
            $lines[1] | Should -Match '77'
        }
    }

    It 'says which platforms are there when the native library is missing' {
        $copy = Join-Path $folder 'moved'
        $null = New-Item -ItemType Directory "$copy/UMMailboxPin/plan9-mips"
        Get-ChildItem (Split-Path $UMModule) -File | Copy-Item -Destination "$copy/UMMailboxPin"
        $null = New-Item "$copy/UMMailboxPin/plan9-mips/umpin.so"
        $lines = Invoke-FreshPwsh @"
Import-Module '$copy/UMMailboxPin/UMMailboxPin.psd1'
try { Get-UMMailboxPIN } catch { `$_.FullyQualifiedErrorId; "`$_" }
"@
        $lines[0] | Should -BeLike 'NativeLibraryMissingException,*'
        $lines[1] | Should -Match 'plan9-mips'
    }
}
