using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>A cmdlet that lists mailboxes, all or those that a part of a name, a filter or a place selects.</summary>
public abstract class MailboxListCommand : RecipientCommand
{
    private protected MailboxListCommand()
    {
    }

    /// <summary>
    /// Specifies a part of a name: matches the beginning of name, display name, first name, last name and alias.
    /// </summary>
    [Parameter(Mandatory = true, ParameterSetName = "AnrSet")]
    public string? Anr { get; set; }

    /// <summary>Accepted for compatibility and ignored: the store is opened as whoever runs PowerShell.</summary>
    [Parameter]
    public PSCredential? Credential { get; set; }

    /// <summary>Specifies an OPATH filter, for example "UMEnabled -eq $true -and DisplayName -like 'T*'".</summary>
    [Parameter]
    public string? Filter { get; set; }

    /// <summary>Specifies the organizational unit to look in, by canonical or distinguished name.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(OrganizationalUnitCompleter))]
    public string? OrganizationalUnit { get; set; }

    /// <summary>Accepted for compatibility and ignored: there is one copy of the data.</summary>
    [Parameter]
    public SwitchParameter ReadFromDomainController { get; set; }

    /// <summary>Specifies how many mailboxes to show at most: a number, or Unlimited.</summary>
    /// <value>1000</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? ResultSize { get; set; }

    /// <summary>Specifies the property to sort by: Name, DisplayName or ServerLegacyDN.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SortByWords))]
    public string? SortBy { get; set; }
}
