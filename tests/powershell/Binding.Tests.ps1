#Requires -Modules Pester
# Parameters where PowerShell knows only their types: proxy functions, roles with parameter lists, typed wrappers, -as.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $commands = Get-Command -Module UMMailboxPin, UMMailboxPin.ExchangeCompat | ForEach-Object { @{ Name = $_.Name } }
}

BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed -Pickup
    $null = Enable-UMMailbox tonysmith -UMMailboxPolicy 'Redmond Default Policy' -Extensions 51234 -PIN 5643892

    # What a job, a remote session or a file makes of an object.
    function ConvertTo-Deserialized($Value, [int] $Depth = 2) {
        $text = [System.Management.Automation.PSSerializer]::Serialize($Value, $Depth)
        [System.Management.Automation.PSSerializer]::Deserialize($text)
    }

    # A runspace in which every cmdlet is reached through a generated proxy of its name only.
    function Open-ProxyRunspace {
        $state = [initialsessionstate]::CreateDefault2()
        $state.ImportPSModule(@($UMModule,
            (Join-Path (Get-Module UMMailboxPin.ExchangeCompat).ModuleBase UMMailboxPin.ExchangeCompat.psd1)))
        foreach ($command in Get-Command -Module UMMailboxPin, UMMailboxPin.ExchangeCompat) {
            $metadata = [System.Management.Automation.CommandMetadata]::new($command)
            $body = [System.Management.Automation.ProxyCommand]::Create($metadata)
            $state.Commands.Add([System.Management.Automation.Runspaces.SessionStateFunctionEntry]::new($command.Name,
                $body))
        }
        $runspace = [runspacefactory]::CreateRunspace($state)
        $runspace.Open()
        $runspace
    }

    # Runs a command there; its output, and its errors in the variable Failures.
    function Invoke-There([runspace] $Runspace, [string] $Name, [System.Collections.IDictionary] $Parameters,
        $PipedIn) {
        $shell = [powershell]::Create()
        try {
            $shell.Runspace = $Runspace
            $null = $shell.AddCommand($Name)
            foreach ($key in $Parameters.Keys) { $null = $shell.AddParameter($key, $Parameters[$key]) }
            try { if ($null -ne $PipedIn) { $shell.Invoke(@($PipedIn)) } else { $shell.Invoke() } }
            catch { $script:thrown = $_ }
            $script:Failures = @($shell.Streams.Error) + @($thrown | Where-Object { $_ })
            $script:thrown = $null
        }
        finally { $shell.Dispose() }
    }

    function Test-BindingFailure($Failure) {
        $ids = 'Argument|ParameterBinding|NamedParameterNotFound|Ambiguous.*Parameter|InputObjectNotBound|CannotConvert'
        if ("$($Failure.FullyQualifiedErrorId)" -notmatch $ids) { return $false }
        $types = "$($Failure.Exception.GetType().Name) $($Failure.Exception.InnerException.GetType().Name)"
        $types -match 'ParameterBinding|InvalidCast|PSInvalidCast'
    }

    # Values of each type, as an administrator's scripts pass them.
    $mailbox = Get-UMMailbox tonysmith
    $secure = ConvertTo-SecureString 5643892 -AsPlainText -Force
    $samples = @{
        UmObjectIdentity    = 'tonysmith', $mailbox.Guid, 51234, $mailbox, (ConvertTo-Deserialized $mailbox),
            @{ Identity = 'tonysmith' },
            [pscustomobject]@{
                DistinguishedName = $mailbox.DistinguishedName
            }, (Get-UMMailboxPIN tonysmith), (ConvertTo-Deserialized (Get-UMMailboxPIN tonysmith))
        MultiValuedProperty = 'x', 4255550100, @('a', 'b'), [System.Collections.ArrayList]@('a', 1),
            @{ Add = 'x'; Remove = 'y', 'z' }, $mailbox.EmailAddresses,
            (ConvertTo-Deserialized $mailbox).EmailAddresses, [pscustomobject]@{ Name = 'Local'; NumberMask = '*' }
        Unlimited           = 5, '5', 'Unlimited', 5L, [timespan]::FromDays(30), 5.0
        SecurePin           = '5643892', 5643892, $secure
        String              = 'contoso.com/Users', 1
        'String[]'          = 'x', @('x', 'y'), 1
        Boolean             = $true, 0
        SwitchParameter     = $true
        Int32               = 5, '5'
        DateTime            = (Get-Date), '2026-01-01'
        PSCredential        = [pscredential]::new('x', $secure)
        PSObject            = [pscustomobject]@{ Name = 'N' }
        Object              = 1
    }
    # Of our own types also themselves, and what became of them elsewhere.
    foreach ($own in 'UmObjectIdentity', 'MultiValuedProperty', 'Unlimited') {
        $made = $samples[$own][0] -as "UMMailboxPin.$own"
        $samples[$own] = @($samples[$own]) + @($made, (ConvertTo-Deserialized $made))
    }
    $proxies = Open-ProxyRunspace
}

