<#
.SYNOPSIS
Makes here what Export-ExchangeUM.ps1 wrote of Exchange's Unified Messaging.

.DESCRIPTION
That is: the directory, dial plans, policies and mailboxes. Everybody who was enabled is enabled with the same policy,
numbers and settings, and with a new PIN, since PINs cannot move. The welcome mails wait, sealed, until you choose a
mail transport: with one chosen already, the script stops before it enables anybody. Who was locked out in Exchange is
locked here.

The script makes what is missing, sets what differs and leaves everything else alone, PINs above all. So run it as often
as you like: after an interruption, after you put right what its report names, or with -BatchSize for a part at a time.
Once you have changed settings here, do not run it again: it would set them back to what Exchange had.

One line for each thing that was done or failed goes into the report, a CSV file. It never holds a PIN.

.EXAMPLE
Import-ExchangeUM.ps1 -Path D:\ExchangeUM -WhatIf

Says what would be made, and makes nothing.

.EXAMPLE
Import-ExchangeUM.ps1 -Path D:\ExchangeUM -BatchSize 100

Makes everything but enables only a hundred people; each further run enables the next hundred.
#>
[Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSShouldProcess', '', Scope = 'Function', Target = '*',
    Justification = 'The functions ask in the name of the script.')]
[CmdletBinding(SupportsShouldProcess)]
param(
    # The folder that Export-ExchangeUM.ps1 wrote.
    [Parameter(Mandatory, Position = 0)]
    [string] $Path,

    # How many people are enabled in this run at most. Left out: all.
    [ValidateRange(1, [int]::MaxValue)]
    [int] $BatchSize = [int]::MaxValue,

    # The report's file. Left out: Import-<time>.csv in the folder of the export.
    [string] $ReportPath
)
# Errors of single people are caught and reported; anything else ends the script.
$ErrorActionPreference = 'Stop'
if (-not (Get-Module UMMailboxPin)) { Import-Module (Join-Path $PSScriptRoot ../UMMailboxPin.psd1) }
# Where Exchange's own cmdlets are imported, they come first, and this would change Exchange.
foreach ($name in 'New-UMDialPlan', 'Set-UMMailboxPolicy', 'Enable-UMMailbox') {
    if ((Get-Command $name).ModuleName -ne 'UMMailboxPin') {
        throw "$name is Exchange's own in this session. Nothing was changed. Run this in a new one, without Exchange."
    }
}

$folder = (Resolve-Path -LiteralPath $Path).ProviderPath
if (-not $ReportPath) { $ReportPath = Join-Path $folder ('Import-{0:yyyyMMdd-HHmmss}.csv' -f (Get-Date)) }
$ReportPath = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($ReportPath)

# ---- The export ----------------------------------------------------------------------------------------------------

function Read-Export([string] $Name, [switch] $Optional) {
    $file = Join-Path $folder $Name
    if (Test-Path -LiteralPath $file) { return Import-Clixml -LiteralPath $file }
    if ($Optional) { return }
    throw "$file is missing. Nothing was changed. Name the folder that Export-ExchangeUM.ps1 wrote."
}

# A value as text, whether the session that exported knew Exchange's types or only their texts.
function ConvertTo-Text($Value) { if ($null -eq $Value) { '' } else { "$Value" } }

# The bare name of a policy or plan, of which a reference prints the name, the canonical or the distinguished name.
function Get-BareName($Reference) {
    $name = if ($Reference -isnot [string] -and $Reference.Name) { $Reference.Name } else { ConvertTo-Text $Reference }
    if ($name -match '^CN=([^,]+),') { return $Matches[1] }
    ($name -split '[/\\]')[-1]
}

# A setting in the form that our parameter takes: a Boolean, a list of texts or a text.
function ConvertTo-Setting($Value, [type] $Type) {
    if ($Type -eq [bool]) { return [bool]::Parse((ConvertTo-Text $Value)) }
    if ($Type -eq [int]) { return [int] (ConvertTo-Text $Value) }
    if ($Type.Name -eq 'MultiValuedProperty') {
        return , [string[]] @($Value | Where-Object { $null -ne $_ } | ForEach-Object { ConvertTo-Text $_ })
    }
    ConvertTo-Text $Value
}

