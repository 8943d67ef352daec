#Requires -Modules Pester
# Scripts of the shapes that administrators wrote for Exchange (tests/powershell/scripts), each run as a file in a
# PowerShell of its own. None imports a module: the cmdlets are found as Exchange's were.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Seed -Pickup
    $default = 'Redmond Default Policy'
    $null = New-UMMailboxPolicy -Name Executives -UMDialPlan Redmond

    # Runs a script; what it printed is in Lines, errors among them as "ERROR: ..." in their place.
    function Invoke-Script([string] $Name, [object[]] $Arguments = @(), [string] $Answers) {
        $start = [System.Diagnostics.ProcessStartInfo]::new((Get-OwnShell))
        $start.RedirectStandardInput = $start.RedirectStandardOutput = $start.RedirectStandardError = $true
        $start.Environment['NO_COLOR'] = '1'
        # Only a script that asks may wait for answers.
        [string[]] $line = @('-NoProfile') + $(if (-not $Answers) { '-NonInteractive' }) + @(
            '-File', "$PSScriptRoot/scripts/$Name"
        ) + $Arguments
        foreach ($argument in $line) { $start.ArgumentList.Add($argument) }
        $process = [System.Diagnostics.Process]::Start($start)
        $failures = $process.StandardError.ReadToEndAsync()
        $process.StandardInput.Write($Answers)
        $process.StandardInput.Close()
        $output = $process.StandardOutput.ReadToEnd()
        $process.WaitForExit()
        [pscustomobject]@{
            Lines    = @($output -split "`r?`n" | Where-Object { $_ })
            Failures = ($failures.Result -replace '\s+\|\s+', ' ' -replace '\s+', ' ').Trim()
            ExitCode = $process.ExitCode
        }
    }
    function Clear-Mailbox {
        Get-UMMailbox -ResultSize Unlimited | Disable-UMMailbox -KeepProperties $false -Confirm:$false | Out-Null
    }
    function Enable-Tony {
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy $default -Extensions 51234 -ErrorAction Stop
    }
    function Assert-Quiet($Result) {
        $Result.Failures | Should -BeNullOrEmpty
        $Result.ExitCode | Should -Be 0
    }
}

AfterAll { Remove-TestStore $folder }

