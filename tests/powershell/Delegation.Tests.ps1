#Requires -Modules Pester
# The roles that come with the module (RoleCapabilities) and its session configuration (JEA): what each may, and what it
# may not, also when somebody tries hard. Two ways in: a runspace made from the very files, with the groups that the
# test says; and a real remote session, to a PowerShell of its own that serves a role, through which Import-PSSession
# imports. An endpoint of WinRM, which only Windows has, is not among them.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $skipped = @{ Skip = $PSVersionTable.PSVersion.Major -lt 7
        Tag = 'Windows PowerShell serves no session from a file' }
    $roles = @(
        @{ Group = 'UM Help Desk'; Role = 'UMHelpDesk'
            May = 'Get-UMMailbox', 'Get-UMMailboxPIN', 'Lock-UMMailbox', 'Set-UMMailboxPIN', 'Unlock-UMMailbox' }
        @{ Group = 'UM PIN Operators'; Role = 'UMPinOperator'
            May = 'Get-UMMailbox', 'Get-UMMailboxPIN', 'Lock-UMMailbox', 'Set-UMMailboxPIN', 'Unlock-UMMailbox' }
        @{ Group = 'UM Auditors'; Role = 'UMAuditor'
            May = 'Get-UMDialPlan', 'Get-UMMailbox', 'Get-UMMailboxPIN', 'Get-UMMailboxPolicy',
                'Get-UMPinConfiguration', 'Get-UMPinOutbox',
            'Search-UMAdminAuditLog', 'Test-UMPinStore' }
    )
}

BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed -Pickup
    $mayAlways = 'Clear-Host', 'Exit-PSSession', 'Get-Command', 'Get-FormatData', 'Get-Help', 'Measure-Object',
        'Out-Default', 'Select-Object'
    $base = (Get-Module UMMailboxPin).ModuleBase
    $configuration = "$base/JEA/Microsoft.Exchange.pssc"
    $used = $configuration
    if ((Split-Path -Leaf $base) -ne 'UMMailboxPin') {
        # In a folder of its version PowerShell finds no role by name: then by file, as docs/delegation.md says.
        $used = "$folder/Microsoft.Exchange.pssc"
        $text = [System.IO.File]::ReadAllText($configuration)
        $files = "RoleCapabilityFiles = '$base/RoleCapabilities/`$1.psrc'"
        $text = $text -replace "RoleCapabilities = 'UMMailboxPin\\(\w+)'", $files
        [System.IO.File]::WriteAllText($used, $text)
    }

    # A runspace of the shipped configuration, for somebody in these groups.
    function Open-Runspace([string[]] $Groups) {
        $state = [initialsessionstate]::CreateFromSessionConfigurationFile($used, [Func[string,
            bool]] { $args[0] -in $Groups }.GetNewClosure())
        $runspace = [runspacefactory]::CreateRunspace($state)
        $runspace.Open()
        $runspace
    }

    # One command there; its errors, thrown or written, are in Refusals.
    function Invoke-In([runspace] $Runspace, [string] $Name, [System.Collections.IDictionary] $Parameters = @{}) {
        $shell = [powershell]::Create()
        $shell.Runspace = $Runspace
        $null = $shell.AddCommand($Name).AddParameters($Parameters)
        $script:Refusals = @()
        try { $shell.Invoke() }
        catch { $script:Refusals = @($_.Exception.InnerException) }
        finally {
            $script:Refusals += @($shell.Streams.Error)
            $shell.Dispose()
        }
    }

    # A session with a PowerShell of its own that serves what the file says: by SSH's transport, with a script in the
    # place of ssh. Windows starts ssh.exe alone; there the same protocol runs through the other's pipes.
    $openSession = {
        [CmdletBinding()] param([string] $Served)
        if ($IsLinux -or $IsMacOS) {
            $env:PATH = ($Served -replace '\.pssc$', '-bin:') + $env:PATH
            return New-PSSession -HostName localhost -ErrorAction Stop
        }
        $other = [System.Management.Automation.Runspaces.PowerShellProcessInstance]::new()
        '-ConfigurationFile', $Served | ForEach-Object { $other.Process.StartInfo.ArgumentList.Add($_) }
        $types = [System.Management.Automation.Runspaces.TypeTable]::LoadDefaultTypeFiles()
        $runspace = [runspacefactory]::CreateOutOfProcessRunspace($types, $other)
        $runspace.Open()
        [System.Management.Automation.Runspaces.PSSession]::Create($runspace, 'Process', $PSCmdlet)
    }

    # A remote session whose other end shows the role and nothing else: the role's own file, in the session type of the
    # configuration.
    function Open-Remote([string] $Role) {
        $type = (Import-PowerShellDataFile -LiteralPath $configuration).SessionType
        $text = Get-Content -Raw -LiteralPath "$base/RoleCapabilities/$Role.psrc"
        $served = "$folder/$Role.pssc"
        Set-Content -LiteralPath $served -Value ($text -replace '(?m)^@\{',
            "@{ SchemaVersion = '2.0.0.0'; SessionType = '$type'")
        $programs = "$folder/$Role-bin"
        $null = New-Item -ItemType Directory -Force -Path $programs
        Set-Content -LiteralPath "$programs/ssh" -Value "#!/bin/sh", "export PSModulePath='$env:PSModulePath'",
            "exec '$(Get-OwnShell)' -sshs -NoLogo -NoProfile -ConfigurationFile '$served'"
        if ($IsLinux -or $IsMacOS) { chmod 700 "$programs/ssh" }
        $path = $env:PATH
        try { & $openSession $served }
        finally { $env:PATH = $path }
    }

    function Invoke-Text([string] $Line, [System.Management.Automation.Runspaces.PSSession] $Session = $desk) {
        $quietly = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = 'script:Refusals' }
        Invoke-Command -Session $Session -ScriptBlock ([scriptblock]::Create($Line)) @quietly
    }

    function Get-PinVersion { (Get-UMMailboxPIN tonysmith).PinLastSet.Ticks }
    function Get-Mail { Get-ChildItem "$folder/pickup" -Filter *.eml }
    $null = Enable-UMMailbox tonysmith -UMMailboxPolicy 'Redmond Default Policy' -Extensions 51234 -PIN 5643892
}

