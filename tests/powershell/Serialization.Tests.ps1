#Requires -Modules Pester
# Objects through Start-Job: what remoting, Export-Clixml and scheduled jobs do to them.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed -Pickup
    $null = Enable-UMMailbox tonysmith -UMMailboxPolicy 'Redmond Default Policy' -Extensions 51234, 51999 -PIN 5643892
    function Receive-FromJob([scriptblock] $Script) {
        Start-Job -ScriptBlock $Script | Receive-Job -Wait -AutoRemoveJob
    }
}

AfterAll { Remove-TestStore $folder }

Describe 'Objects from a job' {
    It 'keep the types of Get-UMMailboxPIN''s properties' {
        $pin = Receive-FromJob { Get-UMMailboxPIN tonysmith }
        $pin.psobject.TypeNames[0] | Should -Be 'Deserialized.Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin'
        $pin.UserID | Should -BeOfType ([string])
        $pin.UserID + 'x' | Should -Be 'tonysmith@contoso.comx'
        foreach ($name in 'PinExpired', 'FirstTimeUser', 'LockedOut', 'IsValid') {
            $pin.$name | Should -BeOfType ([bool])
        }
        "$($pin.ObjectState)" | Should -Be 'Unchanged'
        $pin.PinLastSet | Should -BeOfType ([datetime])
        ($pin | Out-String -Stream | Where-Object { $_ -match '^UserID\s' }) | Should -Match 'tonysmith@contoso.com'
    }

    It 'keep the types of Get-UMMailbox''s properties' {
        $mailbox = Receive-FromJob { Get-UMMailbox tonysmith }
        $mailbox.UMEnabled | Should -BeOfType ([bool])
        $mailbox.Extensions.Count | Should -Be 2
        $mailbox.Extensions[0] | Should -BeOfType ([string])
        $mailbox.Extensions[0].Substring(0, 4) | Should -Be '5123'
        $mailbox.UMMailboxPolicy | Should -BeOfType ([string])
        $mailbox.UMDialPlan | Should -BeOfType ([string])
        $mailbox.Guid | Should -BeOfType ([guid])
        $mailbox.WhenChanged | Should -BeOfType ([datetime])
    }

    It 'are piped on here' {
        $mailbox = Receive-FromJob { Get-UMMailbox tonysmith }
        ($mailbox | Get-UMMailboxPIN).UserID | Should -Be 'tonysmith@contoso.com'
        Receive-FromJob { Get-UMMailboxPolicy 'Redmond Default Policy' } | Set-UMMailboxPolicy -MinPINLength 7
        (Get-UMMailboxPolicy 'Redmond Default Policy').MinPINLength | Should -Be 7
    }

    It 'print as their identities inside strings: <_>' -ForEach 'Get-UMMailbox tonysmith', 'Get-UMMailboxPolicy',
        'Get-UMDialPlan', 'Get-UMMailboxPIN tonysmith', 'Get-Mailbox tonysmith' {
        $here = & ([scriptblock]::Create($_))
        "$(Receive-FromJob ([scriptblock]::Create($_)))" | Should -Be "$here"
        "$here" | Should -Be $here.Identity
    }

    It 'bring their errors with them' {
        $failed = $null
        $null = Start-Job { Set-UMMailboxPIN nobody } |
            Receive-Job -Wait -AutoRemoveJob -ErrorVariable failed -ErrorAction SilentlyContinue
        "$($failed[0])" | Should -BeLike "*couldn't be found on*"
        $failed[0].CategoryInfo.Reason | Should -Be 'ManagementObjectNotFoundException'
    }
}

Describe 'Lists, <Where>' -ForEach @(
    @{ Where = 'here'; Read = { & $args[0] } }
    @{ Where = 'from a job'; Read = { Start-Job -ScriptBlock $args[0] | Receive-Job -Wait -AutoRemoveJob } }
    @{
        Where = 'from a file'
        Read = { & $args[0] | Export-Clixml "$folder/object.xml"; Import-Clixml "$folder/object.xml" }
    }
) {
    It 'are ArrayLists that take and lose values, as on Microsoft''s pages' {
        $mailbox = & $Read { Get-UMMailbox tonysmith }
        , $mailbox.Extensions | Should -BeOfType ([System.Collections.ArrayList])
        $mailbox.Extensions | Should -Be '51234', '51999'
        $mailbox.Extensions -eq '51999' | Should -Be '51999'
        $mailbox.Extensions[0].Substring(0, 4) | Should -Be '5123'
        $before = $mailbox.EmailAddresses.Count
        $null = $mailbox.EmailAddresses.Add('eum:51777;phone-context=Redmond')
        $mailbox.EmailAddresses.Remove('eum:51999;phone-context=Redmond')
        $mailbox.EmailAddresses.Count | Should -Be $before
        Set-Mailbox tonysmith -EmailAddresses $mailbox.EmailAddresses
        (Get-UMMailbox tonysmith).Extensions | Should -Be '51234', '51777'
        $mailbox.EmailAddresses += 'eum:51999;phone-context=Redmond'
        $mailbox.EmailAddresses = $mailbox.EmailAddresses -ne 'eum:51777;phone-context=Redmond'
        Set-Mailbox tonysmith -EmailAddresses $mailbox.EmailAddresses
        (Get-UMMailbox tonysmith).Extensions | Should -Be '51234', '51999'
    }

    It 'print their values in Export-Csv and in strings' {
        $mailbox = & $Read { Get-UMMailbox tonysmith }
        ($mailbox | Select-Object Name, Extensions | ConvertTo-Csv -NoTypeInformation)[1] |
            Should -Be '"Tony Smith","51234 51999"'
        "$($mailbox.Extensions)" | Should -Be '51234 51999'
        $mailbox | Select-Object Name, Extensions | Export-Csv "$folder/out.csv" -NoTypeInformation
        (Import-Csv "$folder/out.csv").Extensions | Should -Be '51234 51999'
        ($mailbox | Export-Csv "$folder/out.csv" -NoTypeInformation)
        Get-Content -Raw "$folder/out.csv" | Should -Not -Match 'System\.|UMMailboxPin\.'
        ($mailbox | Format-Table Extensions | Out-String) | Should -Match '\{51234, 51999\}'
    }

    It 'are readable in the audit trail' {
        Set-UMMailbox tonysmith -AirSyncNumbers 5551000, 5551001 -FaxEnabled $false
        $record = & $Read { Search-UMAdminAuditLog -Cmdlets Set-UMMailbox -ResultSize 1 }
        "$($record.CmdletParameters)" | Should -Match 'AirSyncNumbers'
        "$($record.ModifiedProperties)" -split ' ' | Sort-Object | Should -Be 'AirSyncNumbers', 'FaxEnabled'
        ($record | Format-List CmdletParameters | Out-String) | Should -Not -Match '@\{'
        ($record | ConvertTo-Csv -NoTypeInformation)[1] | Should -Not -Match 'System\.|UMMailboxPin\.|@\{'
    }

    It 'are dial groups with columns' {
        Set-UMDialPlan Redmond -ConfiguredInternationalGroups 'All,*,*,anywhere'
        $plan = & $Read { Get-UMDialPlan Redmond }
        "$($plan.ConfiguredInternationalGroups)" | Should -Be 'All,*,*,anywhere'
        Set-UMDialPlan Redmond -ConfiguredInternationalGroups $plan.ConfiguredInternationalGroups
        "$((Get-UMDialPlan Redmond).ConfiguredInternationalGroups)" | Should -Be 'All,*,*,anywhere'
    }
}
