# Shape 1: a help-desk menu. Asks for a mailbox, checks that it is enabled by comparing a Boolean with a string, resets,
# reports.
do {
    Write-Host '1: reset a voice mail PIN'
    Write-Host '2: leave'
    $choice = Read-Host 'Choose'
    if ($choice -eq '1') {
        $who = Read-Host 'Mailbox'
        if (([bool](Get-UMMailbox $who -ErrorAction SilentlyContinue)) -ne "True") {
            Write-Host "$who has no voice mail."
        }
        else {
            Set-UMMailboxPIN -Identity $who -SendEmail $true -PinExpired $true
            Write-Host "The PIN of $who was reset."
            Get-UMMailbox $who | Format-List EmailAddresses
        }
    }
} while ($choice -ne '2')