# EUM addresses of a mailbox: number or SIP address, the plan's name, whether it is the primary one.
function Get-EumAddress($Mailbox) {
    foreach ($address in $Mailbox.EmailAddresses) {
        if ((ConvertTo-Text $address) -match '^(eum):(.+);phone-context=([^;]+)$') {
            $context = $Matches[3]
            $plan = $planOfContext[$context]
            if (-not $plan) { $plan = ($context -split '\.')[0] }
            [pscustomobject]@{ Address = $Matches[2]; Plan = $plan; IsPrimary = $Matches[1] -ceq 'EUM' }
        }
    }
}

# ---- The report ----------------------------------------------------------------------------------------------------

$report = [System.Collections.Generic.List[object]]::new()
$counts = [ordered]@{
    RecipientsAdded = 0; RecipientsUpdated = 0; DialPlansCreated = 0; PoliciesCreated = 0
    Enabled = 0; Locked = 0; Changed = 0; Unchanged = 0; Left = 0; Failed = 0
}

# Names come from elsewhere, and a spreadsheet would work out a text that begins like a formula.
function ConvertTo-Cell([string] $Text) { $Text -replace '^(?=[=+\-@\t\r])', "'" }

function Add-Line([string] $Kind, [string] $Identity, [string] $Result, [string] $Detail) {
    $line = @{ Kind = $Kind; Identity = ConvertTo-Cell $Identity; Result = $Result; Detail = ConvertTo-Cell $Detail }
    $report.Add(([pscustomobject] $line | Select-Object Kind, Identity, Result, Detail))
}

# Does one thing to one object, and says whether it was done. A failure is a line of the report, and the others go on.
function Invoke-Step([string] $Kind, [string] $Identity, [string] $Result, [scriptblock] $Action, [string] $Detail) {
    if (-not $PSCmdlet.ShouldProcess("$Kind '$Identity'", "$Result $Detail".Trim())) { return $false }
    # Asked once is enough.
    $ConfirmPreference = 'None'
    try {
        $null = & $Action
        Add-Line $Kind $Identity $Result $Detail
        $true
    }
    catch {
        Add-Line $Kind $Identity 'Failed' ("$Result $Detail".Trim() + ": $_")
        $counts.Failed++
        $false
    }
}

function ConvertTo-Line($Value) { @($Value | ForEach-Object { "$_" } | Sort-Object) -join "`n" }

# Sets what differs from the export, all at once, else one by one, so that a single value that is refused is named and
# the others are set. What Exchange did not have, or left empty, stays as it is. True if anything was set.
function Sync-Setting([string] $Kind, [string] $Identity, $Exported, $Present, [string] $Command, [string[]] $Except) {
    $differing = @{}
    foreach ($parameter in (Get-Command $Command).Parameters.Values) {
        $name = $parameter.Name
        if ($name -in $Except -or -not $Present.psobject.Properties[$name] -or "$($Exported.$name)" -eq '') { continue }
        try { $wanted = ConvertTo-Setting $Exported.$name $parameter.ParameterType }
        catch {
            Add-Line $Kind $Identity 'Failed' "Changed ${name}: $_"
            $counts.Failed++
            continue
        }
        # Compared as what prints: the order of lists and the type of numbers do not matter.
        if ((ConvertTo-Line $wanted) -ne (ConvertTo-Line $Present.$name)) { $differing[$name] = $wanted }
    }
    if ($differing.Count -eq 0) { return $false }
    $names = ($differing.Keys | Sort-Object) -join ', '
    if (-not $PSCmdlet.ShouldProcess("$Kind '$Identity'", "Set $names")) { return $false }
    $ConfirmPreference = 'None'
    try {
        & $Command -Identity $Present.Guid @differing -WarningAction SilentlyContinue
        Add-Line $Kind $Identity 'Changed' $names
        return $true
    }
    catch { Write-Verbose "$Kind '$Identity': $_" }
    @(
        foreach ($name in $differing.Keys) {
            $one = @{ $name = $differing[$name] }
            Invoke-Step $Kind $Identity 'Changed' -Detail $name {
                & $Command -Identity $Present.Guid @one -WarningAction SilentlyContinue
            }
        }
    ) -contains $true
}

# Whether nobody has locked or unlocked a mailbox since it was enabled: in this run, or in one that ended before it did.
function Test-OnlyEnabled($Mailbox) {
    $steps = 'Enable-UMMailbox', 'Lock-UMMailbox', 'Unlock-UMMailbox', 'Set-UMMailboxPIN'
    $last = Search-UMAdminAuditLog -ObjectIds $Mailbox.Identity -Cmdlets $steps -IsSuccess $true -ResultSize 1
    $last.CmdletName -eq 'Enable-UMMailbox'
}