AfterAll {
    $proxies.Dispose()
    Remove-TestStore $folder
}

Describe 'A proxy of <Name>' -ForEach $commands {
    It 'binds every parameter of every set, with every kind of value' {
        $command = Get-Command -Name $Name
        $common = [System.Management.Automation.Cmdlet]::CommonParameters + 'WhatIf', 'Confirm'
        foreach ($set in $command.ParameterSets) {
            $mandatory = @{}
            foreach ($parameter in $set.Parameters | Where-Object IsMandatory) {
                $mandatory[$parameter.Name] = @($samples[$parameter.ParameterType.Name])[0]
            }
            # Nothing is to be changed: what is tried is whether it binds.
            if ($command.Parameters.ContainsKey('WhatIf')) { $mandatory['WhatIf'] = $true }
            foreach ($parameter in $set.Parameters | Where-Object Name -notin $common) {
                $samples.ContainsKey($parameter.ParameterType.Name) |
                    Should -BeTrue -Because "-$($parameter.Name) is of the type $($parameter.ParameterType)"
                foreach ($value in $samples[$parameter.ParameterType.Name]) {
                    $arguments = $mandatory.Clone()
                    $arguments[$parameter.Name] = $value
                    $null = Invoke-There $proxies $Name $arguments
                    $Failures | Where-Object { Test-BindingFailure $_ } |
                        Should -BeNullOrEmpty -Because "$Name -$($parameter.Name) ($($value.GetType().Name) $value)"
                }
            }
        }
    }
}

Describe 'Through proxies' {
    It 'an identity is the same in every form: <_>' -ForEach 'text', 'guid', 'object', 'deserialized', 'state',
        'table' {
        $mailbox = Get-UMMailbox tonysmith
        $value = switch ($_) {
            'text' { 'tonysmith@contoso.com' }
            'guid' { $mailbox.Guid }
            'object' { $mailbox }
            'deserialized' { ConvertTo-Deserialized $mailbox }
            'state' { Get-UMMailboxPIN tonysmith }
            'table' { @{ DistinguishedName = $mailbox.DistinguishedName } }
        }
        (Invoke-There $proxies 'Get-UMMailboxPIN' @{ Identity = $value }).UserID | Should -Be 'tonysmith@contoso.com'
        $Failures | Should -BeNullOrEmpty
        if ($_ -ne 'table') {
            (Invoke-There $proxies 'Get-UMMailboxPIN' @{} $value).UserID | Should -Be 'tonysmith@contoso.com'
        }
    }

    It 'what is no identity is refused' {
        $null = Invoke-There $proxies 'Get-UMMailboxPIN' @{ Identity = [pscustomobject]@{ Other = 1 } }
        $Failures.Count | Should -Be 1
        $null = Invoke-There $proxies 'Get-UMMailboxPIN' @{ Identity = @('tonysmith', 'tony') }
        $Failures.Count | Should -Be 1
    }

    It 'lists are replaced and edited' {
        $null = Invoke-There $proxies 'Set-UMDialPlan' @{
            Identity = 'Redmond'
            AccessTelephoneNumbers = 4255550100, '4255550101'
        }
        $null = Invoke-There $proxies 'Set-UMDialPlan' @{
            Identity = 'Redmond'
            AccessTelephoneNumbers = @{ Add = '4255550102'; Remove = 4255550100 }
        }
        (Get-UMDialPlan Redmond).AccessTelephoneNumbers | Should -Be '4255550101', '4255550102'
        $null = Invoke-There $proxies 'Set-UMDialPlan' @{ Identity = 'Redmond'; AccessTelephoneNumbers = $null }
        (Get-UMDialPlan Redmond).AccessTelephoneNumbers | Should -BeNullOrEmpty
    }

    It 'counts and time spans arrive' {
        $null = Invoke-There $proxies 'Set-UMMailboxPolicy' @{
            Identity = 'Redmond Default Policy'
            PINLifetime = [timespan]::FromDays(30)
            LockoutDuration = '00:45:00'
            MaxLogonAttempts = 12
        }
        $policy = Get-UMMailboxPolicy
        $policy.PINLifetime, $policy.LockoutDuration, $policy.MaxLogonAttempts |
            Should -Be '30.00:00:00', '00:45:00', 12
    }

    It 'a PIN to try is text, a number or a SecureString' {
        $null = Set-UMMailboxPIN tonysmith -Pin 0719285 -PinExpired $false
        $secure = ConvertTo-SecureString 0719285 -AsPlainText -Force
        foreach ($pin in '0719285', $secure) {
            (Invoke-There $proxies 'Test-UMMailboxPIN' @{ Identity = 'tonysmith'; Pin = $pin }).Result |
                Should -Be 'Accepted'
        }
    }
}

