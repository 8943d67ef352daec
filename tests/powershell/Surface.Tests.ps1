#Requires -Modules Pester
# The surface of every cmdlet against tables written out from Microsoft's pages and from our contract: names, types,
# positions, pipeline binding, parameter sets, impact, output types.
#
# A line of a table is: name, type, then any of
#   R           mandatory            0             position 0
#   pipe        by value and by property name      value         by value only
#   [A,B]       only in these parameter sets       (R:A) mandatory in set A only
BeforeDiscovery {
    $recipient = @'
DomainController String
IgnoreDefaultScope SwitchParameter
'@
    $configuration = 'DomainController String'
    $identity = 'Identity UmObjectIdentity R 0 pipe'
    $optional = 'Identity UmObjectIdentity 0 pipe'
    $cases = @(
        @{
            Name = 'Get-UMMailboxPIN'; DefaultSet = 'Identity'
            Output = 'Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin'
            Table = $optional, $recipient, @'
Credential PSCredential
IgnoreErrors SwitchParameter
Organization String
ReadFromDomainController SwitchParameter
ResultSize Unlimited
'@
        }
        @{
            Name = 'Set-UMMailboxPIN'; Impact = 'Medium'; Output = 'Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin'
            Table = $identity, $recipient, @'
LockedOut Boolean
NotifyEmail String
PassThru SwitchParameter
Pin String
PinExpired Boolean
SendEmail Boolean
ThrottleLimit Int32
'@
        }
        @{
            Name = 'Test-UMMailboxPIN'; Impact = 'Medium'; DefaultSet = 'Identity'; Output = 'UMMailboxPin.SignInResult'
            Table = @'
Identity UmObjectIdentity R 0 pipe [Identity]
Extension String R [Extension]
DialPlan UmObjectIdentity [Extension]
Pin SecurePin R
'@
        }
        @{
            Name = 'Enable-UMMailbox'; Impact = 'Medium'; DefaultSet = 'Identity'
            Output = 'Microsoft.Exchange.Data.Directory.Management.UMMailbox'
            Table = $identity, $recipient, @'
UMMailboxPolicy UmObjectIdentity [Identity,CloudVoiceMail] (R:Identity)
EnableCloudVoiceMail SwitchParameter R [CloudVoiceMail]
AutomaticSpeechRecognitionEnabled Boolean
Extensions String[]
NotifyEmail String
PIN String
PINExpired Boolean
PilotNumber String
SendWelcomeMail Boolean
SIPResourceIdentifier String
ValidateOnly SwitchParameter
'@
        }
        @{
            Name = 'Disable-UMMailbox'; Impact = 'High'
            Output = 'Microsoft.Exchange.Data.Directory.Management.UMMailbox'
            Table = $identity, $recipient, 'KeepProperties Boolean'
        }
        @{
            Name = 'Get-UMMailbox'; DefaultSet = 'Identity'
            Output = 'Microsoft.Exchange.Data.Directory.Management.UMMailbox'
            Table = 'Identity UmObjectIdentity 0 pipe [Identity]', $recipient, @'
Anr String R [AnrSet]
Credential PSCredential
Filter String
OrganizationalUnit String
ReadFromDomainController SwitchParameter
ResultSize Unlimited
SortBy String
'@
        }
        @{
            Name = 'Set-UMMailbox'; Impact = 'Medium'
            Table = $identity, $recipient, @'
AirSyncNumbers MultiValuedProperty
AllowUMCallsFromNonUsers String
AnonymousCallersCanLeaveMessages Boolean
AutomaticSpeechRecognitionEnabled Boolean
CallAnsweringAudioCodec String
CallAnsweringRulesEnabled Boolean
FaxEnabled Boolean
ImListMigrationCompleted Boolean
MissedCallNotificationEnabled Boolean
Name String
OperatorNumber String
PhoneNumber String
PhoneProviderId String
Pin Object
PinlessAccessToVoiceMailEnabled Boolean
PlayOnPhoneEnabled Boolean
SubscriberAccessEnabled Boolean
TUIAccessToCalendarEnabled Boolean
TUIAccessToEmailEnabled Boolean
UMMailboxPolicy UmObjectIdentity
UMSMSNotificationOption String
VerifyGlobalRoutingEntry Boolean
VoiceMailAnalysisEnabled Boolean
'@
        }
        @{ Name = 'Lock-UMMailbox'; Impact = 'Medium'; Table = $identity, $recipient }
        @{ Name = 'Unlock-UMMailbox'; Impact = 'Medium'; Table = $identity, $recipient }
        @{
            Name = 'New-UMMailboxPolicy'; Impact = 'Medium'
            Output = 'Microsoft.Exchange.Data.Directory.SystemConfiguration.UMMailboxPolicy'
            Table = $configuration, @'
Name String R 0
UMDialPlan UmObjectIdentity R
'@
        }
        @{
            Name = 'Get-UMMailboxPolicy'
            Output = 'Microsoft.Exchange.Data.Directory.SystemConfiguration.UMMailboxPolicy'
            Table = $optional, $configuration, 'UMDialPlan UmObjectIdentity'
        }
        @{
            Name = 'Set-UMMailboxPolicy'; Impact = 'Medium'
            Table = $identity, $configuration, @'
AllowAutomaticSpeechRecognition Boolean
AllowCallAnsweringRules Boolean
AllowCommonPatterns Boolean
AllowDialPlanSubscribers Boolean
AllowedInCountryOrRegionGroups MultiValuedProperty
AllowedInternationalGroups MultiValuedProperty
AllowExtensions Boolean
AllowFax Boolean
AllowMessageWaitingIndicator Boolean
AllowMissedCallNotifications Boolean
AllowPinlessVoiceMailAccess Boolean
AllowPlayOnPhone Boolean
AllowSMSNotification Boolean
AllowSubscriberAccess Boolean
AllowTUIAccessToCalendar Boolean
AllowTUIAccessToDirectory Boolean
AllowTUIAccessToEmail Boolean
AllowTUIAccessToPersonalContacts Boolean
AllowVoiceMailAnalysis Boolean
AllowVoiceMailPreview Boolean
AllowVoiceResponseToOtherMessageTypes Boolean
FaxMessageText String
FaxServerURI String
ForceUpgrade SwitchParameter
InformCallerOfVoiceMailAnalysis Boolean
LogonFailuresBeforePINReset Unlimited
MaxGreetingDuration Int32
MaxLogonAttempts Unlimited
MinPINLength Int32
Name String
PINHistoryCount Int32
PINLifetime Unlimited
ProtectAuthenticatedVoiceMail String
ProtectedVoiceMailText String
ProtectUnauthenticatedVoiceMail String
RequireProtectedPlayOnPhone Boolean
ResetPINText String
SourceForestPolicyNames MultiValuedProperty
UMDialPlan UmObjectIdentity
UMEnabledText String
VoiceMailPreviewPartnerAddress String
VoiceMailPreviewPartnerAssignedID String
VoiceMailPreviewPartnerMaxDeliveryDelay Int32
VoiceMailPreviewPartnerMaxMessageDuration Int32
VoiceMailText String
BlockHumanPINs Boolean
ExpiryNoticeDays Unlimited
Lifetime Object
LifetimeLogonFailures Unlimited
Lockout Object
LockoutDuration Unlimited
NotifyWithoutPIN Boolean
'@
        }
        @{ Name = 'Remove-UMMailboxPolicy'; Impact = 'High'; Table = $identity, $configuration }
        @{
            Name = 'New-UMDialPlan'; Impact = 'Medium'
            Output = 'Microsoft.Exchange.Data.Directory.SystemConfiguration.UMDialPlan'
            Table = $configuration, @'
Name String R 0
CountryOrRegionCode String
NumberOfDigitsInExtension Int32 R
AccessTelephoneNumbers MultiValuedProperty
DefaultLanguage String
FaxEnabled Boolean
GenerateUMMailboxPolicy Boolean
URIType String
VoIPSecurity String
'@
        }
        @{
            Name = 'Get-UMDialPlan'
            Output = 'Microsoft.Exchange.Data.Directory.SystemConfiguration.UMDialPlan'
            Table = $optional, $configuration
        }
        @{
            Name = 'Set-UMDialPlan'; Impact = 'Medium'
            Table = $identity, $configuration, @'
AccessTelephoneNumbers MultiValuedProperty
AllowDialPlanSubscribers Boolean
AllowedInCountryOrRegionGroups MultiValuedProperty
AllowedInternationalGroups MultiValuedProperty
AllowExtensions Boolean
AllowHeuristicADCallingLineIdResolution Boolean
AudioCodec String
AutomaticSpeechRecognitionEnabled Boolean
CallAnsweringRulesEnabled Boolean
CallSomeoneEnabled Boolean
ConfiguredInCountryOrRegionGroups MultiValuedProperty
ConfiguredInternationalGroups MultiValuedProperty
ContactAddressList String
ContactRecipientContainer String
ContactScope String
CountryOrRegionCode String
DefaultLanguage String
DefaultOutboundCallingLineId String
DialByNamePrimary String
DialByNameSecondary String
EquivalentDialPlanPhoneContexts MultiValuedProperty
Extension String
FaxEnabled Boolean
ForceUpgrade SwitchParameter
InCountryOrRegionNumberFormat String
InfoAnnouncementEnabled String
InfoAnnouncementFilename String
InputFailuresBeforeDisconnect Int32
InternationalAccessCode String
InternationalNumberFormat String
LegacyPromptPublishingPoint String
LogonFailuresBeforeDisconnect Int32
MatchedNameSelectionMethod String
MaxCallDuration Int32
MaxRecordingDuration Int32
Name String
NationalNumberPrefix String
NumberingPlanFormats MultiValuedProperty
OperatorExtension String
OutsideLineAccessCode String
PilotIdentifierList MultiValuedProperty
RecordingIdleTimeout Int32
SendVoiceMsgEnabled Boolean
TUIPromptEditingEnabled Boolean
UMAutoAttendant String
VoIPSecurity String
WelcomeGreetingEnabled Boolean
WelcomeGreetingFilename String
'@
        }
        @{ Name = 'Remove-UMDialPlan'; Impact = 'High'; Table = $identity, $configuration }
        @{
            Name = 'Import-UMRecipient'; Impact = 'Medium'; DefaultSet = 'Path'; Output = 'UMMailboxPin.ImportResult'
            Table = @'
Path String R 0 [Path]
InputObject PSObject R value [InputObject]
Prune SwitchParameter
Force SwitchParameter
'@
        }
        @{ Name = 'Get-UMPinConfiguration'; Output = 'UMMailboxPin.PinConfiguration'; Table = '' }
        @{
            Name = 'Set-UMPinConfiguration'; Impact = 'Medium'
            Table = @'
AdminAuditLogAgeLimit Int32
Command String
CommandArguments String[]
CommandTimeoutSeconds Int32
PickupFolder String
SenderAddress String
SenderName String
ServerName String
SprayDetectionThreshold Int32
TestMail String
Transport String
'@
        }
        @{ Name = 'Get-UMPinOutbox'; Output = 'UMMailboxPin.OutboxItem'; Table = '' }
        @{ Name = 'Send-UMPinOutbox'; Impact = 'Medium'; Output = 'UMMailboxPin.OutboxItem'; Table = $optional }
        @{ Name = 'Update-UMPinKey'; Impact = 'High'; Output = 'UMMailboxPin.KeyRotation'; Table = '' }
        @{ Name = 'Backup-UMPinStore'; Impact = 'Medium'; Output = 'UMMailboxPin.Backup'; Table = 'Path String R 0' }
        @{
            Name = 'Restore-UMPinStore'
            Impact = 'High'
            Output = 'UMMailboxPin.Backup'
            Table = 'Path String R 0', 'Force SwitchParameter'
        }
        @{ Name = 'Test-UMPinStore'; Output = 'UMMailboxPin.StoreCheck'; Table = '' }
        @{
            Name = 'Search-UMAdminAuditLog'; Output = 'UMMailboxPin.AdminAuditLogEvent'
            Table = $configuration, @'
Cmdlets String[]
EndDate DateTime
ExternalAccess Boolean
IsSuccess Boolean
ObjectIds String[]
Parameters String[]
ResultSize Unlimited
StartDate DateTime
StartIndex Int32
UserIds String[]
'@
        }
        @{
            Name = 'Get-Mailbox'; DefaultSet = 'Identity'
            Output = 'Microsoft.Exchange.Data.Directory.Management.Mailbox'
            Table = 'Identity UmObjectIdentity 0 pipe [Identity]', $recipient, @'
Anr String R [AnrSet]
Credential PSCredential
Filter String
OrganizationalUnit String
ReadFromDomainController SwitchParameter
RecipientTypeDetails String[]
ResultSize Unlimited
SortBy String
'@
        }
        @{
            Name = 'Set-Mailbox'; Impact = 'Medium'
            Table = $identity, $recipient, @'
EmailAddresses MultiValuedProperty
EmailAddressPolicyEnabled Boolean
SecondaryAddress String
SecondaryDialPlan UmObjectIdentity
'@
        }
        @{
            Name = 'Get-ADServerSettings'
            Output = 'Microsoft.Exchange.Data.Directory.Management.RunspaceServerSettingsPresentationObject'
            Table = $configuration
        }
        @{
            Name = 'Set-ADServerSettings'; Impact = 'Medium'; DefaultSet = 'FullParams'
            Table = $configuration, @'
PreferredServer String R 0 [SingleDC]
RunspaceServerSettings PSObject R value [Instance]
ConfigurationDomainController String
PreferredGlobalCatalog String
RecipientViewRoot String
SetPreferredDomainControllers MultiValuedProperty
ViewEntireForest Boolean
'@
        }
    )
    $names = $cases.Name
}

