# Shape 11: changes the policy by disabling and enabling; reads the first extension as a string.
param($Policy)
Get-UMMailbox | Where-Object { $_.UMMailboxPolicy -ne $Policy } | ForEach-Object {
    $extension = (Get-UMMailbox $_.Name).extensions[0]
    "prefix $($extension.substring(0, 4))"
    Disable-UMMailbox $_.Identity -Confirm:$FALSE | Out-Null
    Start-Sleep -Milliseconds 100
    Enable-UMMailbox $_.Identity -UMMailboxPolicy $Policy -Extensions $extension | Out-Null
}
