# Shape 5: a loop over a CSV file that asks $? right after the call.
param([string]$File)
$rows = Import-Csv $File
foreach ($row in $rows) {
    $null = Enable-UMMailbox -identity $row.User -UMMailboxPolicy $row.Policy -Extensions $row.Extension 2>$null
    if ($? -eq $true) { Write-Output "$($row.User) done" } else { Write-Output "$($row.User) failed" }
}
