using System.Management.Automation;

namespace UMMailboxPin.ExchangeCompat;

/// <summary>Lists mailboxes: the recipients of the directory that have an SMTP address, enabled for unified messaging or not.</summary>
/// <remarks>
/// Only what UM scripts read of Exchange's Get-Mailbox. Where a real Exchange session is open, its own Get-Mailbox comes
/// first; import this module with -Prefix to reach both.
/// </remarks>
/// <example>
/// <code>Get-Mailbox -ResultSize Unlimited | Where-Object { $_.UMEnabled -eq $false }</code>
/// <para>Lists everyone who is not enabled for unified messaging.</para>
/// </example>
/// <example>
/// <code>Get-Mailbox tony | Enable-UMMailbox -UMMailboxPolicy "Redmond Default Policy" -Extensions 51234</code>
/// <para>Enables one of them.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "Mailbox", DefaultParameterSetName = "Identity", HelpUri = MicrosoftPages + "get-mailbox")]
[OutputType("Microsoft.Exchange.Data.Directory.Management.Mailbox")]
public sealed class GetMailboxCommand : RecipientCommand
{
    /// <summary>Specifies the mailbox, in any identity form, or an object with an identity. Left out or $null: all.</summary>
    [Parameter(ParameterSetName = "Identity", Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Identity]
    [ArgumentCompleter(typeof(RecipientCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Specifies a part of a name: matches the beginning of name, display name, first name, last name and alias.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "AnrSet")]
    public string? Anr { get; set; }

    /// <summary>Accepted for compatibility and ignored: the store is opened as who runs PowerShell.</summary>
    [Parameter]
    public PSCredential? Credential { get; set; }

    /// <summary>Specifies an OPATH filter, for example "UMEnabled -eq $false".</summary>
    [Parameter]
    public string? Filter { get; set; }

    /// <summary>Specifies the organizational unit to look in, by canonical or distinguished name.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(OrganizationalUnitCompleter))]
    public string? OrganizationalUnit { get; set; }

    /// <summary>Accepted for compatibility and ignored: there is one copy of the data.</summary>
    [Parameter]
    public SwitchParameter ReadFromDomainController { get; set; }

    /// <summary>Specifies the kinds of mailbox to show. Every mailbox here is a UserMailbox.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(RecipientTypeWords))]
    public string[]? RecipientTypeDetails { get; set; }

    /// <summary>Specifies how many mailboxes to show at most: a number, or Unlimited.</summary>
    /// <value>1000</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? ResultSize { get; set; }

    /// <summary>Specifies the property to sort by.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SortByWords))]
    public string? SortBy { get; set; }
}

/// <summary>Changes a mailbox's e-mail addresses, and with its EUM addresses the extensions of an enabled mailbox.</summary>
/// <remarks>Only the part of Exchange's Set-Mailbox that UM scripts use to add and remove secondary extensions.</remarks>
/// <example>
/// <code>Set-Mailbox tony -EmailAddresses @{Add = 'eum:51299;phone-context=Redmond'}</code>
/// <para>Gives a mailbox a secondary extension.</para>
/// </example>
/// <example>
/// <code>Set-Mailbox tony -SecondaryAddress 51299 -SecondaryDialPlan Redmond</code>
/// <para>The same, as older pages write it.</para>
/// </example>
[Cmdlet(VerbsCommon.Set, "Mailbox", SupportsShouldProcess = true, HelpUri = MicrosoftPages + "set-mailbox")]
public sealed class SetMailboxCommand : RecipientCommand
{
    /// <summary>Specifies the mailbox, in any identity form, or an object with an identity.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(RecipientCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Specifies all addresses, or a change written as @{Add = ...; Remove = ...}.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? EmailAddresses { get; set; }

    /// <summary>Accepted for compatibility and ignored: no policy makes addresses here.</summary>
    [Parameter]
    public bool EmailAddressPolicyEnabled { get; set; }

    /// <summary>Specifies a secondary extension, SIP address or E.164 number; together with SecondaryDialPlan.</summary>
    [Parameter]
    public string? SecondaryAddress { get; set; }

    /// <summary>Specifies the UM dial plan of SecondaryAddress: a name or GUID, or a dial plan object.</summary>
    [Parameter]
    [Identity]
    [ArgumentCompleter(typeof(UMDialPlanCompleter))]
    public UmObjectIdentity? SecondaryDialPlan { get; set; }
}

/// <summary>For RecipientTypeDetails.</summary>
public sealed class RecipientTypeWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public RecipientTypeWords()
        : base("UserMailbox", "LinkedMailbox", "SharedMailbox", "RoomMailbox", "EquipmentMailbox")
    {
    }
}
