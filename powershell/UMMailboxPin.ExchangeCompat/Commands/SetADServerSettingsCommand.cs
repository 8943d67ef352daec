using System.Collections.Generic;
using System.Management.Automation;

namespace UMMailboxPin.ExchangeCompat;

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
/// <example>
/// <code>
/// $before = Get-ADServerSettings; Set-ADServerSettings -ViewEntireForest $true; Set-ADServerSettings
/// -RunspaceServerSettings $before
/// </code>
/// <para>Looks everywhere for a while, and puts the former scope back.</para>
/// </example>
[Cmdlet(VerbsCommon.Set, "ADServerSettings", SupportsShouldProcess = true, DefaultParameterSetName = "FullParams",
    HelpUri = MicrosoftPages + "set-adserversettings")]
public sealed class SetADServerSettingsCommand : DirectoryCommand
{
    private const string ViewRoot = nameof(RecipientViewRoot);
    private const string Everything = nameof(ViewEntireForest);

    /// <summary>Accepted for compatibility: names a domain controller, and changes nothing.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "SingleDC")]
    [AllowNull]
    [AllowEmptyString]
    public string? PreferredServer { get; set; }

    /// <summary>Specifies settings that Get-ADServerSettings returned, to put them back.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Instance", ValueFromPipeline = true)]
    public PSObject? RunspaceServerSettings { get; set; }

    /// <summary>Accepted for compatibility and ignored.</summary>
    [Parameter]
    public string? ConfigurationDomainController { get; set; }

    /// <summary>Accepted for compatibility and ignored.</summary>
    [Parameter]
    public string? PreferredGlobalCatalog { get; set; }

    /// <summary>Specifies the organizational unit that recipients are looked for in.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(OrganizationalUnitCompleter))]
    public string? RecipientViewRoot { get; set; }

    /// <summary>Accepted for compatibility and ignored.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? SetPreferredDomainControllers { get; set; }

    /// <summary>Looks for recipients everywhere ($true).</summary>
    [Parameter]
    public bool ViewEntireForest { get; set; }

    /// <summary>Settings that were returned once go as the parameters that make them.</summary>
    private protected override IEnumerable<KeyValuePair<string, object?>> RequestParameters()
    {
        foreach (KeyValuePair<string, object?> parameter in base.RequestParameters())
        {
            if (parameter.Key != nameof(RunspaceServerSettings))
            {
                yield return parameter;
                continue;
            }

            foreach (string name in new[] { ViewRoot, Everything })
            {
                if (!MyInvocation.BoundParameters.ContainsKey(name)
                    && RunspaceServerSettings?.Properties[name] is { } setting)
                {
                    yield return new KeyValuePair<string, object?>(name, setting.Value);
                }
            }
        }
    }
}
