# Shape 15: a function that asks by itself; the inner -Confirm:$false keeps the cmdlet from asking again.
param($Id)
function Remove-Phone {
    [CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
    param($Identity)
    if ($PSCmdlet.ShouldProcess($Identity, 'Remove the telephone')) {
        Disable-UMMailbox -Identity $Identity -KeepProperties $false -Confirm:$false > $null
    }
}
Remove-Phone $Id -Confirm:$false
'after'
