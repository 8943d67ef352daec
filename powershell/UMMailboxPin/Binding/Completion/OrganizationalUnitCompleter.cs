namespace UMMailboxPin;

/// <summary>Completes an organizational unit.</summary>
public sealed class OrganizationalUnitCompleter : IdentityCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public OrganizationalUnitCompleter()
        : base("OrganizationalUnit")
    {
    }
}
