@{
    RootModule             = 'UMMailboxPin.ExchangeCompat.dll'
    ModuleVersion          = '0.1.0'
    GUID                   = 'b5b9b0d3-7a53-4c0e-8a0e-3c2a6f5e4d12'
    Author                 = 'The UMMailboxPin maintainers'
    CompanyName            = 'UMMailboxPin'
    Copyright              = '(c) The UMMailboxPin maintainers. MIT OR Apache-2.0.'
    Description            = 'What scripts call around the UM cmdlets: Get- and Set-Mailbox, and -ADServerSettings.'
    PowerShellVersion      = '5.1'
    # For Windows PowerShell; the first that brings .NET Standard 2.0 whole.
    DotNetFrameworkVersion = '4.7.2'
    CompatiblePSEditions   = @('Desktop', 'Core')
    RequiredModules        = @(@{ ModuleName = 'UMMailboxPin'; ModuleVersion = '0.1.0' })
    FormatsToProcess       = @('UMMailboxPin.ExchangeCompat.format.ps1xml')
    TypesToProcess         = @('UMMailboxPin.ExchangeCompat.types.ps1xml')
    CmdletsToExport        = @(
        'Get-Mailbox'
        'Set-Mailbox'
        'Get-ADServerSettings'
        'Set-ADServerSettings'
    )
    FunctionsToExport      = @()
    AliasesToExport        = @()
    VariablesToExport      = @()

    PrivateData            = @{
        PSData = @{
            Tags = @(
                'Exchange', 'UnifiedMessaging', 'UM', 'Mailbox',
                'Windows', 'Linux', 'MacOS', 'PSEdition_Core', 'PSEdition_Desktop'
            )
        }
    }
}
