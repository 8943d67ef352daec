# What the cmdlets cost beyond PowerShell's own work, as ratios within one run: a piped Get-UMMailboxPIN against an empty
# compiled cmdlet that puts out an object of the same properties, and the import of the module against that of an empty binary module.
[CmdletBinding()]
param([int] $Mailboxes = 10000, [int] $Rounds = 15)
$ErrorActionPreference = 'Stop'
. "$PSScriptRoot/../common.ps1"

function Get-Median([double[]] $Values) {
    $sorted = $Values | Sort-Object
    $sorted[[int][math]::Floor($sorted.Count / 2)]
}

$folder = New-TestStore
try {
    # An empty binary module: one cmdlet that takes an identity from the pipeline and puts out an object of the same
    # properties, and looks nothing up.
    $null = New-Item -ItemType Directory "$folder/Empty"
    Add-Type -OutputAssembly "$folder/Empty/Empty.dll" -OutputType Library -TypeDefinition @'
using System;
using System.Management.Automation;
public sealed class EmptyPin
{
    public string UserID { get; set; }
    public bool PinExpired { get; set; }
    public bool FirstTimeUser { get; set; }
    public bool LockedOut { get; set; }
    public DayOfWeek ObjectState { get; set; }
    public bool IsValid { get; set; }
    public string Identity { get; set; }
    public string LockReason { get; set; }
    public int FailedLogonAttempts { get; set; }
    public DateTime PinLastSet { get; set; }
    public DateTime? PinExpiresOn { get; set; }
}
[Cmdlet(VerbsCommon.Get, "Empty")]
public sealed class GetEmptyCommand : PSCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public string Identity { get; set; }
    protected override void ProcessRecord() =>
        WriteObject(new EmptyPin { UserID = Identity, Identity = "contoso.com/People/" + Identity, LockReason = "None" });
}
'@
    New-ModuleManifest "$folder/Empty/Empty.psd1" -RootModule Empty.dll -CmdletsToExport Get-Empty -FunctionsToExport @() -AliasesToExport @() -VariablesToExport @()

    # Import, each in a process of its own, by turns.
    $modules = @{ empty = "$folder/Empty/Empty.psd1"; ours = $UMModule }
    $import = @{ empty = @(); ours = @() }
    foreach ($round in 1..$Rounds) {
        foreach ($name in 'empty', 'ours') {
            $import[$name] += [double] (Invoke-FreshPwsh "`$watch = [System.Diagnostics.Stopwatch]::StartNew(); Import-Module '$($modules[$name])'; `$watch.Elapsed.TotalMilliseconds.ToString([cultureinfo]::InvariantCulture)")
        }
    }
    $empty, $ours = (Get-Median $import.empty), (Get-Median $import.ours)
    'import:  {0:n1} ms, an empty binary module {1:n1} ms: {2:n1} ms more (aim: at most 30), {3:n2} times' -f $ours, $empty, ($ours - $empty), ($ours / $empty)

    # A directory of the full size, of whom some are enabled: enabling costs a hash each.
    $enabled = 200
    $null = 1..$Mailboxes | ForEach-Object {
        [pscustomobject]@{
            DistinguishedName = "CN=User $_,OU=People,DC=contoso,DC=com"; SamAccountName = "user$_"; Alias = "user$_"
            PrimarySmtpAddress = "user$_@contoso.com"; Guid = [guid]::new($_, 0, 0, [byte[]]::new(8)); DisplayName = "User $_"
        }
    } | Import-UMRecipient
    $null = New-UMDialPlan Bench -NumberOfDigitsInExtension 6 -CountryOrRegionCode 1
    $null = 1..$enabled | ForEach-Object { Enable-UMMailbox "user$_" -UMMailboxPolicy 'Bench Default Policy' -Extensions (100000 + $_) -SendWelcomeMail $false -WarningAction SilentlyContinue }

    $identities = 1..$Mailboxes | ForEach-Object { "user$($_ % $enabled + 1)@contoso.com" }
    Import-Module $modules.empty
    $times = @{ empty = @(); ours = @() }
    foreach ($round in 0..$Rounds) {
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $null = $identities | Get-Empty
        $first = $watch.Elapsed.TotalMilliseconds
        $watch.Restart()
        $null = $identities | Get-UMMailboxPIN
        # The first round warms up.
        if ($round -gt 0) { $times.empty += $first; $times.ours += $watch.Elapsed.TotalMilliseconds }
    }
    $empty, $ours = (Get-Median $times.empty), (Get-Median $times.ours)
    'piped Get-UMMailboxPIN over {0:n0} identities: {1:n1} us each, an empty cmdlet {2:n1} us: {3:n2} times (aim: at most 2.5)' -f
    $Mailboxes, ($ours * 1000 / $Mailboxes), ($empty * 1000 / $Mailboxes), ($ours / $empty)
}
finally { Remove-TestStore $folder }
