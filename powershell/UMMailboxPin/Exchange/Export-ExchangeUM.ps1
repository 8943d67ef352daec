<#
.SYNOPSIS
Writes what Exchange's Unified Messaging knows into a folder, for Import-ExchangeUM.ps1.

.DESCRIPTION
Run it in the Exchange Management Shell of Exchange 2010 to 2016, or in a session that imported that server's cmdlets,
on the last day that Exchange's Unified Messaging runs. It reads and changes nothing. One file a kind of object:

    UMDialPlan.xml  UMMailboxPolicy.xml  UMMailbox.xml  UMMailboxPIN.xml  Mailbox.xml  Recipient.xml

PINs are not among them: Exchange keeps hashes that nothing else can use. UMMailboxPIN.xml says who is locked out.
Names, addresses and numbers of everybody are, so keep the folder from others' eyes and delete it afterwards.

.EXAMPLE
.\Export-ExchangeUM.ps1 -Path D:\ExchangeUM

Writes six files into a new folder.

.EXAMPLE
.\Export-ExchangeUM.ps1 -Path D:\ExchangeUM -WithoutPINStates

The same without asking each mailbox whether it is locked out, which takes Exchange long where there are many.
#>
# Windows PowerShell 2.0 runs this, the one of Exchange 2010.
[CmdletBinding()]
param(
    # The folder to write to. It must not hold an export already.
    [Parameter(Mandatory = $true, Position = 0)]
    [string] $Path,

    # Does not read the PIN states: nobody will be locked after the import.
    [switch] $WithoutPINStates
)
$ErrorActionPreference = 'Stop'

if (-not (Test-Path -LiteralPath $Path)) { $null = New-Item -ItemType Directory -Path $Path }
$folder = (Resolve-Path -LiteralPath $Path).ProviderPath

# What goes into which file, and how it is read. Mailboxes are all, not only those with Unified Messaging: they are the
# directory that the cmdlets look people up in.
$kinds = @(
    @{ File = 'UMDialPlan.xml'; Read = { Get-UMDialPlan } }
    @{ File = 'UMMailboxPolicy.xml'; Read = { Get-UMMailboxPolicy } }
    @{ File = 'UMMailbox.xml'; Read = { Get-UMMailbox -ResultSize Unlimited } }
    @{ File = 'UMMailboxPIN.xml'; Read = { Get-UMMailboxPIN -ResultSize Unlimited -IgnoreErrors } }
    @{ File = 'Mailbox.xml'; Read = { Get-Mailbox -ResultSize Unlimited } }
    # Telephone numbers, first and last names, which a mailbox does not show.
    @{ File = 'Recipient.xml'; Read = { Get-Recipient -RecipientType UserMailbox -ResultSize Unlimited } }
)
if ($WithoutPINStates) { $kinds = @($kinds | Where-Object { $_.File -ne 'UMMailboxPIN.xml' }) }

foreach ($kind in $kinds) {
    $file = Join-Path $folder $kind.File
    if (Test-Path -LiteralPath $file) {
        throw "$file is there already. Nothing was written over. Name an empty folder, or move the file away."
    }
}

$done = 0
foreach ($kind in $kinds) {
    $percent = 100 * $done / $kinds.Count
    Write-Progress -Activity 'Reading Unified Messaging' -Status $kind.File -PercentComplete $percent
    $file = Join-Path $folder $kind.File
    $objects = @(& $kind.Read)
    # Under another name until it is whole.
    $objects | Export-Clixml -Path "$file.part"
    Move-Item -LiteralPath "$file.part" -Destination $file
    New-Object PSObject -Property @{ File = $file; Count = $objects.Count } | Select-Object File, Count
    $done++
}
Write-Progress -Activity 'Reading Unified Messaging' -Completed
