# Shape 13: a leaver, disabled until Get-UMMailbox no longer shows it enabled.
param($Id)
$rounds = 0
$um = Get-UMMailbox $Id -ErrorAction SilentlyContinue
while ($um.UMEnabled -eq "True") {
    $rounds++
    Disable-UMMailbox -Identity $Id -Confirm:$false | Out-Null
    Start-Sleep -Milliseconds 100
    $um = Get-UMMailbox $Id -ErrorAction SilentlyContinue
}
"rounds $rounds"