Describe 'A SecureString through a proxy that declares a string' {
    It 'is refused with the reason, and nobody gets its type''s name for a PIN' {
        $before = Get-UMMailboxPIN tonysmith | Select-Object * | Out-String
        $null = Invoke-There $proxies 'Set-UMMailboxPIN' @{
            Identity = 'tonysmith'
            Pin = (ConvertTo-SecureString 5820419 -AsPlainText -Force)
        }
        "$($Failures[0])" | Should -Match 'proxy function'
        Get-UMMailboxPIN tonysmith | Select-Object * | Out-String | Should -Be $before
    }
}

Describe 'A typed wrapper' {
    It 'converts as the cmdlets do' {
        function Get-State([UMMailboxPin.UmObjectIdentity] $Who) { (Get-UMMailboxPIN -Identity $Who).UserID }
        Get-State tonysmith | Should -Be 'tonysmith@contoso.com'
        Get-State (Get-UMMailbox tonysmith) | Should -Be 'tonysmith@contoso.com'
        function Write-Rule([UMMailboxPin.Unlimited] $Lifetime) {
            Set-UMMailboxPolicy 'Redmond Default Policy' -PINLifetime $Lifetime
        }
        Write-Rule 20
        (Get-UMMailboxPolicy).PINLifetime | Should -Be '20.00:00:00'
        Write-Rule (New-TimeSpan -Days 25)
        (Get-UMMailboxPolicy).PINLifetime | Should -Be '25.00:00:00'
        function Test-Pin([UMMailboxPin.SecurePin] $Pin) { (Test-UMMailboxPIN tonysmith -Pin $Pin).Result }
        $null = Set-UMMailboxPIN tonysmith -Pin 6719285 -PinExpired $false
        Test-Pin 6719285 | Should -Be 'Accepted'
        Test-Pin '6719285' | Should -Be 'Accepted'
    }

    It 'takes -as' {
        ('x' -as [UMMailboxPin.UmObjectIdentity]).ToString() | Should -BeExactly 'x'
        (5 -as [UMMailboxPin.Unlimited]).ToString() | Should -BeExactly '5'
        ([timespan]'1.00:00:00' -as [UMMailboxPin.Unlimited]).ToString() | Should -BeExactly '1.00:00:00'
        (@('a', 'b') -as [UMMailboxPin.MultiValuedProperty]).ToString() | Should -BeExactly 'a, b'
        $true -as [UMMailboxPin.Unlimited] | Should -BeNullOrEmpty
        , @('a', 'b') -as [UMMailboxPin.UmObjectIdentity] | Should -BeNullOrEmpty
        "$('1234' -as [UMMailboxPin.SecurePin])" | Should -Not -Match '1234'
    }
}

