# Shape 6: a new user. Objects of Get-Mailbox go into Enable-UMMailbox and Set-UMMailbox; a pause for replication in
# between.
param($u, $dc)
Get-Mailbox $u -DomainController $dc | Enable-UMMailbox -DomainController $dc -ummailboxpolicy 'Redmond Default Policy' -sipresourceidentifier "$u@contoso.com" -extensions 51239 | Out-Null
Start-Sleep -Milliseconds 100
Get-Mailbox $u | Set-UMMailbox -OperatorNumber 50100
(Get-UMMailbox $u).OperatorNumber