# ---- Directory, dial plans, policies -------------------------------------------------------------------------------

$plans = @(Read-Export UMDialPlan.xml)
$policies = @(Read-Export UMMailboxPolicy.xml)
$people = @(Read-Export UMMailbox.xml)
$mailboxes = @(Read-Export Mailbox.xml)
$recipients = @{}
foreach ($recipient in Read-Export Recipient.xml -Optional) { $recipients["$($recipient.Guid)"] = $recipient }
$locked = @{}
foreach ($state in Read-Export UMMailboxPIN.xml -Optional) {
    if ($state.LockedOut -eq $true) { $locked["$($state.UserID)"] = $true }
}
$planOfContext = @{}
foreach ($plan in $plans) { if ($plan.PhoneContext) { $planOfContext["$($plan.PhoneContext)"] = "$($plan.Name)" } }

try {
    Write-Progress -Activity 'Importing Unified Messaging' -Status "The directory: $($mailboxes.Count) mailboxes"
    $rows = foreach ($mailbox in $mailboxes) {
        $row = [ordered]@{}
        foreach ($name in 'Guid', 'Name', 'DisplayName', 'SamAccountName', 'UserPrincipalName', 'Alias',
            'DistinguishedName', 'PrimarySmtpAddress', 'LegacyExchangeDN', 'LinkedMasterAccount', 'ServerName') {
            $row[$name] = "$($mailbox.$name)"
        }
        foreach ($name in 'EmailAddresses', 'Languages') { $row[$name] = @($mailbox.$name | ForEach-Object { "$_" }) }
        $recipient = $recipients[$row.Guid]
        foreach ($name in 'FirstName', 'LastName', 'Phone') { $row[$name] = "$($recipient.$name)" }
        [pscustomobject] $row
    }
    $imported = $rows | Import-UMRecipient -ErrorAction SilentlyContinue -ErrorVariable refused
    foreach ($failure in $refused) {
        Add-Line 'Recipient' $failure.TargetObject 'Failed' "$failure"
        $counts.Failed++
    }
    if ($imported) {
        $counts.RecipientsAdded = $imported.Added
        $counts.RecipientsUpdated = $imported.Updated
    }

    foreach ($plan in $plans) {
        $name = ConvertTo-Text $plan.Name
        if (-not (Get-UMDialPlan | Where-Object Name -eq $name)) {
            $new = @{
                Name                      = $name
                NumberOfDigitsInExtension = [int] (ConvertTo-Text $plan.NumberOfDigitsInExtension)
                URIType                   = ConvertTo-Text $plan.URIType
                CountryOrRegionCode       = ConvertTo-Text $plan.CountryOrRegionCode
                # The export has the policies.
                GenerateUMMailboxPolicy   = $false
            }
            if (-not (Invoke-Step 'UM dial plan' $name 'Created' { New-UMDialPlan @new })) { continue }
            $counts.DialPlansCreated++
        }
        $present = Get-UMDialPlan -Identity $name
        foreach ($fixed in 'NumberOfDigitsInExtension', 'URIType') {
            if ("$($present.$fixed)" -ne "$($plan.$fixed)") {
                Add-Line 'UM dial plan' $name 'Failed' "$fixed stays $($present.$fixed); it was $($plan.$fixed)"
                $counts.Failed++
            }
        }
        $null = Sync-Setting 'UM dial plan' $name $plan $present Set-UMDialPlan 'Identity', 'Name'
    }

    foreach ($policy in $policies) {
        $name = ConvertTo-Text $policy.Name
        if (-not (Get-UMMailboxPolicy | Where-Object Name -eq $name)) {
            $of = Get-BareName $policy.UMDialPlan
            $made = Invoke-Step 'UM mailbox policy' $name 'Created' { New-UMMailboxPolicy -Name $name -UMDialPlan $of }
            if (-not $made) { continue }
            $counts.PoliciesCreated++
        }
        $present = Get-UMMailboxPolicy -Identity $name
        $except = 'Identity', 'Name', 'UMDialPlan'
        $null = Sync-Setting 'UM mailbox policy' $name $policy $present Set-UMMailboxPolicy $except
    }

    # ---- People ----------------------------------------------------------------------------------------------------

    $here = @{}
    foreach ($mailbox in Get-UMMailbox -ResultSize Unlimited) { $here["$($mailbox.Guid)"] = $mailbox }
    $toEnable = @($people | Where-Object { -not $here.ContainsKey((ConvertTo-Text $_.Guid)) }).Count
    if ($toEnable -gt 0 -and (Get-UMPinConfiguration).Transport -ne 'None' -and -not $WhatIfPreference) {
        throw "$toEnable people are to be enabled, and their welcome mails would leave at once. Nobody was enabled. " +
        'Hold the mails first (Set-UMPinConfiguration -Transport None), and choose the transport again to let them go.'
    }
    $begun = 0
    $done = 0
    foreach ($person in $people) {
        $done++
        if ($done % 10 -eq 1) {
            $status = @{ Status = "$done of $($people.Count) people"; PercentComplete = 100 * $done / $people.Count }
            Write-Progress -Activity 'Importing Unified Messaging' @status
        }
        $guid = ConvertTo-Text $person.Guid
        $who = ConvertTo-Text $person.PrimarySmtpAddress
        $policy = Get-BareName $person.UMMailboxPolicy
        $plan = Get-BareName $person.UMDialPlan
        $addresses = @(Get-EumAddress $person)
        # The primary one first.
        $own = @($addresses | Where-Object { $_.Plan -eq $plan -and $_.Address -match '^\d+$' })
        $sorted = @($own | Where-Object { $_.IsPrimary }) + @($own | Where-Object { -not $_.IsPrimary })
        $numbers = $sorted | ForEach-Object { $_.Address }
        if (-not $numbers) { $numbers = @($person.Extensions | ForEach-Object { ConvertTo-Text $_ }) }

        $isNew = -not $here.ContainsKey($guid)
        if ($isNew) {
            if ($begun -ge $BatchSize) {
                $counts.Left++
                continue
            }
            $begun++
            $new = @{ Identity = $guid; UMMailboxPolicy = $policy; Extensions = $numbers }
            $resource = ConvertTo-Text $person.SIPResourceIdentifier
            if ($resource) { $new.SIPResourceIdentifier = $resource -replace '^sip:' }
            # The warning that mail waits: here it is meant to.
            $made = Invoke-Step 'UM mailbox' $who 'Enabled' { Enable-UMMailbox @new -WarningAction SilentlyContinue }
            if (-not $made) { continue }
            $counts.Enabled++
            $here[$guid] = Get-UMMailbox -Identity $guid
        }
        $present = $here[$guid]
        $changes = @(
            if ($locked.ContainsKey($who) -and (Test-OnlyEnabled $present)) {
                if (Invoke-Step 'UM mailbox' $who 'Locked' { Lock-UMMailbox -Identity $guid }) {
                    $counts.Locked++
                    $true
                }
            }
            if ("$($present.UMMailboxPolicy)" -ne $policy) {
                Invoke-Step 'UM mailbox' $who 'Moved' -Detail "to $policy" {
                    Set-UMMailbox -Identity $guid -UMMailboxPolicy $policy
                }
            }
            Sync-Setting 'UM mailbox' $who $person $present Set-UMMailbox 'Identity', 'Name', 'UMMailboxPolicy'
            # Numbers of a second dial plan, and others that came later.
            $have = @(Get-EumAddress $present | ForEach-Object { "$($_.Address);$($_.Plan)" })
            $missing = @($addresses | Where-Object { "$($_.Address);$($_.Plan)" -notin $have } |
                    ForEach-Object { "eum:$($_.Address);phone-context=$($_.Plan)" })
            if ($missing.Count -gt 0) {
                Invoke-Step 'UM mailbox' $who 'Added' -Detail ($missing -join ', ') {
                    Import-Module UMMailboxPin.ExchangeCompat -Cmdlet Set-Mailbox
                    Set-Mailbox -Identity $guid -EmailAddresses @{ Add = $missing }
                }
            }
        )
        if (-not $isNew) { if ($changes -contains $true) { $counts.Changed++ } else { $counts.Unchanged++ } }
    }
}
finally {
    # What was done is told also where the script ended early.
    Write-Progress -Activity 'Importing Unified Messaging' -Completed
    if (-not $WhatIfPreference) { $report | Export-Csv -LiteralPath $ReportPath -NoTypeInformation -Encoding UTF8 }
}

$counts.MailsHeld = @(Get-UMPinOutbox).Count
$counts.Report = if ($WhatIfPreference) { '' } else { $ReportPath }
[pscustomobject] $counts