BeforeAll {
    . $PSScriptRoot/common.ps1

    # A parameter as a line of the tables above; set names only where it is not in all sets.
    function Get-ParameterLine([System.Management.Automation.CommandInfo] $Command,
        [System.Management.Automation.ParameterMetadata] $Parameter) {
        $line = [System.Collections.Generic.List[string]]@($Parameter.Name, $Parameter.ParameterType.Name)
        $sets = $Parameter.ParameterSets
        $each = @($sets.Values)
        $inAll = $sets.ContainsKey('__AllParameterSets')
        $mandatory = @($sets.GetEnumerator() | Where-Object { $_.Value.IsMandatory } | ForEach-Object Key)
        if ($mandatory.Count -gt 0 -and $mandatory.Count -eq $sets.Count) { $line.Add('R') }
        if ($each[0].Position -ge 0) { $line.Add([string] $each[0].Position) }
        if ($each[0].ValueFromPipeline -and $each[0].ValueFromPipelineByPropertyName) { $line.Add('pipe') }
        elseif ($each[0].ValueFromPipeline) { $line.Add('value') }
        elseif ($each[0].ValueFromPipelineByPropertyName) { $line.Add('property') }
        if (-not $inAll) {
            # In the order in which the command lists its sets, the default first.
            $line.Add('[' + (($Command.ParameterSets.Name | Where-Object { $sets.ContainsKey($_) } |
                Sort-Object { $_ -ne 'Identity' }, { $_ }) -join ',') + ']')
        }
        if ($mandatory.Count -gt 0 -and $mandatory.Count -lt $sets.Count) {
            $line.Add('(R:' + ($mandatory -join ',') + ')')
        }
        $line -join ' '
    }
}

