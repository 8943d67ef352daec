#Requires -Modules Pester
# What stands on this side of the boundary and means something on the other: the words that Tab offers, and the types
# that [OutputType] promises. Each is tried on the cmdlet itself.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $words = [UMMailboxPin.WordCompleter]
    $field = $words.GetField('words', [System.Reflection.BindingFlags] 'NonPublic, Instance')
    $offers = foreach ($command in Get-Command -Module UMMailboxPin, UMMailboxPin.ExchangeCompat) {
        foreach ($parameter in $command.Parameters.Values) {
            $completer = $parameter.Attributes | Where-Object { $_ -is [ArgumentCompleter] }
            if ($completer -and $completer.Type.IsSubclassOf($words)) {
                @{
                    Cmdlet = $command.Name; Parameter = $parameter.Name
                    Words  = $field.GetValue([System.Activator]::CreateInstance($completer.Type))
                }
            }
        }
    }
}

BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed
    $null = Enable-UMMailbox tonysmith -UMMailboxPolicy 'Redmond Default Policy' -Extensions 51234 `
        -SendWelcomeMail $false
    # What a cmdlet needs besides the parameter that is tried.
    $needed = @{
        'Set-UMMailbox'          = @{ Identity = 'tonysmith' }
        'Set-UMMailboxPolicy'    = @{ Identity = 'Redmond Default Policy' }
        'Set-UMDialPlan'         = @{ Identity = 'Redmond' }
        'New-UMDialPlan'         = @{ Name = 'Tried'; NumberOfDigitsInExtension = 5 }
        'Set-UMPinConfiguration' = @{
            SenderAddress = 'voicemail@contoso.com'; PickupFolder = "$folder/pickup"
            Command = Get-OwnShell
        }
    }
    # The errors of one call that changes nothing.
    function Get-Refusal([string] $Cmdlet, [string] $Parameter, [string] $Word) {
        $arguments = @{ $Parameter = $Word; ErrorAction = 'SilentlyContinue'; ErrorVariable = 'refused' }
        if ($needed[$Cmdlet]) {
            foreach ($name in $needed[$Cmdlet].Keys) { $arguments[$name] = $needed[$Cmdlet][$name] }
        }
        if ((Get-Command $Cmdlet).Parameters.ContainsKey('WhatIf')) { $arguments['WhatIf'] = $true }
        $null = & $Cmdlet @arguments -WarningAction SilentlyContinue
        $refused
    }
}

AfterAll { Remove-TestStore $folder }

Describe 'Tab at <Cmdlet> -<Parameter>' -ForEach $offers {
    It 'offers only what the library takes' {
        $Words.Count | Should -BeGreaterThan 0
        foreach ($word in $Words) { Get-Refusal $Cmdlet $Parameter $word | Should -BeNullOrEmpty -Because $word }
    }

    It 'offers all of it, where there is a list' {
        if ($Words -contains 'Unlimited') { return }
        $refused = "$(Get-Refusal $Cmdlet $Parameter 'NoSuchWord')"
        $refused | Should -Not -BeNullOrEmpty
        if ($refused -match 'is none of ([\w, ]+)') {
            $Words | Sort-Object | Should -Be ($Matches[1] -split ', | and ' | Sort-Object)
        }
    }
}

Describe 'Every cmdlet' {
    It 'puts out the type that it declares, or nothing' {
        $mailbox = "$folder/more.csv"
        Set-Content -LiteralPath $mailbox -Value @(
            'Guid,Name,Alias,EmailAddresses'
            '6f0d5f7e-0000-4a53-9f0e-6f1f8a0c9d11,N,newbie,SMTP:n@contoso.com'
        )
        # In an order in which each finds what it needs.
        $calls = [ordered]@{
            'Import-UMRecipient'      = { Import-UMRecipient -Path $mailbox }
            'New-UMDialPlan'          = { New-UMDialPlan -Name Second -NumberOfDigitsInExtension 4 }
            'Get-UMDialPlan'          = { Get-UMDialPlan Second }
            'Set-UMDialPlan'          = { Set-UMDialPlan Second -FaxEnabled $false }
            'New-UMMailboxPolicy'     = { New-UMMailboxPolicy -Name Extra -UMDialPlan Second }
            'Get-UMMailboxPolicy'     = { Get-UMMailboxPolicy Extra }
            'Set-UMMailboxPolicy'     = { Set-UMMailboxPolicy Extra -MinPINLength 7 }
            'Enable-UMMailbox'        = {
                Enable-UMMailbox newbie -UMMailboxPolicy Extra -Extensions 4321 -PIN 6719285 -PINExpired $false
            }
            'Get-UMMailbox'           = { Get-UMMailbox newbie }
            'Set-UMMailbox'           = { Set-UMMailbox newbie -FaxEnabled $false }
            'Get-UMMailboxPIN'        = { Get-UMMailboxPIN newbie }
            'Test-UMMailboxPIN'       = { Test-UMMailboxPIN newbie -Pin 6719285 }
            'Set-UMMailboxPIN'        = { Set-UMMailboxPIN newbie -PassThru }
            'Lock-UMMailbox'          = { Lock-UMMailbox newbie }
            'Unlock-UMMailbox'        = { Unlock-UMMailbox newbie }
            'Get-Mailbox'             = { Get-Mailbox newbie }
            'Set-Mailbox'             = { Set-Mailbox newbie -EmailAddresses @{ Add = 'second@contoso.com' } }
            'Get-UMPinOutbox'         = { Get-UMPinOutbox }
            'Set-UMPinConfiguration'  = { Set-UMPinConfiguration -SenderAddress voicemail@contoso.com }
            'Get-UMPinConfiguration'  = { Get-UMPinConfiguration }
            # What could not be sent comes back: the folder is gone.
            'Send-UMPinOutbox'        = {
                Set-UMPinConfiguration -Transport Pickup -PickupFolder "$folder/pickup"
                Remove-Item -Recurse "$folder/pickup"
                Send-UMPinOutbox -ErrorAction SilentlyContinue
                Set-UMPinConfiguration -Transport None
            }
            'Disable-UMMailbox'       = { Disable-UMMailbox newbie -Confirm:$false }
            'Remove-UMMailboxPolicy'  = { Remove-UMMailboxPolicy Extra -Confirm:$false }
            'Remove-UMDialPlan'       = {
                Get-UMMailboxPolicy -UMDialPlan Second | Remove-UMMailboxPolicy -Confirm:$false
                Remove-UMDialPlan Second -Confirm:$false
            }
            'Search-UMAdminAuditLog'  = { Search-UMAdminAuditLog -ResultSize 3 -WarningAction SilentlyContinue }
            'Get-ADServerSettings'    = { Get-ADServerSettings }
            'Set-ADServerSettings'    = { Set-ADServerSettings -ViewEntireForest $true }
            'Backup-UMPinStore'       = { Backup-UMPinStore "$folder/copy.db" }
            'Restore-UMPinStore'      = { Restore-UMPinStore "$folder/copy.db" -Confirm:$false }
            'Update-UMPinKey'         = { Update-UMPinKey -Confirm:$false }
            'Test-UMPinStore'         = { Test-UMPinStore }
        }
        $all = (Get-Command -Module UMMailboxPin, UMMailboxPin.ExchangeCompat).Name | Sort-Object
        $all | Should -Be ($calls.Keys | Sort-Object)
        foreach ($name in $calls.Keys) {
            $out = @(& $calls[$name] 3>$null)
            $declared = (Get-Command $name).OutputType.Name
            if ($declared) { $out.Count | Should -BeGreaterThan 0 -Because "$name declares $declared" }
            foreach ($item in $out) { $item.pstypenames[0] | Should -Be $declared -Because $name }
        }
    }
}
