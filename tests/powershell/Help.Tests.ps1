#Requires -Modules Pester
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $commands = Get-Command -Module UMMailboxPin, UMMailboxPin.ExchangeCompat | ForEach-Object { @{ Name = $_.Name } }
    # Found by the test that runs them; named here so that each is a test of its own.
    $examples = foreach ($command in $commands) {
        $number = 0
        foreach ($example in (Get-Help -Name $command.Name -Full).examples.example) {
            @{ Command = $command.Name; Number = ++$number; Code = $example.code }
        }
    }
    $topics = Get-ChildItem "$((Get-Module UMMailboxPin).ModuleBase)/en-US" -Filter about_*.help.txt |
        ForEach-Object { @{ Topic = $_.Name -replace '\.help\.txt$' } }
}

BeforeAll {
    . $PSScriptRoot/common.ps1
}

Describe 'Get-Help <Name>' -ForEach $commands {
    BeforeAll {
        $help = Get-Help -Name $Name -Full
        $command = Get-Command -Name $Name
        $common = [System.Management.Automation.Cmdlet]::CommonParameters
    }

    It 'has a synopsis and a description of its own' {
        $help.Synopsis | Should -Match '\.$'
        # What PowerShell makes up by itself is the syntax.
        $help.Synopsis | Should -Not -Match ([regex]::Escape($Name) + ' \[')
        ($help.description.Text -join '').Length | Should -BeGreaterThan 10
    }

    It 'has examples that call it' {
        @($help.examples.example).Count | Should -BeGreaterThan 1
        @($help.examples.example)[0].code | Should -Match $Name
        @($help.examples.example).remarks.Text | Where-Object { $_ } | Should -Not -BeNullOrEmpty
    }

    It 'describes every parameter' {
        foreach ($parameter in $command.Parameters.Keys | Where-Object { $_ -notin $common }) {
            ($help.parameters.parameter | Where-Object name -eq $parameter).description.Text |
                Should -Not -BeNullOrEmpty -Because "-$parameter"
        }
    }

    It 'leads to related cmdlets, and to Microsoft''s page where the cmdlet has one' {
        $links = @($help.relatedLinks.navigationLink)
        $links.linkText | Should -Contain 'about_UMMailboxPin'
        foreach ($link in $links.linkText | Where-Object { $_ -match '^\w+-' }) {
            Get-Command -Name $link | Should -Not -BeNullOrEmpty
        }
        $pages = 'https://learn.microsoft.com/powershell/module/exchange/'
        $ours = $Name -match 'UMPin|UMRecipient|Lock-UM|Unlock-UM|Test-UM|Search-UM'
        $command.HelpUri |
            Should -Be $(if ($ours) { '' } else { $pages + $Name.ToLowerInvariant() })
        if (-not $ours) { $links[0].uri | Should -Be $command.HelpUri }
    }

    It 'has examples that bind' {
        foreach ($code in @($help.examples.example).code) {
            $problems = $null
            $ast = [System.Management.Automation.Language.Parser]::ParseInput($code, [ref] $null, [ref] $problems)
            $problems | Should -BeNullOrEmpty -Because $code
            foreach ($call in $ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] },
                $true)) {
                $called = Get-Command -Name $call.GetCommandName() -ErrorAction Ignore
                if ($called.ModuleName -notlike 'UMMailboxPin*') { continue }
                foreach ($element in $call.CommandElements |
                    Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                    $called.Parameters.Keys | Should -Contain $element.ParameterName -Because $code
                }
            }
        }
    }
}

Describe 'Defaults in help' {
    It 'are what is taken: <Command> -<Parameter> <Value>' -ForEach @(
        @{
            Command = 'Set-UMMailboxPIN'
            Parameter = 'PinExpired'
            Value = 'True'
        }, @{ Command = 'Set-UMMailboxPIN'; Parameter = 'ThrottleLimit'; Value = '1' }
        @{ Command = 'Get-UMMailbox'; Parameter = 'ResultSize'; Value = '1000' }, @{
            Command = 'Disable-UMMailbox'
            Parameter = 'KeepProperties'
            Value = 'True'
        }
        @{ Command = 'Get-UMMailboxPIN'; Parameter = 'ResultSize'; Value = 'Unlimited' }
    ) {
        ((Get-Help $Command -Full).parameters.parameter | Where-Object name -eq $Parameter).defaultValue |
            Should -Be $Value
    }

    It 'are a new object''s, for the settings of <Set>' -ForEach @(
        @{
            Set = 'Set-UMMailboxPolicy'
            Read = { Get-UMMailboxPolicy }
        }, @{ Set = 'Set-UMDialPlan'; Read = { Get-UMDialPlan } }
        @{ Set = 'Set-UMMailbox'; Read = { Get-UMMailbox tonysmith } }
    ) {
        $folder = New-TestStore -Seed
        try {
            $null = Enable-UMMailbox tonysmith -UMMailboxPolicy 'Redmond Default Policy' -WarningAction SilentlyContinue
            $new = & $Read
            $told = 0
            foreach ($parameter in (Get-Help $Set -Full).parameters.parameter |
                Where-Object { $_.defaultValue -notin 'None', '' -and $new.psobject.Properties[$_.name] }) {
                "$($new.($parameter.name))" -replace '^60\.00:00:00$', '60' |
                    Should -Be $parameter.defaultValue -Because "-$($parameter.name)"
                $told++
            }
            $told | Should -BeGreaterThan 8
        }
        finally { Remove-TestStore $folder }
    }
}