Describe 'The surface of <Name>' -ForEach $cases {
    BeforeAll {
        $command = Get-Command -Name $Name -CommandType Cmdlet
        $attribute = $command.ImplementingType.GetCustomAttributes([System.Management.Automation.CmdletAttribute],
            $false)[0]
        $common = [System.Management.Automation.PSCmdlet]::CommonParameters +
            [System.Management.Automation.PSCmdlet]::OptionalCommonParameters
    }

    It 'is a compiled cmdlet' {
        $command.CommandType | Should -Be 'Cmdlet'
    }

    It 'has these parameters, with their types, positions, binding and sets' {
        $expected = @($Table) -join "`n" -split "`r?`n" | Where-Object { $_ } | Sort-Object
        $actual = $command.Parameters.Values | Where-Object Name -notin $common |
            ForEach-Object { Get-ParameterLine $command $_ } | Sort-Object
        ($actual -join "`n") | Should -BeExactly ($expected -join "`n")
    }

    It 'supports ShouldProcess just if it writes, with this impact' {
        $attribute.SupportsShouldProcess | Should -Be ([bool] $Impact)
        if ($Impact) { $attribute.ConfirmImpact | Should -Be $Impact }
        $command.Parameters.ContainsKey('WhatIf') | Should -Be ([bool] $Impact)
        if ($Impact) {
            $command.Parameters['WhatIf'].Aliases | Should -Contain 'wi'
            $command.Parameters['Confirm'].Aliases | Should -Contain 'cf'
        }
    }

    It 'declares what it puts out' {
        $command.OutputType.Name | Should -Be $Output
    }

    It 'has this default parameter set' {
        $command.DefaultParameterSet | Should -Be $DefaultSet
    }

    It 'lets -id mean Identity' {
        if ($command.Parameters.ContainsKey('Identity')) {
            $command.ResolveParameter('id').Name | Should -Be 'Identity'
        }
        else { $command.Parameters.Keys | Where-Object { $_ -like 'id*' } | Should -BeNullOrEmpty }
    }
}