AfterAll { Remove-TestStore $folder }

Describe 'The files' {
    It 'are well formed, and list no cmdlet, parameter or role that there is not' {
        $shipped = Import-PowerShellDataFile -LiteralPath $configuration
        $shipped.SessionType | Should -Be 'RestrictedRemoteServer'
        $shipped.RunAsVirtualAccount | Should -BeTrue
        $named = $shipped.RoleDefinitions.Values | ForEach-Object { $_.RoleCapabilities -replace '^UMMailboxPin\\' }
        $files = Get-ChildItem -LiteralPath "$base/RoleCapabilities" -Filter *.psrc
        $named | Sort-Object | Should -Be ($files.BaseName | Sort-Object)
        foreach ($file in $files) {
            foreach ($visible in (Import-PowerShellDataFile -LiteralPath $file.FullName).VisibleCmdlets) {
                $name = if ($visible -is [string]) { $visible } else { $visible.Name }
                $command = Get-Command -Module UMMailboxPin -Name $name
                $command | Should -Not -BeNullOrEmpty
                if ($visible -is [string]) { continue }
                $visible.Parameters | ForEach-Object { $command.Parameters.Keys | Should -Contain $_.Name }
            }
        }
    }
}

Describe 'A session of <Group>' -ForEach $roles {
    It 'sees its own cmdlets and no other command' {
        $runspace = Open-Runspace $Group
        try {
            $runspace.SessionStateProxy.LanguageMode | Should -Be 'NoLanguage'
            (Invoke-In $runspace Get-Command).Name | Sort-Object | Should -Be (@($May) + $mayAlways | Sort-Object)
            foreach ($hidden in (Get-Command -Module UMMailboxPin, Microsoft.PowerShell.* |
                Where-Object Name -notin ($May + $mayAlways))) {
                $null = Invoke-In $runspace $hidden.Name @{}
                $Refusals[0].ErrorRecord.FullyQualifiedErrorId |
                    Should -Be 'CommandNotFoundException' -Because $hidden.Name
            }
        }
        finally { $runspace.Dispose() }
    }
}

Describe 'Somebody in none of the groups' {
    It 'sees no UM cmdlet' {
        $runspace = Open-Runspace 'Users'
        try { (Invoke-In $runspace Get-Command).Name | Where-Object { $_ -match '-UM' } | Should -BeNullOrEmpty }
        finally { $runspace.Dispose() }
    }
}

