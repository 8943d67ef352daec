#Requires -Modules Pester
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $commands = Get-Command -Module UMMailboxPin, UMMailboxPin.ExchangeCompat | ForEach-Object { @{ Name = $_.Name } }
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

    It 'has an example that calls it' {
        @($help.examples.example).Count | Should -BeGreaterThan 0
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

    It 'come with an about topic whose lines can be pasted' {
        $topic = Join-Path $UMModuleRoot UMMailboxPin/en-US/about_UMMailboxPin.help.txt
        $first = (Get-Content -Raw $topic) -replace '(?s).*\n  FIRST STEPS\r?\n', '' -replace '(?s)\r?\n  [A-Z].*', ''
        # What is indented twice is a command.
        $lines = ($first -split "`r?`n" | Where-Object { $_ -match '^ {8}' } |
            ForEach-Object { $_.Substring(8) }) -join "`n"
        $lines | Should -Match 'Set-UMMailboxPIN'
        $folder = New-TestStore
        try {
            Copy-Item "$PSScriptRoot/../../examples/recipients.csv" "$folder/recipients.csv"
            Push-Location $folder
            $ErrorActionPreference = 'Stop'
            $null = & ([scriptblock]::Create($lines))
            @(Get-ChildItem ./Pickup -Filter *.eml).Count | Should -BeGreaterThan 0
        }
        finally {
            Pop-Location
            Remove-TestStore $folder
        }
    }
}
