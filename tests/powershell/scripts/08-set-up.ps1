# Shape 8, first half: builds a telephony set-up with relaxed PIN rules.
New-UMDialPlan -Name Lab -NumberOfDigitsInExtension 4 -URIType TelExtn -CountryOrRegionCode 1 -GenerateUMMailboxPolicy $false | Out-Null
New-UMMailboxPolicy -Name LabPolicy -UMDialPlan Lab | Out-Null
Set-UMMailboxPolicy -Identity LabPolicy -LogonFailuresBeforePINReset Unlimited -MaxLogonAttempts Unlimited -MinPINLength 4 -PINHistoryCount 1 -AllowCommonPatterns $true -PINLifetime Unlimited
$ext = 7000
'lnowak', 'praman' | ForEach-Object {
    $ext++
    Enable-UMMailbox -Identity $_ -UMMailboxPolicy LabPolicy -Extensions $ext -PIN 1212 -PINExpired $false | Out-Null
}
