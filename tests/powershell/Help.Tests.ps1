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
            ($help.parameters.parameter | Where-Object name -eq $parameter).description.Text | Should -Not -BeNullOrEmpty -Because "-$parameter"
        }
    }

    It 'has examples that bind' {
        foreach ($code in @($help.examples.example).code) {
            $problems = $null
            $ast = [System.Management.Automation.Language.Parser]::ParseInput($code, [ref] $null, [ref] $problems)
            $problems | Should -BeNullOrEmpty -Because $code
            foreach ($call in $ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)) {
                $called = Get-Command -Name $call.GetCommandName() -ErrorAction Ignore
                if ($called.ModuleName -notlike 'UMMailboxPin*') { continue }
                foreach ($element in $call.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                    $called.Parameters.Keys | Should -Contain $element.ParameterName -Because $code
                }
            }
        }
    }
}

Describe 'The help files' {
    It 'are made from the doc comments as they are now' {
        $documentation = "$UMModuleRoot/../dotnet/obj/UMMailboxPin/UMMailboxPin.xml"
        if (-not (Test-Path $documentation)) { Set-ItResult -Skipped -Because 'the module was not built in this checkout'; return }
        { & "$PSScriptRoot/../../tools/build-help.ps1" -Check -Target "$UMModuleRoot/.." } | Should -Not -Throw
    }

    It 'come with an about topic' {
        Join-Path $UMModuleRoot UMMailboxPin/en-US/about_UMMailboxPin.help.txt | Should -Exist
    }
}
