@{
    RootModule             = 'UMMailboxPin.dll'
    ModuleVersion          = '0.1.0'
    GUID                   = '6f0d5f7e-6a3a-4a53-9f0e-6f1f8a0c9d11'
    Author                 = 'The UMMailboxPin maintainers'
    CompanyName            = 'UMMailboxPin'
    Copyright              = '(c) The UMMailboxPin maintainers. MIT OR Apache-2.0.'
    Description            = "Exchange's Unified Messaging cmdlets, PINs first, over a store of their own, for any PBX."
    PowerShellVersion      = '5.1'
    # For Windows PowerShell; the first that brings .NET Standard 2.0 whole.
    DotNetFrameworkVersion = '4.7.2'
    CompatiblePSEditions   = @('Desktop', 'Core')
    FormatsToProcess       = @('UMMailboxPin.format.ps1xml')
    TypesToProcess         = @('UMMailboxPin.types.ps1xml')

    # By name, so that listing and auto-loading need not load the assembly.
    CmdletsToExport        = @(
        'Get-UMMailboxPIN'
        'Set-UMMailboxPIN'
        'Test-UMMailboxPIN'
        'Enable-UMMailbox'
        'Disable-UMMailbox'
        'Get-UMMailbox'
        'Set-UMMailbox'
        'Lock-UMMailbox'
        'Unlock-UMMailbox'
        'New-UMMailboxPolicy'
        'Get-UMMailboxPolicy'
        'Set-UMMailboxPolicy'
        'Remove-UMMailboxPolicy'
        'New-UMDialPlan'
        'Get-UMDialPlan'
        'Set-UMDialPlan'
        'Remove-UMDialPlan'
        'Import-UMRecipient'
        'Get-UMPinConfiguration'
        'Set-UMPinConfiguration'
        'Get-UMPinOutbox'
        'Send-UMPinOutbox'
        'Update-UMPinKey'
        'Backup-UMPinStore'
        'Restore-UMPinStore'
        'Test-UMPinStore'
        'Search-UMAdminAuditLog'
    )
    FunctionsToExport      = @()
    AliasesToExport        = @()
    VariablesToExport      = @()

    PrivateData            = @{
        PSData = @{
            Tags = @(
                'Exchange', 'UnifiedMessaging', 'UM', 'VoiceMail', 'PIN', 'PBX', 'Asterisk',
                'Windows', 'Linux', 'MacOS', 'PSEdition_Core', 'PSEdition_Desktop'
            )
        }
    }
}
