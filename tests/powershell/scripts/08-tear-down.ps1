# Shape 8, second half: takes it all down again, mailboxes first.
Get-UMMailbox | Where-Object { $_.UMMailboxPolicy -eq 'LabPolicy' } | ForEach-Object { Disable-UMMailbox -Identity $_.Identity -ErrorAction Continue -Confirm:$false | Out-Null }
Disable-UMMailbox -Identity lnowak -ErrorAction Continue -Confirm:$false
Get-UMMailboxPolicy -Identity LabPolicy | Remove-UMMailboxPolicy -Confirm:$false
Get-UMDialPlan | Where-Object { $_.Name -eq 'Lab' } | Remove-UMDialPlan -Confirm:$false
