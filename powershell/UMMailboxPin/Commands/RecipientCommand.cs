using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>A cmdlet on recipients.</summary>
public abstract class RecipientCommand : DirectoryCommand
{
    private protected RecipientCommand()
    {
    }

    /// <summary>
    /// Ignores the recipient scope that Set-ADServerSettings set for this session. The identity must then be a
    /// distinguished name, and DomainController cannot be used.
    /// </summary>
    [Parameter]
    public SwitchParameter IgnoreDefaultScope { get; set; }
}
