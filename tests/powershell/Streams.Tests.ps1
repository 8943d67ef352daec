#Requires -Modules Pester
# What -Verbose, -Debug, a progress bar and the views show, and that no PIN is in any of it.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed -Pickup
    $null = 'tonysmith', 'tony' | Enable-UMMailbox -UMMailboxPolicy 'Redmond Default Policy'

    # One call in a runspace of its own, with all of its streams.
    function Invoke-Recorded([string] $Script) {
        $shell = [powershell]::Create([System.Management.Automation.RunspaceMode]::NewRunspace)
        try {
            $null = $shell.AddScript("Import-Module '$UMModule'").Invoke()
            $shell.Commands.Clear()
            $output = @($shell.AddScript($Script).Invoke())
            [pscustomobject]@{
                Output   = $output
                Error    = @($shell.Streams.Error)
                Verbose  = @($shell.Streams.Verbose.Message)
                Debug    = @($shell.Streams.Debug.Message)
                Progress = @($shell.Streams.Progress | ForEach-Object { $_ })
            }
        }
        finally { $shell.Dispose() }
    }
    function Get-All($Recorded) {
        ($Recorded.Verbose + $Recorded.Debug + $Recorded.Error + $Recorded.Output | Out-String)
    }
}

AfterAll { Remove-TestStore $folder }

Describe '-Verbose' {
    It 'tells the story of a Set without a PIN: checked, hashed, written, sent, each with its time' {
        $said = (Invoke-Recorded 'Set-UMMailboxPIN tonysmith -Verbose').Verbose -join "`n"
        $said | Should -Match "Set-UMMailboxPIN 'tonysmith', a PIN is generated: done in [\d.]+ ms"
        $said | Should -Match "Set-UMMailboxPIN 'contoso.com/Users/.*', the PIN is hashed: done in [\d.]+ ms"
        $said | Should -Match "Set-UMMailboxPIN 'contoso.com/Users/.*' \(Commit\): done in [\d.]+ ms"
        $said | Should -Match 'Send-UMPinOutbox \(Commit\): done in [\d.]+ ms'
    }

    It 'times what was hashed before its turn, and never takes 0 ms for a hash' {
        $said = (Invoke-Recorded "'tonysmith', 'tony' | Set-UMMailboxPIN -ThrottleLimit 2 -Verbose").Verbose
        $hashed = $said | Where-Object { $_ -match 'the PIN is hashed: done in ([\d.]+) ms' }
        $hashed.Count | Should -Be 2
        $hashed | Should -Not -Match ' 0\.0 ms'
    }

    It 'tells operation, identity, mode and refusal: <Line>' -ForEach @(
        @{ Line = 'Get-UMMailboxPIN tonysmith'; Expected = "Get-UMMailboxPIN 'tonysmith': done in *ms." }
        @{
            Line = 'Get-UMMailboxPIN nobody'
            Expected = "Get-UMMailboxPIN 'nobody': ManagementObjectNotFoundException in *ms."
        }
        @{ Line = 'Get-UMMailboxPIN'; Expected = 'Get-UMMailboxPIN, 2 mailboxes: done in *ms.' }
        @{ Line = 'Get-UMMailbox tonysmith'; Expected = "Get-UMMailbox 'tonysmith' (Commit): done in *ms." }
        @{
            Line = 'Set-UMMailbox tonysmith -FaxEnabled $true'
            Expected = "Set-UMMailbox 'tonysmith' (Validate): done in *ms."
        }
        @{
            Line = 'Set-UMMailbox tonysmith -FaxEnabled $true'
            Expected = "Set-UMMailbox 'tonysmith' (Commit): done in *ms."
        }
        @{ Line = 'Test-UMMailboxPIN tonysmith -Pin 1'; Expected = "Test-UMMailboxPIN 'tonysmith': done in *ms." }
        @{ Line = 'Test-UMPinStore'; Expected = 'Test-UMPinStore (Commit): done in *ms.' }
    ) {
        $said = (Invoke-Recorded "$Line -Verbose").Verbose
        @($said -like $Expected).Count | Should -Be 1 -Because ($said -join "`n")
    }

    It 'heeds the preference, and says nothing without either' {
        (Invoke-Recorded '$VerbosePreference = "Continue"; Get-UMMailboxPIN tony').Verbose | Should -Not -BeNullOrEmpty
        (Invoke-Recorded '$VerbosePreference = "Continue"; Get-UMMailboxPIN tony -Verbose:$false').Verbose |
            Should -BeNullOrEmpty
        (Invoke-Recorded 'Get-UMMailboxPIN tony; Set-UMMailbox tony -FaxEnabled $true').Verbose | Should -BeNullOrEmpty
    }
}

Describe '-Debug' {
    It 'shows the request documents' {
        $said = (Invoke-Recorded 'Set-UMMailbox tonysmith -FaxEnabled $false -Debug').Debug
        # The order of named parameters is PowerShell's.
        @(
            $said -match '^Set-UMMailbox: {"Mode":"Validate","Parameters":{.*},"BeforeCommit":true}$'
        ).Count | Should -Be 1
        @(
            $said -match '^Set-UMMailbox: {"Mode":"Commit","Parameters":{.*"Identity":"tonysmith".*}}$'
        ).Count | Should -Be 1
        @($said -match '"FaxEnabled":false').Count | Should -Be 2
    }
}