Describe 'Real scripts' {
    BeforeEach { Clear-Mailbox }

    It '1: the help-desk menu resets, and tells who has no voice mail' {
        Enable-Tony
        $before = (Get-UMMailboxPIN tonysmith).PinLastSet
        $result = Invoke-Script 01-help-desk-menu.ps1 -Answers "1`nkakers`n1`ntonysmith@contoso.com`n2`n"
        $result.Failures | Should -BeNullOrEmpty
        $result.Lines | Where-Object { $_ -like '*kakers has no voice mail.' } | Should -Not -BeNullOrEmpty
        $result.Lines | Where-Object { $_ -like '*The PIN of tonysmith@contoso.com was reset.' } |
            Should -Not -BeNullOrEmpty
        $result.Lines -join "`n" | Should -Match 'EmailAddresses : \{.*SMTP:tonysmith@contoso.com'
        (Get-UMMailboxPIN tonysmith).PinLastSet | Should -BeGreaterThan $before
    }

    It '2: sets a PIN from strings, an empty domain controller among them' {
        Enable-Tony
        $result = Invoke-Script 02-set-pin.ps1 'tonysmith@contoso.com', '0482915', ''
        Assert-Quiet $result
        $result.Lines | Should -BeNullOrEmpty
        (Test-UMMailboxPIN tonysmith -Pin 0482915).Result | Should -Be 'Accepted'
        (Get-UMMailboxPIN tonysmith).PinExpired | Should -BeFalse
    }

    It '2: shows the error as its result' {
        $result = Invoke-Script 02-set-pin.ps1 'tonysmith@contoso.com', '0482915', 'dc01.contoso.com'
        $result.Failures | Should -Match "The Mailbox tonysmith@contoso.com isn't enabled for unified messaging"
    }

    It '3: enables, then moves' {
        $result = Invoke-Script 03-enable-or-move.ps1 'kakers@contoso.com', $default, '51247', '5829160'
        Assert-Quiet $result
        $result.Lines | Should -Be 'enabled'
        $result = Invoke-Script 03-enable-or-move.ps1 'kakers@contoso.com', 'Executives', '', ''
        $result.Lines | Should -Be 'moved'
        (Get-UMMailbox kakers).UMMailboxPolicy | Should -Be 'Executives'
    }

    It '4: enables everybody who is not enabled, by a policy picked by number' {
        Enable-Tony
        $number = [array]::IndexOf(@((Get-UMMailboxPolicy).Name), $default) + 1
        $log = "$folder/enable.log"
        $result = Invoke-Script 04-enable-all.ps1 $number, $log, 52001
        Assert-Quiet $result
        $lines = Get-Content $log
        $lines | Where-Object { $_ -like 'FAILED*' } | Should -BeNullOrEmpty
        $lines.Count | Should -Be 19
        @(Get-UMMailbox -ResultSize Unlimited).Count | Should -Be 20
        (Get-UMMailboxPIN kakers).PinExpired | Should -BeFalse
    }

    It '5: asks $? right after the call' {
        @(
            'User,Policy,Extension', "kakers,$default,51247", "nobody,$default,51999", "praman,$default,51247",
                "praman,$default,51249"
        ) | Set-Content "$folder/five.csv"
        $result = Invoke-Script 05-from-csv.ps1 "$folder/five.csv"
        $result.Lines | Should -Be 'kakers done', 'nobody failed', 'praman failed', 'praman done'
        $result.ExitCode | Should -Be 0
    }

    It '6: pipes mailboxes into Enable- and Set-UMMailbox' {
        $result = Invoke-Script 06-new-user.ps1 'flefevre', 'dc01.contoso.com'
        Assert-Quiet $result
        $result.Lines | Should -Be '50100'
        (Get-UMMailbox flefevre).Extensions | Should -Be '51239'
    }

    It '7: rolls out from a CSV file, zeros of PINs kept' {
        @(
            'EmailAddress,ext,pin', 'kakers@contoso.com,51247,0482915', 'lina@contoso.com,51242,0913746'
        ) | Set-Content "$folder/seven.csv"
        $result = Invoke-Script 07-roll-out.ps1 "$folder/seven.csv"
        Assert-Quiet $result
        (Test-UMMailboxPIN lina -Pin 0913746).Result | Should -Be 'Accepted'
        (Get-UMMailboxPIN lina).PinExpired | Should -BeTrue
    }

    It '8: sets up with relaxed rules, and takes it all down' {
        $result = Invoke-Script 08-set-up.ps1
        Assert-Quiet $result
        $result.Lines | Should -BeNullOrEmpty
        (Test-UMMailboxPIN lnowak -Pin 1212).Result | Should -Be 'Accepted'
        (Get-UMMailboxPIN lnowak).PinExpiresOn | Should -BeNullOrEmpty
        (Get-UMDialPlan Lab).UMMailboxPolicies[0] | Should -Be 'LabPolicy'
        $result = Invoke-Script 08-tear-down.ps1
        # Its second Disable- finds the work done; the script goes on, as it asked.
        $result.Failures | Should -Match 'is already disabled for Unified Messaging'
        Get-UMDialPlan Lab -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        Get-UMMailboxPolicy LabPolicy -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
    }

    It '9: is told that four digits are too few, or the tail of the extension' {
        $result = Invoke-Script 09-last-four.ps1 'kakers', '+1 425 555 1247'
        $result.Failures | Should -Match 'WeakPin|at least 6|6 digits|MinPINLength'
        Set-UMMailboxPolicy $default -MinPINLength 4
        try {
            $result = Invoke-Script 09-last-four.ps1 'kakers', '+1 425 555 1247'
            $result.Failures | Should -Match 'extension'
            Get-UMMailbox kakers -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $result = Invoke-Script 09-last-four.ps1 'kakers', '+1 425 555 4821'
            Assert-Quiet $result
            (Test-UMMailboxPIN kakers -Pin 4821).Result | Should -Be 'Accepted'
        }
        finally { Set-UMMailboxPolicy $default -MinPINLength 6 }
    }

    It '10: exports, and tells who has an extension' {
        Enable-Tony
        $null = Enable-UMMailbox kakers -UMMailboxPolicy $default -Extensions 51247, 51999
        $result = Invoke-Script 10-export.ps1 "$folder/ten.csv"
        Assert-Quiet $result
        $result.Lines | Should -Be 'count 2'
        $rows = Import-Csv "$folder/ten.csv"
        $rows[0].psobject.Properties.Name |
            Should -Be 'Name', 'DisplayName', 'Guid', 'LinkedMasterAccount', 'UMEnabled', 'PrimarySMTPAddress',
            'Extensions'
        ($rows | Where-Object Name -eq 'Kim Akers').Extensions | Should -Be '51247,51999'
        $rows.UMEnabled | Should -Be 'True', 'True'
        $result = Invoke-Script 10-extensions.ps1 '51999'
        $result.Lines | Should -Be '51234', '51247', '51999', 'taken by: kakers@contoso.com'
    }

    It '11: changes the policy by disabling and enabling' {
        Enable-Tony
        $result = Invoke-Script 11-change-policy.ps1 'Executives'
        Assert-Quiet $result
        $result.Lines | Should -Be 'prefix 5123'
        (Get-UMMailbox tonysmith).UMMailboxPolicy | Should -Be 'Executives'
    }

    It '12: asks before it erases' {
        Enable-Tony
        $result = Invoke-Script 12-leaver.ps1 'tonysmith'
        $result.Failures | Should -Match 'NonInteractive'
        (Get-UMMailbox tonysmith).UMEnabled | Should -BeTrue
    }

    It '13: ends its loop' {
        Enable-Tony
        $result = Invoke-Script 13-leaver-loop.ps1 'tonysmith'
        Assert-Quiet $result
        $result.Lines | Should -Be 'rounds 1'
    }

    It '14: logs the error record as its message' {
        Enable-Tony
        $log = "$folder/leavers.log"
        $null = Invoke-Script 14-leaver-log.ps1 'tonysmith', $log
        $null = Invoke-Script 14-leaver-log.ps1 'tonysmith', $log
        $null = Invoke-Script 14-leaver-log.ps1 'nobody', $log
        $lines = Get-Content $log
        $lines[0] | Should -Be 'tonysmith disabled'
        $lines[1] | Should -Match 'is already disabled for Unified Messaging'
        $lines[2] |
            Should -BeLike "The operation couldn't be performed because object 'nobody' couldn't be found on '*'."
    }

    It '15: does not ask again inside a function that asked' {
        Enable-Tony
        $result = Invoke-Script 15-leaver-function.ps1 'tonysmith'
        Assert-Quiet $result
        $result.Lines | Should -Be 'after'
        Get-UMMailbox tonysmith -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
    }

    It '16: reads the policy as a string, and is quiet where there is nothing' {
        Enable-Tony
        (Invoke-Script 16-readiness.ps1 'tonysmith@contoso.com').Lines | Should -Be 'tonysmith@contoso.com Redmond'
        $result = Invoke-Script 16-readiness.ps1 'kakers@contoso.com'
        Assert-Quiet $result
        $result.Lines | Should -Be 'kakers@contoso.com not enabled'
    }

    It '17: makes an extension from the phone number, and recovers from an enabled mailbox' {
        $result = Invoke-Script 17-telephony.ps1 'lina', $default, '51242', 'kakers'
        Assert-Quiet $result
        $result.Lines | Should -Be 'tries 3'
        (Get-UMMailbox lina).Extensions | Should -Be '51242'
        (Get-UMMailbox kakers).Extensions | Should -Be '51247'
    }

    It '18: finds errors in $error, and catches RemoteException under the global preference' {
        $result = Invoke-Script 18-errors.ps1 'kakers'
        Assert-Quiet $result
        $result.Lines[0] | Should -Match '^error: .*is already disabled for Unified Messaging'
        $result.Lines[1] | Should -Be "remote: The Mailbox kakers@contoso.com isn't enabled for unified messaging."
    }
}