Describe 'A help desk' {
    BeforeAll { $runspace = Open-Runspace 'UM Help Desk' }
    AfterAll { $runspace.Dispose() }

    It 'reads, resets, locks and unlocks' {
        (Invoke-In $runspace Get-UMMailbox @{ Anr = 'tony' }).Name | Should -Be 'Tony Smith'
        (Invoke-In $runspace Get-UMMailboxPIN @{ Identity = 'tonysmith' }).UserID | Should -Be 'tonysmith@contoso.com'
        Get-Mail | Remove-Item
        $null = Invoke-In $runspace Set-UMMailboxPIN @{ Identity = 'tonysmith'; PinExpired = $true; SendEmail = $true;
            Confirm = $false }
        $Refusals | Should -BeNullOrEmpty
        Get-Mail | Get-Content -Raw | Should -Match '(?m)^To:.*tonysmith@contoso.com'
        (Test-UMMailboxPIN tonysmith -Pin 5643892).Result | Should -Be 'Refused'
        $null = Invoke-In $runspace Lock-UMMailbox @{ Identity = 'tonysmith' }
        (Get-UMMailboxPIN tonysmith).LockedOut | Should -BeTrue
        $null = Invoke-In $runspace Unlock-UMMailbox @{ Identity = 'tonysmith' }
        (Get-UMMailboxPIN tonysmith).LockedOut | Should -BeFalse
        $null = Invoke-In $runspace Set-UMMailboxPIN @{ Identity = 'tonysmith'; LockedOut = $true }
        (Get-UMMailboxPIN tonysmith).LockedOut | Should -BeTrue
        $before = Get-PinVersion
        $null = Invoke-In $runspace Set-UMMailboxPIN @{ Identity = 'tonysmith'; LockedOut = $false; WhatIf = $true }
        $Refusals | Should -BeNullOrEmpty
        Get-PinVersion | Should -Be $before
        (Get-UMMailboxPIN tonysmith).LockedOut | Should -BeTrue
    }

    It 'takes the empty PIN that portals send for a generated one' {
        $before = Get-PinVersion
        $null = Invoke-In $runspace Set-UMMailboxPIN @{ Identity = 'tonysmith'; Pin = '' }
        $Refusals | Should -BeNullOrEmpty
        Get-PinVersion | Should -BeGreaterThan $before
    }

    It 'neither types a PIN, nor has it sent elsewhere or not at all, nor gets it: <_>' -ForEach @(
        'Pin', 'PIN', 'Pi', 'NotifyEmail', 'Notify', 'SendEmail', 'Send', 'PassThru', 'ThrottleLimit',
            'DomainController', 'IgnoreDefaultScope'
    ) {
        $before = Get-PinVersion
        Get-Mail | Remove-Item
        foreach ($value in 1985848, '1985848', $false, 0, 'somebody@contoso.com') {
            # On these, what binds is not what is tried here.
            if ($_ -like 'Pin' -and $value -in $false, 0 -or $_ -like 'Send*' -and $value -eq 1985848) { continue }
            $null = Invoke-In $runspace Set-UMMailboxPIN @{ Identity = 'tonysmith'; $_ = $value }
            $Refusals.Count | Should -Be 1 -Because "-$_ $value"
        }
        Get-PinVersion | Should -Be $before
        Get-Mail | Should -BeNullOrEmpty
    }
}

Describe 'Those who may also type PINs' {
    BeforeAll { $runspace = Open-Runspace 'UM PIN Operators' }
    AfterAll { $runspace.Dispose() }

    It 'set a PIN of their own choice, and its owner is told' {
        Get-Mail | Remove-Item
        $null = Invoke-In $runspace Set-UMMailboxPIN @{ Identity = 'tonysmith'; Pin = '0482915'; PinExpired = $false;
            DomainController = '' }
        $Refusals | Should -BeNullOrEmpty
        (Test-UMMailboxPIN tonysmith -Pin 0482915).Result | Should -Be 'Accepted'
        @(Get-Mail).Count | Should -Be 1
        $before = Get-PinVersion
        foreach ($refused in @{ SendEmail = $false }, @{ NotifyEmail = 'somebody@contoso.com' }) {
            $null = Invoke-In $runspace Set-UMMailboxPIN (@{ Identity = 'tonysmith'; Pin = '7482915' } + $refused)
            $Refusals.Count | Should -Be 1
        }
        Get-PinVersion | Should -Be $before
    }

    It 'may still do so when they are of the help desk too' {
        $both = Open-Runspace 'UM Help Desk', 'UM PIN Operators'
        try {
            $null = Invoke-In $both Set-UMMailboxPIN @{ Identity = 'tonysmith'; Pin = '6482915'; PinExpired = $false }
            $Refusals | Should -BeNullOrEmpty
            (Test-UMMailboxPIN tonysmith -Pin 6482915).Result | Should -Be 'Accepted'
        }
        finally { $both.Dispose() }
    }
}

