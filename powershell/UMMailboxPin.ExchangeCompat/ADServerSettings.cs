using System.Management.Automation;

namespace UMMailboxPin.ExchangeCompat;

/// <summary>Shows this session's recipient scope.</summary>
/// <remarks>Without one, cmdlets find recipients everywhere.</remarks>
/// <example>
/// <code>Get-ADServerSettings</code>
/// <para>Shows whether the session sees everything, or one organizational unit.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "ADServerSettings")]
[OutputType("Microsoft.Exchange.Data.Directory.Management.ADServerSettings")]
public sealed class GetADServerSettingsCommand : DirectoryCommand
{
}

/// <summary>Sets this session's recipient scope.</summary>
/// <remarks>
/// The scope holds until the session ends or the module is removed. Domain controllers can be named, as scripts do, and
/// change nothing: there is one copy of the data.
/// </remarks>
/// <example>
/// <code>Set-ADServerSettings -ViewEntireForest $true</code>
/// <para>Finds recipients everywhere, as in a new session.</para>
/// </example>
/// <example>
/// <code>Set-ADServerSettings -RecipientViewRoot contoso.com/Users</code>
/// <para>Finds recipients of one organizational unit only, and those below.</para>
/// </example>
[Cmdlet(VerbsCommon.Set, "ADServerSettings", SupportsShouldProcess = true)]
public sealed class SetADServerSettingsCommand : DirectoryCommand
{
    /// <summary>Accepted for compatibility and ignored.</summary>
    [Parameter]
    public string? ConfigurationDomainController { get; set; }

    /// <summary>Accepted for compatibility and ignored.</summary>
    [Parameter]
    public string? PreferredGlobalCatalog { get; set; }

    /// <summary>Specifies the organizational unit that recipients are looked for in.</summary>
    [Parameter]
    public string? RecipientViewRoot { get; set; }

    /// <summary>Accepted for compatibility and ignored.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? SetPreferredDomainControllers { get; set; }

    /// <summary>Looks for recipients everywhere ($true).</summary>
    [Parameter]
    public bool ViewEntireForest { get; set; }
}