Describe 'No stream' {
    It 'holds a PIN: <Line>' -ForEach @(
        @{ Line = 'Set-UMMailboxPIN tonysmith -Pin 7391846 -Debug -Verbose' }
        @{
            Line = 'Set-UMMailboxPIN tony -Pin (ConvertTo-SecureString 7391846 -AsPlainText -Force) -Debug -Verbose'
        }
        @{ Line = 'Test-UMMailboxPIN tonysmith -Pin 7391846 -Debug -Verbose' }
        @{ Line = 'Enable-UMMailbox obrady -UMMailboxPolicy "Redmond Default Policy" -PIN 7391846 -Debug -Verbose' }
        @{
            Line = 'Enable-UMMailbox kakers -UMMailboxPolicy (Get-UMMailboxPolicy) -PIN 7391846 -ValidateOnly ' +
                '-Debug -Verbose'
        }
        @{ Line = 'Set-UMMailbox tonysmith -Pin 7391846 -Debug -Verbose' }
        @{ Line = '[pscustomobject]@{ Identity = "tony"; PIN = "7391846" } | Set-UMMailboxPIN -Debug -Verbose' }
        @{ Line = '[pscustomobject]@{ Name = "x"; Alias = "x"; PIN = "7391846" } | Import-UMRecipient -Debug -Verbose' }
        @{ Line = 'Set-UMPinConfiguration -CommandArguments --password=7391846 -Debug -Verbose' }
    ) {
        $recorded = Invoke-Recorded $Line
        $recorded.Debug | Should -Not -BeNullOrEmpty -Because 'else nothing was tried'
        Get-All $recorded | Should -Not -Match '7391846'
    }
}

Describe 'A progress bar' {
    It 'stands while <Line> works, and goes' -ForEach @(
        @{ Line = 'Test-UMPinStore'; Activity = 'Test-UMPinStore' }
        @{ Line = 'Import-UMRecipient -Path $env:UMPIN_TEST_ROWS'; Activity = 'Import-UMRecipient' }
        # The bar comes after a second; a longer wait changes nothing.
        @{
            Line = '"tony", "tonysmith" | ForEach-Object { Start-Sleep -Milliseconds 1100; $_ } | Set-UMMailboxPIN'
            Activity = 'Set-UMMailboxPIN'
        }
    ) {
        $env:UMPIN_TEST_ROWS = "$folder/rows.csv"
        @('Guid,Name,mail') + (1..6000 |
            ForEach-Object { "$([guid]::new($_, 7, 0, [byte[]]::new(8))),Row $_,row$_@contoso.com" }) |
            Set-Content -LiteralPath $env:UMPIN_TEST_ROWS
        $shown = (Invoke-Recorded $Line).Progress | Where-Object Activity -eq $Activity
        $shown.Count | Should -BeGreaterThan 1
        $shown[0].RecordType | Should -Be 'Processing'
        $shown[-1].RecordType | Should -Be 'Completed'
        $env:UMPIN_TEST_ROWS = $null
    }

    It 'stands while the first cmdlet brings a store of an older version to today''s, and goes' {
        $old = New-Item -ItemType Directory -Path "$folder/version-1"
        if (-not $IsWindows) { chmod 700 $old }
        Copy-Item -LiteralPath "$PSScriptRoot/../fixtures/version-1/um.db" -Destination "$old/um.db"
        $store = $env:UMPIN_STORE
        try {
            $env:UMPIN_STORE = "$old/um.db"
            $recorded = Invoke-Recorded 'Get-UMMailboxPolicy | Out-Null; Get-UMDialPlan | Out-Null'
        }
        finally { $env:UMPIN_STORE = $store }
        $recorded.Error | Should -BeNullOrEmpty
        $shown = $recorded.Progress | Where-Object Activity -eq "Bringing the store to today's version"
        $shown[0].PercentComplete | Should -Be 0
        $shown[-1].PercentComplete | Should -Be 100
        $shown.Count | Should -BeGreaterThan 20
        $recorded.Progress[-1].RecordType | Should -Be 'Completed'
        (Invoke-Recorded 'Get-UMDialPlan').Progress | Should -BeNullOrEmpty
    }

    It 'does not come for what is short' {
        (Invoke-Recorded '"tony", "tonysmith" | Get-UMMailboxPIN; Set-UMMailbox tony -FaxEnabled $true').Progress |
            Where-Object Activity -like '*-UM*' | Should -BeNullOrEmpty
    }
}

Describe 'The table of PIN states' {
    It 'shows a lock with its reason and an expiry with its day' {
        Set-UMMailboxPIN tonysmith -PinExpired $false
        Lock-UMMailbox tonysmith
        $state = Get-UMMailboxPIN tonysmith
        $expires = [regex]::Escape($state.PinExpiresOn.ToString())
        $table = $state | Format-Table | Out-String -Width 200
        $table | Should -Match 'UserID +LockedOut +LockReason +PinExpired +PinExpiresOn'
        $table |
            Should -Match "tonysmith@contoso.com +True +Administrator +False +$expires"
        # The list stays what Exchange showed.
        $state | Out-String | Should -Match '(?s)UserID +:.*IsValid +:'
    }
}
