# Shape 10, first half: exports the enabled mailboxes.
param([string]$File)
$mailboxes = Get-UMMailbox -ResultSize Unlimited
$count = ($mailboxes | Measure-Object).Count
"count $count"
$mailboxes | Select-Object Name, DisplayName, Guid, LinkedMasterAccount, UMEnabled, PrimarySMTPAddress, @{n = 'Extensions'; e = { $_.Extensions -join ',' } } | Export-Csv -Path $File -NoTypeInformation -Encoding UTF8
