# Shape 17: telephony provisioning. One call without an extension; one that disables, waits and tries again.
$script:tries = 0
function Enable-Voice($id) {
    $script:tries++
    Enable-UMMailbox $id -UMMailboxPolicy "Redmond Default Policy" -DomainController dc01.contoso.com -ErrorVariable problem -ErrorAction SilentlyContinue | Out-Null
    if ($problem -and $problem[0].Exception.Message -like '*is already enabled for Unified Messaging*') {
        Disable-UMMailbox $id -Confirm:$false | Out-Null
        Start-Sleep -Milliseconds 100
        Enable-Voice $id
    }
}
Enable-UMMailbox -Identity $args[0] -UMMailboxPolicy $args[1] -Extensions $args[2] | Out-Null
Enable-Voice $args[3]
Enable-Voice $args[3]
"tries $script:tries"
