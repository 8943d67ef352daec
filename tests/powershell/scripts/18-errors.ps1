# The other error styles of real scripts: $error as a whole, and $Global:ErrorActionPreference with catch
# [RemoteException].
param($Id)
$error.Clear()
Disable-UMMailbox -Identity $Id -Confirm:$false -ErrorAction SilentlyContinue
if ($error) { "error: $($error[0])" }
Set-Variable -Name ErrorActionPreference -Value Stop -Scope Global
try { Set-UMMailboxPIN -Identity $Id }
catch [System.Management.Automation.RemoteException] { "remote: $($_.Exception.Message)" }