Describe 'The modules' {
    It 'export what the table lists and nothing else' -ForEach @{ Names = $names } {
        $exported = Get-Command -Module UMMailboxPin, UMMailboxPin.ExchangeCompat
        $exported.CommandType | Sort-Object -Unique | Should -Be 'Cmdlet'
        $exported.Name | Sort-Object | Should -Be ($Names | Sort-Object)
    }

    It 'have a manifest that lists every export by name' -ForEach 'UMMailboxPin', 'UMMailboxPin.ExchangeCompat' {
        $manifest = Import-PowerShellDataFile (Join-Path (Get-Module $_).ModuleBase "$_.psd1")
        foreach ($list in 'CmdletsToExport', 'FunctionsToExport', 'AliasesToExport', 'VariablesToExport') {
            $manifest.ContainsKey($list) | Should -BeTrue
            $manifest[$list] | Where-Object { $_ -match '[*?]' } | Should -BeNullOrEmpty
        }
        Test-ModuleManifest (Join-Path (Get-Module $_).ModuleBase "$_.psd1") | Should -Not -BeNullOrEmpty
        (Get-Module $_).ExportedCommands.Keys | Sort-Object | Should -Be ($manifest.CmdletsToExport | Sort-Object)
    }

    It 'export every class that is a cmdlet' -ForEach 'UMMailboxPin', 'UMMailboxPin.ExchangeCompat' {
        $file = Join-Path (Get-Module $_).ModuleBase "$_.dll"
        $assembly = [AppDomain]::CurrentDomain.GetAssemblies() | Where-Object Location -eq $file
        $classes = foreach ($type in $assembly.GetTypes() | Where-Object IsAbstract -eq $false) {
            $type.GetCustomAttributes([System.Management.Automation.CmdletAttribute], $false) |
                ForEach-Object { $_.VerbName + '-' + $_.NounName }
        }
        $classes.Count | Should -BeGreaterThan 2
        $classes | Sort-Object | Should -Be ((Get-Module $_).ExportedCmdlets.Keys | Sort-Object)
    }

    It 'have a parameter for every setting of a <Get>' -ForEach @(
        @{ Get = 'Get-UMDialPlan'; Set = 'Set-UMDialPlan' }
        @{ Get = 'Get-UMMailboxPolicy'; Set = 'Set-UMMailboxPolicy' }
    ) {
        $folder = New-TestStore -Seed
        try {
            # What the library shows: every setting of its tables, then what is computed, or fixed once it exists.
            $computed = @('Identity', 'Guid', 'WhenCreated', 'WhenChanged', 'UMDialPlan', 'PhoneContext',
                'NumberOfDigitsInExtension', 'URIType', 'UMMailboxPolicies')
            $shown = (& $Get).PSObject.Properties.Name
            $settings = $shown | Where-Object { $_ -notin $computed }
            $settings.Count | Should -BeGreaterThan 20
            $parameters = (Get-Command $Set).Parameters.Keys
            $settings | Where-Object { $_ -notin $parameters } | Should -BeNullOrEmpty
        }
        finally { Remove-TestStore $folder }
    }

    It 'have one version, which is the crate''s' {
        $crate = (Select-String -Path "$PSScriptRoot/../../Cargo.toml" `
            -Pattern '^version = "([^"]+)"').Matches[0].Groups[1].Value
        foreach ($module in 'UMMailboxPin', 'UMMailboxPin.ExchangeCompat') {
            (Get-Module $module).Version | Should -Be $crate
            $file = Join-Path (Get-Module $module).ModuleBase "$module.dll"
            $assembly = [System.Reflection.AssemblyName]::GetAssemblyName($file)
            $assembly.Version.ToString(3) | Should -Be $crate
        }
    }

    It 'file every status of the library under a category, and only PinGeneration under NotSpecified' {
        $header = Get-Content -Raw "$PSScriptRoot/../../include/umpin.h"
        $statuses = [regex]::Matches($header, '(?m)^\s*UMPIN_STATUS_([A-Z0-9_]+) = (\d+),') | ForEach-Object {
            [pscustomobject]@{ Name = $_.Groups[1].Value; Number = [int] $_.Groups[2].Value }
        } | Where-Object Number -ne 0
        $statuses.Count | Should -BeGreaterThan 50
        $errors = [Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin].Assembly.GetType('UMMailboxPin.Errors')
        $categories = $errors.GetField('Categories',
            [System.Reflection.BindingFlags] 'NonPublic, Static').GetValue($null)
        foreach ($status in $statuses) {
            $categories.ContainsKey($status.Number) | Should -BeTrue -Because "$($status.Name) needs a category"
            $unspecified = $categories[$status.Number] -eq 'NotSpecified'
            $unspecified | Should -Be ($status.Name -eq 'PIN_GENERATION') -Because $status.Name
        }
        $categories.Keys | Where-Object { $_ -ge 0 -and $_ -notin $statuses.Number } | Should -BeNullOrEmpty
    }

    It 'work under Import-Module -Prefix' {
        $out = Invoke-FreshPwsh @'
$WarningPreference = 'SilentlyContinue'
Import-Module UMMailboxPin -Prefix o365
(Get-Command Get-o365UMMailboxPIN).CommandType
Get-o365UMMailboxPIN
Get-o365UMPinConfiguration | Out-Null
$error.Count
'@
        $out | Should -Be 'Cmdlet', '0'
    }
}
