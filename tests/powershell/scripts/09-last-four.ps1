# Shape 9: a migration that takes the last four digits of the phone number for a PIN.
param([string]$Identity, [string]$Phone)
$pin = $Phone.Substring($Phone.Length - 4)
Enable-UMMailbox -Identity $Identity -UMMailboxPolicy "Redmond Default Policy" -Pin $pin | Out-Null
