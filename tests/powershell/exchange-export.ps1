# Dot-sourced by tests: made-up exports of Exchange's Unified Messaging, in the exact shape of Export-Clixml there.
# In one, ids and addresses are texts, as Exchange's remote sessions send them; in the other, objects with a text, as in
# the Exchange Management Shell, which knows the types.
[System.Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSUseShouldProcessForStateChangingFunctions', '',
    Justification = 'A test helper.')]
param()

function New-ExchangeExport([string] $Folder, [int] $People = 1000, [int] $Others = 200, [switch] $Typed) {
    $null = New-Item -ItemType Directory -Force -Path $Folder
    $escape = { param($text) [System.Security.SecurityElement]::Escape($text) }
    $script:reference = 0

    # The beginning of an object, of the XML that Export-Clixml writes.
    function Format-Object([string] $Name, [string] $Type) {
        $script:reference++
        $types = "<T>Deserialized.$Type</T><T>Deserialized.System.Object</T>"
        "<Obj$Name RefId=`"$reference`"><TN RefId=`"$reference`">$types</TN>"
    }

    # One property.
    function Format-Value([string] $Name, $Value) {
        $n = if ($Name) { " N=`"$Name`"" } else { '' }
        if ($null -eq $Value) { return "<Nil$n />" }
        if ($Value -is [bool]) { return "<B$n>$("$Value".ToLowerInvariant())</B>" }
        if ($Value -is [int]) { return "<I32$n>$Value</I32>" }
        if ($Value -is [guid]) { return "<G$n>$Value</G>" }
        if ($Value -is [System.Collections.IDictionary]) {
            # @{ Type = ..; Text = .. }: a value of a type of Exchange's own, a list where it has List.
            $text = & $escape $Value.Text
            if ($Value.Contains('List')) {
                $items = foreach ($item in $Value.List) { "<S>$(& $escape $item)</S>" }
                return "$(Format-Object $n $Value.Type)<LST>$items</LST></Obj>"
            }
            if (-not $Typed) { return "<S$n>$text</S>" }
            return "$(Format-Object $n $Value.Type)<ToString>$text</ToString><Props /></Obj>"
        }
        "<S$n>$(& $escape "$Value")</S>"
    }

    function Write-ExportFile([string] $File, [string] $Type, [object[]] $Objects) {
        $space = 'http://schemas.microsoft.com/powershell/2004/04'
        $text = [System.Text.StringBuilder]::new("<Objs Version=`"1.1.0.1`" xmlns=`"$space`">`n")
        foreach ($object in $Objects) {
            $null = $text.Append("  $(Format-Object '' $Type)")
            $null = $text.Append("<ToString>$(& $escape $object.Name)</ToString><Props>")
            foreach ($key in $object.Keys) { $null = $text.Append((Format-Value $key $object[$key])) }
            $null = $text.Append('</Props><MS><S N="PSComputerName">ex01.contoso.com</S>')
            $null = $text.Append("<G N=`"RunspaceId`">0b1c2d3e-0000-4000-8000-000000000001</G></MS></Obj>`n")
        }
        $null = $text.Append('</Objs>')
        [System.IO.File]::WriteAllText((Join-Path $Folder $File), $text.ToString(),
            [System.Text.UnicodeEncoding]::new($false, $true))
    }

    function Id([string] $Text) { @{ Type = 'Microsoft.Exchange.Data.Directory.ADObjectId'; Text = $Text } }
    function Count([string] $Text) {
        @{ Type = 'Microsoft.Exchange.Data.Unlimited`1[[System.Int32, mscorlib]]'; Text = $Text }
    }
    function Many([string[]] $Texts) {
        @{ Type = 'Microsoft.Exchange.Data.MultiValuedProperty`1[[System.String, mscorlib]]'; List = @($Texts) }
    }
    function Addresses([string[]] $Texts) {
        @{ Type = 'Microsoft.Exchange.Data.ProxyAddressCollection'; List = $Texts }
    }
    function Word([string] $Text) {
        @{ Type = 'Microsoft.Exchange.Data.Directory.SystemConfiguration.Word'; Text = $Text }
    }

    $plans = foreach ($plan in @(
            @{ Name = 'Redmond'; Digits = 5; Type = 'TelExtn'; Code = '1'; Access = '4255550100', '4255550101' }
            @{ Name = 'Tokyo'; Digits = 4; Type = 'TelExtn'; Code = '81'; Access = '81355550100' }
            @{ Name = 'Lync'; Digits = 5; Type = 'SipName'; Code = '1'; Access = '4255550200' }
            @{ Name = 'World'; Digits = 7; Type = 'E164'; Code = '1'; Access = '4255550300' }
        )) {
        [ordered]@{
            NumberOfDigitsInExtension = $plan.Digits; LogonFailuresBeforeDisconnect = 3;
                AccessTelephoneNumbers = (Many $plan.Access)
            FaxEnabled = $plan.Name -ne 'Tokyo'; InputFailuresBeforeDisconnect = 3; OutsideLineAccessCode = '9';
                InternationalAccessCode = '011'
            CountryOrRegionCode = $plan.Code; MaxCallDuration = 30; MaxRecordingDuration = 20; RecordingIdleTimeout = 5
            PilotIdentifierList = (Many $plan.Access[0]); UMServers = (Many @());
                UMMailboxPolicies = (Many "$($plan.Name) Default Policy")
            WelcomeGreetingEnabled = $false; WelcomeGreetingFilename = ''; InfoAnnouncementFilename = '';
                OperatorExtension = '50000'
            DefaultLanguage = @{ Type = 'Microsoft.Exchange.Data.UMLanguage'; Text = 'en-US' };
                AudioCodec = (Word 'Mp3'); URIType = (Word $plan.Type)
            VoIPSecurity = (Word 'SIPSecured'); ContactScope = (Word 'GlobalAddressList');
                InfoAnnouncementEnabled = (Word 'False')
            AllowedInCountryOrRegionGroups = (Many 'Local'); PhoneContext = "$($plan.Name).contoso.com";
                Name = $plan.Name
            Identity = (Id $plan.Name); Guid = [guid]::NewGuid();
                DistinguishedName = "CN=$($plan.Name),CN=UM DialPlan Container,DC=contoso,DC=com"
        }
    }
    Write-ExportFile UMDialPlan.xml Microsoft.Exchange.Data.Directory.SystemConfiguration.UMDialPlan $plans

    $policies = foreach ($policy in @(
            @{ Name = 'Redmond Default Policy'; Plan = 'Redmond' }, @{ Name = 'Executives'; Plan = 'Redmond';
                Strict = $true }
            @{ Name = 'Tokyo Default Policy'; Plan = 'Tokyo' }, @{ Name = 'Lync Default Policy'; Plan = 'Lync' },
                @{ Name = 'World Default Policy'; Plan = 'World' }
        )) {
        $strict = [bool] $policy.Strict
        [ordered]@{
            MaxGreetingDuration = 5; MaxLogonAttempts = (Count $(if ($strict) { '10' } else { 'Unlimited' }));
                AllowCommonPatterns = $false
            PINLifetime = @{ Type = 'Microsoft.Exchange.Data.Unlimited`1[[Microsoft.Exchange.Data.EnhancedTimeSpan]]';
                Text = $(if ($strict) { '30.00:00:00' } else { 'Unlimited' }) }
            PINHistoryCount = $(if ($strict) { 20 } else { 5 }); AllowSMSNotification = $true;
                ProtectUnauthenticatedVoiceMail = (Word 'None')
            ProtectAuthenticatedVoiceMail = (Word $(if ($strict) { 'All' } else { 'None' }));
                ProtectedVoiceMailText = $null; RequireProtectedPlayOnPhone = $false
            AllowVoiceResponseToOtherMessageTypes = $true; MinPINLength = $(if ($strict) { 8 } else { 6 });
                FaxMessageText = ''
            UMEnabledText = 'Questions? <b>Call 50000.</b>'; ResetPINText = ''; SourceForestPolicyNames = (Many @());
                VoiceMailText = ''
            UMDialPlan = (Id $policy.Plan); FaxServerURI = $null; AllowedInCountryOrRegionGroups = (Many 'Local',
                'National')
            LogonFailuresBeforePINReset = (Count $(if ($strict) { '3' } else { '5' }));
                AllowMissedCallNotifications = $true; AllowFax = $false
            AllowPinlessVoiceMailAccess = $false; AllowVoiceMailPreview = -not $strict; Name = $policy.Name;
                Identity = (Id $policy.Name)
            Guid = [guid]::NewGuid(); DistinguishedName = "CN=$($policy.Name),CN=UM Mailbox Policies,DC=contoso,DC=com"
        }
    }
    Write-ExportFile UMMailboxPolicy.xml Microsoft.Exchange.Data.Directory.SystemConfiguration.UMMailboxPolicy $policies

    # Letters outside of ASCII by number, for the PowerShell that reads this file in another encoding.
    $first = 'Anna', 'Tony', 'Kim', "J$([char] 0xfc)rgen", "A$([char] 0xef)cha", 'Wei', 'Olu', "Zo$([char] 0xeb)"
    $last = 'Berg', "O'Neill", 'Akers', "M$([char] 0xfc)ller", "Lef$([char] 0xe8)vre", 'Zhang', 'Okoro', 'Smith'
    $mailboxes = [System.Collections.Generic.List[object]]::new()
    $recipients = [System.Collections.Generic.List[object]]::new()
    $enabled = [System.Collections.Generic.List[object]]::new()
    $states = [System.Collections.Generic.List[object]]::new()
    for ($i = 0; $i -lt $People + $Others; $i++) {
        $given = $first[$i % 8]
        $family = $last[[math]::Floor($i / 8) % 8]
        $name = "$given $family $i"
        $alias = "user$i"
        $smtp = "$alias@contoso.com"
        $guid = [guid]::NewGuid()
        $extension = '{0:00000}' -f (50000 + $i)
        $smtpAddresses = "SMTP:$smtp", "smtp:$alias@fabrikam.com"
        $dn = "CN=$name,OU=Users,DC=contoso,DC=com"
        $eum = @()
        $sip = $null
        if ($i -lt $People) {
            $kind = if ($i % 20 -eq 7) { 'Lync' }
            elseif ($i % 50 -eq 13) { 'World' }
            elseif ($i % 25 -eq 4) { 'Tokyo' }
            else { 'Redmond' }
            $policy = if ($kind -eq 'Redmond' -and $i % 10 -eq 0) { 'Executives' } else { "$kind Default Policy" }
            switch ($kind) {
                'Lync' {
                    $sip = $smtp
                    $smtpAddresses += "sip:$smtp"
                    $eum = "EUM:$smtp;phone-context=Lync.contoso.com", "eum:$extension;phone-context=Lync.contoso.com"
                }
                'World' {
                    $sip = "+1425$('{0:0000000}' -f (5500000 + $i))"
                    $eum = "EUM:$sip;phone-context=World.contoso.com",
                        "eum:$('{0:0000000}' -f (5500000 + $i));phone-context=World.contoso.com"
                }
                'Tokyo' { $eum = , "EUM:$('{0:0000}' -f (2000 + $i));phone-context=Tokyo.contoso.com" }
                'Redmond' {
                    $eum = , "EUM:$extension;phone-context=Redmond.contoso.com"
                    # A second number, and for some one in a second plan.
                    if ($i % 20 -eq 1) { $eum += "eum:$(70000 + $i);phone-context=Redmond.contoso.com" }
                    if ($i % 30 -eq 2) { $eum += "eum:$('{0:0000}' -f (6000 + $i));phone-context=Tokyo.contoso.com" }
                }
            }
            $numbers = @($eum | ForEach-Object { if ($_ -match '^eum:(\d+);') { $Matches[1] } })
            $enabled.Add([ordered]@{
                    DisplayName = $name; EmailAddresses = (Addresses ($smtpAddresses + $eum));
                        UMAddresses = (Many @()); LegacyExchangeDN = "/o=Contoso/cn=Recipients/cn=$alias"
                    LinkedMasterAccount = $null; PrimarySmtpAddress = @{ Type = 'Microsoft.Exchange.Data.SmtpAddress';
                        Text = $smtp }; SamAccountName = $alias
                    ServerName = 'ex01'; UMEnabled = $true; TUIAccessToCalendarEnabled = $true;
                        FaxEnabled = $i % 4 -ne 0; TUIAccessToEmailEnabled = $i % 100 -ne 3
                    SubscriberAccessEnabled = $true; MissedCallNotificationEnabled = $true;
                        UMSMSNotificationOption = (Word 'None')
                    PinlessAccessToVoiceMailEnabled = $false; AnonymousCallersCanLeaveMessages = $true;
                        AutomaticSpeechRecognitionEnabled = $true
                    VoiceMailAnalysisEnabled = $false; PlayOnPhoneEnabled = $true; CallAnsweringRulesEnabled = $true;
                        AllowUMCallsFromNonUsers = (Word 'SearchEnabled')
                    OperatorNumber = $(if ($i % 40 -eq 0) { '50100' }); PhoneProviderId = ''; UMDialPlan = (Id $kind);
                        UMMailboxPolicy = (Id $policy)
                    Extensions = (Many $numbers); CallAnsweringAudioCodec = $null; SIPResourceIdentifier = $sip;
                        PhoneNumber = ''
                    AccessTelephoneNumbers = (Many '4255550100'); AirSyncNumbers = (Many @()); Name = $name;
                        Guid = $guid
                    Identity = (Id "contoso.com/Users/$name"); DistinguishedName = $dn
                })
            $states.Add([ordered]@{
                    UserID = $smtp; PinExpired = $i % 3 -eq 0; FirstTimeUser = $false; LockedOut = $i % 50 -eq 5;
                        ObjectState = (Word 'Unchanged'); IsValid = $true
                    Identity = (Id "contoso.com/Users/$name"); Name = $name
                })
        }
        $mailboxes.Add([ordered]@{
                Database = (Id 'DB01'); ExchangeGuid = [guid]::NewGuid(); UMEnabled = $i -lt $People;
                    ServerName = 'ex01'; SamAccountName = $alias
                UserPrincipalName = $smtp; Languages = (Many $(if ($i % 8 -eq 4) { 'fr-FR' } else { 'en-US' }));
                    LinkedMasterAccount = $null
                Alias = $alias; DisplayName = $name
                EmailAddresses = (Addresses ($smtpAddresses + $eum +
                        "X400:C=us;A= ;P=Contoso;O=Exchange;S=$alias;"))
                LegacyExchangeDN = "/o=Contoso/cn=Recipients/cn=$alias";
                    PrimarySmtpAddress = @{ Type = 'Microsoft.Exchange.Data.SmtpAddress'; Text = $smtp }
                RecipientTypeDetails = (Word 'UserMailbox'); Name = $name; Guid = $guid;
                    Identity = (Id "contoso.com/Users/$name"); DistinguishedName = $dn
            })
        $recipients.Add([ordered]@{
                Alias = $alias; FirstName = $given; LastName = $family; Phone = "+1 425 55$extension"; Name = $name;
                    Guid = $guid
                RecipientType = (Word 'UserMailbox'); Identity = (Id "contoso.com/Users/$name"); DistinguishedName = $dn
            })
    }
    Write-ExportFile UMMailbox.xml Microsoft.Exchange.Data.Directory.Management.UMMailbox $enabled
    Write-ExportFile UMMailboxPIN.xml Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin $states
    Write-ExportFile Mailbox.xml Microsoft.Exchange.Data.Directory.Management.Mailbox $mailboxes
    Write-ExportFile Recipient.xml Microsoft.Exchange.Data.Directory.Management.ReducedRecipient $recipients
}