Describe 'Auditors' {
    It 'read the trail, the self-check, the rules and the settings, and are shown no PIN' {
        $null = Set-UMMailboxPIN tonysmith -Pin 3918275 -WarningAction SilentlyContinue
        $runspace = Open-Runspace 'UM Auditors'
        try {
            $read = foreach ($name in 'Search-UMAdminAuditLog', 'Get-UMMailboxPolicy', 'Get-UMDialPlan',
                'Get-UMPinConfiguration', 'Get-UMPinOutbox', 'Get-UMMailboxPIN', 'Get-UMMailbox') {
                Invoke-In $runspace $name
                $Refusals | Should -BeNullOrEmpty -Because $name
            }
            $read.CmdletName | Should -Contain 'Set-UMMailboxPIN'
            $read | ForEach-Object { $_ | Select-Object * | Out-String } | Should -Not -Match '3918275'
            @(Invoke-In $runspace Test-UMPinStore).Count | Should -BeGreaterThan 0
            # Of the help desk too: that adds the help desk's, and nothing else.
            $both = Open-Runspace 'UM Auditors', 'UM Help Desk'
            try {
                $null = Invoke-In $both Set-UMMailboxPIN @{ Identity = 'tonysmith';
                    NotifyEmail = 'somebody@contoso.com' }
                $Refusals.Count | Should -Be 1
                (Invoke-In $both Get-UMMailboxPIN @{ Identity = 'tonysmith' }).UserID |
                    Should -Be 'tonysmith@contoso.com'
            }
            finally { $both.Dispose() }
        }
        finally { $runspace.Dispose() }
    }
}

