using System.Management.Automation;

namespace UMMailboxPin.ExchangeCompat;

/// <summary>Shows this session's recipient scope.</summary>
/// <remarks>Without one, cmdlets find recipients everywhere.</remarks>
/// <example>
/// <code>Get-ADServerSettings</code>
/// <para>Shows whether the session sees everything, or one organizational unit.</para>
/// </example>
/// <example>
/// <code>(Get-ADServerSettings).RecipientViewRoot</code>
/// <para>Shows the organizational unit alone.</para>
/// </example>
[Cmdlet(VerbsCommon.Get, "ADServerSettings", HelpUri = MicrosoftPages + "get-adserversettings")]
[OutputType("Microsoft.Exchange.Data.Directory.Management.RunspaceServerSettingsPresentationObject")]
public sealed class GetADServerSettingsCommand : DirectoryCommand
{
}
