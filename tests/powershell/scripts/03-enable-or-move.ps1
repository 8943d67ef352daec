# Shape 3: enables who is not enabled yet, moves the others to the policy.
param([string]$Mail, [string]$Policy, [string]$Extension, [string]$Pin)
$mailbox = Get-Mailbox -Identity $Mail
if (!$mailbox.UMEnabled) {
    Enable-UMMailbox -Identity $Mail -UMMailboxPolicy $Policy -Extensions $Extension -PIN $Pin -PINExpired $true | Out-Null
    'enabled'
}
else {
    Set-UMMailbox -Identity $Mail -UMMailboxPolicy $Policy
    'moved'
}
