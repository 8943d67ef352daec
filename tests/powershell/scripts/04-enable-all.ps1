# Shape 4: the user picks a policy by number; everyone who is not enabled yet is, with a log of failures.
param([int]$Number, [string]$LogFile, [int]$FirstExtension)
$p = @(Get-UMMailboxPolicy)
for ($i = 1; $i -le $p.Count; $i++) { Write-Host "$i  $($p[$i-1].Name)" }
$policy = $p[$Number - 1].Name
$all = Get-Mailbox -ResultSize unlimited | Where-Object { $_.UMEnabled -eq $false }
foreach ($m in $all) {
    try {
        Enable-UMMailbox -Identity $m.PrimarySMTPAddress -UMMailboxPolicy $policy -SIPResourceIdentifier $m.PrimarySMTPAddress -Extensions $FirstExtension -PinExpired $false -ErrorAction Stop | Out-Null
        $FirstExtension++
        Add-Content $LogFile "OK $($m.PrimarySMTPAddress)"
    }
    catch {
        Add-Content $LogFile "FAILED $($m.PrimarySMTPAddress) $($_.Exception.Message)"
    }
}