Describe 'A remote session of the help desk' @skipped {
    BeforeAll {
        $desk = Open-Remote UMHelpDesk
        $canary = "$folder/broken-out"
    }
    AfterAll { if ($desk) { Remove-PSSession $desk } }

    It 'is imported, and existing scripts call what they called' {
        # Through the imported proxies only, in a PowerShell that has no module of ours.
        $before = Get-PinVersion
        Get-Mail | Remove-Item
        $lines = Invoke-FreshPwsh @"
`$session = & {$openSession} '$folder/UMHelpDesk.pssc'
# The other end finds the module as an endpoint does.
`$env:PSModulePath = ''
`$null = Import-PSSession `$session -CommandType Cmdlet, Function -AllowClobber -DisableNameChecking
if (Get-Command Set-UMMailboxPIN -CommandType Cmdlet -ErrorAction Ignore) { 'a cmdlet of this side' }
if (([bool](Get-UMMailbox tonysmith -ErrorAction SilentlyContinue)) -ne "True") { 'no voice mail' }
Set-UMMailboxPIN -Identity tonysmith -SendEmail `$true -PinExpired `$true
(Get-UMMailboxPIN tonysmith).UserID
try { Set-UMMailboxPIN -Identity tonysmith -Pin 1985848 -ErrorAction Stop; 'typed a PIN' } catch { 'refused' }
if (Get-UMMailbox nobody -ErrorAction SilentlyContinue) { 'somebody' }
Remove-PSSession `$session
"@
        $lines | Should -Be 'tonysmith@contoso.com', 'refused'
        Get-PinVersion | Should -BeGreaterThan $before
        @(Get-Mail).Count | Should -Be 1
    }

    It 'resets through the pipeline, and prints as ever' {
        $before = Get-PinVersion
        $null = Invoke-Text 'Get-UMMailbox tonysmith | Set-UMMailboxPIN'
        $Refusals | Should -BeNullOrEmpty
        Get-PinVersion | Should -BeGreaterThan $before
        (Invoke-Text 'Get-UMMailboxPIN tonysmith').psobject.TypeNames[0] |
            Should -Be 'Deserialized.Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin'
    }

    It 'is not broken out of by text: <_>' -ForEach @(
        'UMMailboxPin\Set-UMMailboxPIN tonysmith -NotifyEmail somebody@contoso.com'
        'UMMailboxPin\Get-UMMailboxPIN tonysmith'
        'Microsoft.PowerShell.Utility\Invoke-Expression 1'
        'Get-UMMailbox tonysmith | Set-UMMailboxPIN -Identity { $_ }'
        'Get-UMMailbox tonysmith | Select-Object @{ n = "a"; e = { 1 } }'
        'Get-UMMailbox tonysmith | Select-Object -ExpandProperty Name'
        'Get-UMMailboxPIN tonysmith -OutVariable x'
        'Get-UMMailboxPIN tonysmith -OutVariable env:UMPIN_STORE'
        'Get-UMMailboxPIN tonysmith -ErrorVariable +env:UMPIN_STORE'
        'Get-UMMailboxPIN tonysmith -PipelineVariable x'
        'Set-UMMailboxPIN tonysmith -Pin 1985848'
        'Set-UMMailboxPIN tonysmith -SendEmail:$false'
        'Set-UMMailboxPIN tonysmith -SendEmail:0'
        '$x = 1'
        '$ExecutionContext.SessionState.LanguageMode = "FullLanguage"'
        '[System.IO.File]::ReadAllText("/etc/passwd")'
        'function Set-UMMailboxPIN { 1 }'
        '& (Get-Command Set-UMMailboxPIN) tonysmith'
        'Get-UMMailboxPIN tonysmith > ./broken-out'
        'Get-UMMailboxPIN tonysmith | Out-Default -Transcript'
        'Get-Command -Name Set-UMMailboxPIN -All'
        'Get-Command -Name Set-UMMailboxPIN -Syntax'
        'Get-Help -Name Set-UMMailboxPIN -Path /etc'
        '"$env:UMPIN_KEY_FILE"'
        'Get-Content $env:UMPIN_KEY_FILE'
        'Import-Module Microsoft.PowerShell.Management'
        'Set-Mailbox tonysmith -EmailAddresses x@contoso.com'
        'umpin deliver'
        '/bin/sh -c id'
    ) {
        $before = Get-PinVersion
        $shown = Invoke-Text $_
        $Refusals.Count | Should -Be 1
        $shown | Should -BeNullOrEmpty
        "$Refusals" | Should -Not -Match 'store/umpin.key|root:'
        Get-PinVersion | Should -Be $before
    }

    It 'is shown no more of a command than its name and parameters' {
        $seen = Invoke-Text 'Get-Command Set-UMMailboxPIN | Select-Object Name, CommandType, Parameters'
        [System.Management.Automation.CommandTypes] $seen.CommandType | Should -Be 'Function'
        $common = [System.Management.Automation.Cmdlet]::CommonParameters + 'ProgressAction'
        $seen.Parameters.Keys | Where-Object { $_ -notin $common } | Sort-Object |
            Should -Be 'Confirm', 'Identity', 'LockedOut', 'Pin', 'PinExpired', 'SendEmail', 'WhatIf'
        Invoke-Text 'Get-Command -Module UMMailboxPin' | Should -BeNullOrEmpty
    }

    It 'runs no script block that comes as a value: -<Parameter> of <Command>' -ForEach @(
        @{ Command = 'Get-UMMailboxPIN'; Parameter = 'Identity' }, @{ Command = 'Set-UMMailboxPIN';
            Parameter = 'Identity' }
        @{ Command = 'Get-UMMailbox'; Parameter = 'Filter' }, @{ Command = 'Select-Object'; Parameter = 'Property' }
        @{ Command = 'Measure-Object'; Parameter = 'Property' }
    ) {
        $code = [scriptblock]::Create("[System.IO.File]::WriteAllText('$canary', 'x'); 'tonysmith'")
        foreach ($value in $code, @{ Name = 'a'; Expression = $code }, [pscustomobject]@{ Identity = $code }) {
            $shell = [powershell]::Create()
            $shell.Runspace = $desk.Runspace
            try {
                if ($Command -ne 'Get-UMMailbox') {
                    $null = $shell.AddCommand('Get-UMMailbox').AddParameter('Identity', 'tonysmith')
                }
                $null = $shell.AddCommand($Command).AddParameter($Parameter, $value)
                try { $null = $shell.Invoke() } catch { $null = $_ }
            }
            finally { $shell.Dispose() }
            Test-Path -LiteralPath $canary | Should -BeFalse
        }
    }
}

Describe 'A remote session of those who type PINs' @skipped {
    It 'serves the few lines of a provisioning product' {
        $session = Open-Remote UMPinOperator
        try {
            $wanted = @{ CommandName = 'Set-UMMailboxPIN'; Prefix = 'There' }
            $module = Import-PSSession $session -AllowClobber -DisableNameChecking @wanted
            $asked = @{ Pin = '0571392'; PinExpired = $false; DomainController = '' }
            Set-ThereUMMailboxPIN -Identity 'tonysmith@contoso.com' @asked
            (Test-UMMailboxPIN tonysmith -Pin 0571392).Result | Should -Be 'Accepted'
        }
        finally {
            if ($module) { Remove-Module $module }
            Remove-PSSession $session
        }
    }
}
