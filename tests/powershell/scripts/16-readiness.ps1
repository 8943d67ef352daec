# Shape 16: a readiness check before a migration; nested try, quiet where there is nothing.
param($Mail)
$policy = 'none'
try {
    try {
        $um = Get-UMMailbox -Identity $Mail -ErrorAction Stop
        $policy = $um.UMMailboxPolicy.Replace(' Default Policy', '')
    }
    catch [System.Management.Automation.CommandNotFoundException] {
        $policy = 'no such command'
    }
}
catch {
    $policy = 'not enabled'
}
"$Mail $policy"