Describe 'A role that lists parameters' {
    BeforeAll {
        $role = Join-Path $folder 'helpdesk.pssc'
        New-PSSessionConfigurationFile -Path $role -SessionType RestrictedRemoteServer -ModulesToImport $UMModule `
            -VisibleCmdlets @(
            @{
                Name = 'Set-UMMailboxPIN'
                Parameters = @{ Name = 'Identity' }, @{
                    Name = 'Pin'
                    ValidatePattern = '^\d+$'
                }, @{ Name = 'PassThru' }
            }
            @{ Name = 'Get-UMMailboxPIN'; Parameters = @{ Name = 'Identity' }, @{ Name = 'ResultSize' } }
            @{
                Name = 'Set-UMMailboxPolicy'
                Parameters = @{ Name = 'Identity' }, @{ Name = 'PINLifetime' }, @{
                    Name = 'AllowedInCountryOrRegionGroups'
                }
            }
            @{ Name = 'Test-UMMailboxPIN'; Parameters = @{ Name = 'Identity' }, @{ Name = 'Pin' } }
        )
        $desk = [runspacefactory]::CreateRunspace([initialsessionstate]::CreateFromSessionConfigurationFile($role))
        $desk.Open()
    }

    AfterAll { if ($desk) { $desk.Dispose() } }

    It 'resets PINs by text, and only by what it lists' {
        $desk.SessionStateProxy.LanguageMode | Should -Be 'NoLanguage'
        $state = Invoke-There $desk 'Set-UMMailboxPIN' @{ Identity = 'tonysmith'; Pin = '5820419'; PassThru = $true }
        $state.UserID | Should -Be 'tonysmith@contoso.com'
        $Failures | Should -BeNullOrEmpty
        (Invoke-There $desk 'Test-UMMailboxPIN' @{ Identity = 'tonysmith'; Pin = '5820419' }).Result |
            Should -Be 'Accepted'
        $null = Invoke-There $desk 'Set-UMMailboxPIN' @{ Identity = 'tonysmith'; LockedOut = $true }
        $Failures.Count | Should -Be 1
        $null = Invoke-There $desk 'Disable-UMMailbox' @{ Identity = 'tonysmith'; Confirm = $false }
        $Failures.Count | Should -Be 1
        (Get-UMMailboxPIN tonysmith).LockedOut | Should -BeFalse
    }

    It 'takes objects, counts and lists' {
        $remote = ConvertTo-Deserialized (Get-UMMailbox tonysmith)
        (Invoke-There $desk 'Get-UMMailboxPIN' @{ Identity = $remote }).UserID | Should -Be 'tonysmith@contoso.com'
        @(Invoke-There $desk 'Get-UMMailboxPIN' @{ ResultSize = 1 }).Count | Should -Be 1
        $null = Invoke-There $desk 'Set-UMMailboxPolicy' @{
            Identity = 'Redmond Default Policy'
            PINLifetime = 40
            AllowedInCountryOrRegionGroups = @{ Add = 'Local' }
        }
        $Failures | Should -BeNullOrEmpty
        (Get-UMMailboxPolicy).PINLifetime | Should -Be '40.00:00:00'
        (Get-UMMailboxPolicy).AllowedInCountryOrRegionGroups | Should -Be 'Local'
    }
}

Describe 'Abbreviations' {
    It 'never turn a PIN into PIN-less access: -<_>' -ForEach 'PIN', 'Pin', 'pi', 'p' {
        $before = Get-UMMailbox tonysmith | Select-Object * | Out-String
        $arguments = @{ $_ = 1234 }
        try { Set-UMMailbox tonysmith @arguments -ErrorAction Stop } catch { $refused = $_ }
        $refused | Should -Not -BeNullOrEmpty
        if ($_ -eq 'PIN') { "$refused" | Should -Match 'Set-UMMailboxPIN' }
        "$refused" | Should -Not -Match '1234'
        Get-UMMailbox tonysmith | Select-Object * | Out-String | Should -Be $before
        (Get-UMMailbox tonysmith).PinlessAccessToVoiceMailEnabled | Should -BeFalse
    }

    It 'never set a rule that was not meant: -<_>' -ForEach 'Lifetime', 'Lockout', 'Lock', 'PIN', 'Max' {
        $before = Get-UMMailboxPolicy | Select-Object * | Out-String
        $arguments = @{ $_ = 9 }
        { Set-UMMailboxPolicy 'Redmond Default Policy' @arguments -ErrorAction Stop } | Should -Throw
        Get-UMMailboxPolicy | Select-Object * | Out-String | Should -Be $before
    }

    It 'never replace all addresses' {
        { Set-Mailbox tonysmith -EmailAddress x@contoso.com -ErrorAction Stop } | Should -Throw
        { Set-Mailbox tonysmith -EmailAddressPolicyEnabled $false -ErrorAction Stop } | Should -Not -Throw
        (Get-Mailbox tonysmith).PrimarySmtpAddress | Should -Be 'tonysmith@contoso.com'
    }

    It 'never reach a parameter of another meaning by the name of another cmdlet''s' {
        # What each name binds to where it is only the beginning of a parameter; anything new here is to be looked at.
        $same = @(
            'Set-UMDialPlan -Force = ForceUpgrade', 'Set-UMMailboxPolicy -Force = ForceUpgrade'
            'Enable-UMMailbox -Extension = Extensions', 'Get-Mailbox -RecipientType = RecipientTypeDetails'
            # Narrows what is read, to nothing, and says so.
            'Get-Mailbox -Organization = OrganizationalUnit', 'Get-UMMailbox -Organization = OrganizationalUnit'
        )
        $all = Get-Command -Module UMMailboxPin, UMMailboxPin.ExchangeCompat
        $common = [System.Management.Automation.Cmdlet]::CommonParameters
        $names = $all.Parameters.Keys | Where-Object { $_ -notin $common } | Sort-Object -Unique
        $reached = foreach ($command in $all) {
            foreach ($name in $names | Where-Object { -not $command.Parameters.ContainsKey($_) }) {
                $bound = try { $command.ResolveParameter($name) } catch { $null }
                if ($bound) { "$($command.Name) -$name = $($bound.Name)" }
            }
        }
        $reached | Where-Object { $_ -notin $same } | Should -BeNullOrEmpty
    }
}