Describe 'The help files' {
    It 'are made from the doc comments as they are now' {
        $documentation = "$UMModuleRoot/../dotnet/obj/UMMailboxPin/UMMailboxPin.xml"
        if (-not (Test-Path $documentation)) {
            Set-ItResult -Skipped -Because 'the module was not built in this checkout'
            return
        }
        { & "$PSScriptRoot/../../tools/build-help.ps1" -Check -Target "$UMModuleRoot/.." } | Should -Not -Throw
    }
}

Describe 'The examples of help' {
    BeforeAll {
        # One store, made once and copied for each example: people, a dial plan, two policies, some enabled, one locked.
        $made = New-TestStore -Seed -Pickup
        $default = 'Redmond Default Policy'
        $null = New-UMMailboxPolicy -Name Executives -UMDialPlan Redmond
        foreach ($person in @{ Who = 'tonysmith'; Number = 51234 }, @{ Who = 'tony'; Number = 51235 },
            @{ Who = 'jgarcia'; Number = 51240 }) {
            $null = Enable-UMMailbox $person.Who -UMMailboxPolicy $default -Extensions $person.Number -PIN 1985846
        }
        Lock-UMMailbox jgarcia
        $null = Backup-UMPinStore -Path "$made/seed.db"
        $templates = "$([System.IO.Path]::GetTempPath())/umpin-test-$([guid]::NewGuid().ToString('N'))"
        $null = New-Item -ItemType Directory -Path $templates
        Copy-Item "$made/seed.db" "$templates/um.db"
        Move-Item "$made/store/umpin.key" "$templates/umpin.key"
        Remove-TestStore $made

        # What an example of a cmdlet needs that the store has not, or must not have.
        $before = @{
            'Enable-UMMailbox'   = { Get-UMMailbox | Disable-UMMailbox -KeepProperties $false -Confirm:$false }
            'Get-Mailbox'        = { Get-UMMailbox | Disable-UMMailbox -KeepProperties $false -Confirm:$false }
            'New-UMDialPlan'     = {
                Get-UMMailbox | Disable-UMMailbox -KeepProperties $false -Confirm:$false
                Get-UMMailboxPolicy | Remove-UMMailboxPolicy -Confirm:$false
                Get-UMDialPlan | Remove-UMDialPlan -Confirm:$false
            }
            'Remove-UMDialPlan'  = {
                Get-UMMailbox | Disable-UMMailbox -KeepProperties $false -Confirm:$false
                Get-UMMailboxPolicy | Remove-UMMailboxPolicy -Confirm:$false
            }
            'Set-UMMailboxPolicy' = { $null = New-UMMailboxPolicy -Name MyUMMailboxPolicy -UMDialPlan Redmond }
            'New-UMMailboxPolicy' = { Remove-UMMailboxPolicy Executives -Confirm:$false }
            'Restore-UMPinStore' = { Backup-UMPinStore -Path ./D/Backup/um.db }
        }
        # What stands outside of this machine, or asks.
        function Get-ADUser($Filter, $Properties) {
            [pscustomobject]@{ ObjectGUID = [guid]::NewGuid(); Name = "New $Filter$Properties".Substring(0, 3);
                mail = 'new@contoso.com' }
        }
        $answer = { ConvertTo-SecureString 1985846 -AsPlainText -Force }
    }

    AfterAll { Remove-Item -Recurse -Force -LiteralPath $templates }

    It 'run: <Command> <Number>: <Code>' -ForEach $examples {
        $folder = New-TestStore
        Push-Location $folder
        try {
            if (-not $IsOnServer) {
                Copy-Item "$templates/um.db" "$folder/store"
                if ($IsLinux -or $IsMacOS) { chmod 600 "$folder/store/um.db" }
            }
            # A second name and not a copy, which may be open to more accounts. A key file is replaced, never changed.
            $null = New-Item -ItemType HardLink -Path "$folder/store/umpin.key" -Target "$templates/umpin.key"
            if ($IsOnServer) { $null = Restore-UMPinStore "$templates/um.db" -Confirm:$false }
            Copy-Item "$PSScriptRoot/../../examples/recipients.csv" .
            Set-Content ./new.csv 'Mail,Extension', 'kakers@contoso.com,51250', 'reception@contoso.com,51251'
            $null = New-Item -ItemType Directory -Path ./D/Backup, ./D/Pickup
            Set-Content ./sendmail '#!/bin/sh', 'cat >/dev/null'
            if ($IsLinux -or $IsMacOS) { chmod 700 ./sendmail }
            elseif ($Code -match '/usr/sbin/sendmail') {
                Set-ItResult -Skipped -Because 'Windows has no sendmail'
                return
            }
            $ErrorActionPreference = 'Stop'
            $ConfirmPreference = 'None'
            $WarningPreference = 'SilentlyContinue'
            if ($before[$Command]) { $null = & $before[$Command] }
            # A drive that there may not be, and a program of the system's.
            $here = $Code.Replace('D:\', './D/').Replace('/usr/sbin/sendmail', "$folder/sendmail")
            $count = $Error.Count
            # Nobody is there to answer.
            Set-Item function:Read-Host $answer
            $null = & ([scriptblock]::Create($here))
            $Error.Count | Should -Be $count
        }
        finally {
            Pop-Location
            Remove-TestStore $folder
        }
    }
}

Describe 'Help in French' {
    BeforeAll {
        # What PowerShells of their own show, in the language that the system speaks there.
        function Read-Help([string] $Culture, [string] $Names = '*') {
            $lines = Invoke-FreshPwsh @"
[cultureinfo]::CurrentUICulture = '$Culture'
Import-Module UMMailboxPin, UMMailboxPin.ExchangeCompat
`$all = foreach (`$command in Get-Command -Module UMMailboxPin, UMMailboxPin.ExchangeCompat -Name $Names) {
    `$help = Get-Help `$command.Name -Full
    [ordered]@{
        Name = `$help.Name; Synopsis = `$help.Synopsis; Description = -join `$help.description.Text
        Parameters = @(`$help.parameters.parameter | ForEach-Object {
            [ordered]@{ Name = `$_.name; Text = -join `$_.description.Text }
        })
        Examples = @(`$help.examples.example | ForEach-Object {
            [ordered]@{ Title = `$_.title; Code = `$_.code; Text = -join `$_.remarks.Text }
        })
    }
}
`$topics = foreach (`$topic in 'about_UMMailboxPin', 'about_UMMailboxPin_Security') {
    (Get-Help `$topic) -split '\s+' | Select-Object -First 1
}
`$json = ConvertTo-Json @{ Help = `$all; Topics = `$topics } -Depth 5 -Compress
# In letters that pass through any console.
[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes(`$json))
"@
            [System.Text.Encoding]::UTF8.GetString([Convert]::FromBase64String(-join $lines)) | ConvertFrom-Json
        }
        $english = Read-Help 'en-US'
        $french = Read-Help 'fr-FR'
    }

    It 'says in French whatever help says in English, and of the same things' {
        $french.Help.Name | Should -Be $english.Help.Name
        $same = for ($i = 0; $i -lt $english.Help.Count; $i++) {
            $there = $english.Help[$i]
            $here = $french.Help[$i]
            $here.Parameters.Name | Should -Be $there.Parameters.Name
            $here.Examples.Code | Should -Be $there.Examples.Code
            foreach ($part in 'Synopsis', 'Description') {
                if (-not $here.$part -or $here.$part -ceq $there.$part) { "$($there.Name): $part '$($there.$part)'" }
            }
            # A cmdlet without parameters has one without a name.
            for ($j = 0; $j -lt $there.Parameters.Count -and $there.Parameters[$j].Name; $j++) {
                $text = $here.Parameters[$j].Text
                if (-not $text -or $text -ceq $there.Parameters[$j].Text) {
                    "$($there.Name) -$($there.Parameters[$j].Name)"
                }
            }
            for ($j = 0; $j -lt $there.Examples.Count; $j++) {
                $text = $here.Examples[$j].Text
                if (-not $text -or $text -ceq $there.Examples[$j].Text) { "$($there.Name), example $($j + 1): $text" }
                $here.Examples[$j].Title | Should -Be "Exemple $($j + 1)"
            }
        }
        $same | Should -BeNullOrEmpty
    }

    It 'is what readers of <Culture> get, or English: <Language>' -ForEach @(
        @{ Culture = 'fr-CA'; Language = 'fr' }, @{ Culture = 'fr-BE'; Language = 'fr' }, @{ Culture = 'fr';
            Language = 'fr' }
        @{ Culture = 'de-DE'; Language = 'en' }, @{ Culture = 'en-GB'; Language = 'en' }
    ) {
        $told = Read-Help $Culture Set-*
        $expected = @{ fr = $french; en = $english }[$Language].Help | Where-Object Name -Like 'Set-*'
        $told.Help | ConvertTo-Json -Depth 5 | Should -BeExactly ($expected | ConvertTo-Json -Depth 5)
        $told.Topics | Select-Object -Unique | Should -Be @{ fr = 'RUBRIQUE'; en = 'TOPIC' }[$Language]
    }
}

Describe '<Topic>' -ForEach $topics {
    BeforeAll {
        $base = (Get-Module UMMailboxPin).ModuleBase
        # What is indented twice is typed: in PowerShell, unless it begins with the prompt of a shell or of Exchange's.
        function Get-Typed([string] $Language) {
            Get-Content "$base/$Language/$Topic.help.txt" -Encoding utf8 |
                Where-Object { $_ -match '^ {8}' } | ForEach-Object { $_.Substring(8) }
        }
        $typed = Get-Typed en-US
    }

    It 'stands there in French, of the same commands, and of this very English' {
        Get-Typed fr | Should -Be $typed
        # Whoever changes the English changes the French and writes the new digest here.
        $digests = Import-PowerShellDataFile "$PSScriptRoot/../../powershell/help/topics.fr.psd1"
        $text = [System.IO.File]::ReadAllText("$base/en-US/$Topic.help.txt") -replace "`r"
        $bytes = [System.Text.Encoding]::UTF8.GetBytes($text)
        $hash = [System.Security.Cryptography.SHA256]::Create().ComputeHash($bytes)
        $digests[$Topic] | Should -Be ([System.BitConverter]::ToString($hash) -replace '-').Substring(0, 16)
        foreach ($language in 'en-US', 'fr') {
            $lines = Get-Content "$base/$language/$Topic.help.txt" -Encoding utf8
            $lines | Where-Object { $_.Length -gt 80 -and $_ -notmatch '^ {8}' } | Should -BeNullOrEmpty
            # What it sends the reader to is there.
            foreach ($link in $lines | Where-Object { $_ -match '^    (about_\w+|\w+-UM\w+)$' } | ForEach-Object Trim) {
                if ($link -like 'about_*') { "$base/$language/$link.help.txt" | Should -Exist }
                else { Get-Command $link | Should -Not -BeNullOrEmpty }
            }
        }
    }

    It 'has lines that can be pasted' {
        . $PSScriptRoot/exchange-export.ps1
        $lines = ($typed | Where-Object { $_ -notmatch '^[$>] ' }) -join "`n"
        $lines | Should -Not -BeNullOrEmpty
        $folder = if ($Topic -in 'about_UMMailboxPin',
            'about_UMMailboxPin_Exchange') { New-TestStore } else { New-TestStore -Seed -Pickup }
        Push-Location $folder
        try {
            Copy-Item "$PSScriptRoot/../../examples/recipients.csv" .
            if ($Topic -eq 'about_UMMailboxPin_Exchange') {
                New-ExchangeExport "$folder/ExchangeUM" -People 8 -Others 1
            }
            if ($Topic -eq 'about_UMMailboxPin_PBX') {
                $asked = @{ UMMailboxPolicy = 'Redmond Default Policy'; Extensions = 51234; PIN = '739182' }
                $null = Enable-UMMailbox tonysmith @asked
            }
            $ErrorActionPreference = 'Stop'
            $ProgressPreference = 'SilentlyContinue'
            $null = & ([scriptblock]::Create($lines))
            $mails = switch ($Topic) { 'about_UMMailboxPin' { 2 } 'about_UMMailboxPin_Exchange' { 8 } }
            if ($mails) { @(Get-ChildItem ./Pickup -Filter *.eml).Count | Should -Be $mails }
        }
        finally {
            Pop-Location
            Remove-TestStore $folder
        }
    }
}
