# Shape 7: a roll-out from a CSV file with columns EmailAddress, ext and pin.
param($csv)
Import-Csv $csv | ForEach-Object {
    $upn = $_.EmailAddress
    Enable-UMMailbox $upn -SIPResourceIdentifier $upn -Extensions $_.ext -UMMailboxPolicy "Redmond Default Policy" -PIN $_.pin -PinExpired $true | Out-Null
}
