#Requires -Modules Pester
# Ten processes at work in one store at the same time.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = New-TestStore -Pickup
    $processes = 10
    $each = 100
    $null = 1..($processes * $each) | ForEach-Object {
        [pscustomobject]@{
            DistinguishedName = "CN=User $_,OU=People,DC=contoso,DC=com"; SamAccountName = "user$_"; Alias = "user$_"
            PrimarySmtpAddress = "user$_@contoso.com"; Guid = [guid]::new($_, 0, 0, [byte[]]::new(8))
            DisplayName = "User $_"
        }
    } | Import-UMRecipient
    $null = New-UMDialPlan Crowd -NumberOfDigitsInExtension 6 -CountryOrRegionCode 1
}

AfterAll { Remove-TestStore $folder }

Describe 'Ten processes in one store' {
    It 'each enable, read and reset a hundred mailboxes of their own, without an error, and nothing is lost' {
        Set-Content "$folder/worker.ps1" @'
param([int] $From, [int] $To)
$error.Clear()
foreach ($n in $From..$To) {
    $mailbox = Enable-UMMailbox "user$n" -UMMailboxPolicy 'Crowd Default Policy' -Extensions (200000 + $n)
    $state = Get-UMMailboxPIN "user$n"
    Set-UMMailboxPIN "user$n" -Pin (73910000 + $n * 7)
    if ($mailbox.Extensions[0] -ne 200000 + $n -or $state.UserID -ne "user$n@contoso.com") {
        "wrong answer about user$n"
    }
}
$error | ForEach-Object { "$_" }
'done'
'@
        $shell = Get-OwnShell
        $running = foreach ($process in 0..($processes - 1)) {
            $start = [System.Diagnostics.ProcessStartInfo]::new($shell)
            $start.RedirectStandardOutput = $true
            foreach ($argument in '-NoProfile', '-NonInteractive', '-File', "$folder/worker.ps1",
                ($process * $each + 1), (($process + 1) * $each)) {
                $start.ArgumentList.Add($argument)
            }
            [System.Diagnostics.Process]::Start($start)
        }
        $said = foreach ($process in $running) { $process.StandardOutput.ReadToEnd().Trim(); $process.WaitForExit() }
        $said | Sort-Object -Unique | Should -Be 'done'
        @(Get-UMMailboxPIN).Count | Should -Be ($processes * $each)
        @(
            Get-UMMailbox -ResultSize Unlimited | ForEach-Object { $_.Extensions }
        ) | Sort-Object -Unique | Should -HaveCount ($processes * $each)
        foreach ($n in 1, 100, 101, 500, 1000) {
            (Test-UMMailboxPIN "user$n" -Pin (73910000 + $n * 7)).Result | Should -Be 'Accepted'
        }
        # One welcome and one reset for each.
        @(Get-ChildItem "$folder/pickup" -Filter *.eml).Count | Should -Be ($processes * $each * 2)
    }
}
