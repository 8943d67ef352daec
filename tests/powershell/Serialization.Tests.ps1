#Requires -Modules Pester
# Objects through Start-Job: what remoting, Export-Clixml and scheduled jobs do to them.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed -Pickup
    $null = Enable-UMMailbox tonysmith -UMMailboxPolicy 'Redmond Default Policy' -Extensions 51234, 51999 -PIN 5643892
    function Receive-FromJob([scriptblock] $Script) { Start-Job -ScriptBlock $Script | Receive-Job -Wait -AutoRemoveJob }
}

AfterAll { Remove-TestStore $folder }

Describe 'Objects from a job' {
    It 'keep the types of Get-UMMailboxPIN''s properties' {
        $pin = Receive-FromJob { Get-UMMailboxPIN tonysmith }
        $pin.psobject.TypeNames[0] | Should -Be 'Deserialized.Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin'
        $pin.UserID | Should -BeOfType ([string])
        $pin.UserID + 'x' | Should -Be 'tonysmith@contoso.comx'
        foreach ($name in 'PinExpired', 'FirstTimeUser', 'LockedOut', 'IsValid') { $pin.$name | Should -BeOfType ([bool]) }
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

    It 'bring their errors with them' {
        $failed = $null
        $null = Start-Job { Set-UMMailboxPIN nobody } | Receive-Job -Wait -AutoRemoveJob -ErrorVariable failed -ErrorAction SilentlyContinue
        "$($failed[0])" | Should -BeLike "*couldn't be found on*"
        $failed[0].CategoryInfo.Reason | Should -Be 'ManagementObjectNotFoundException'
    }
}
