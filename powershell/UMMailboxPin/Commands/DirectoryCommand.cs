using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>A cmdlet on policies and dial plans.</summary>
public abstract class DirectoryCommand : AdminCommand
{
    private protected DirectoryCommand()
    {
    }

    /// <summary>
    /// Specifies the fully qualified name of a domain controller. There is one copy of the data, so any well-formed
    /// name, and an empty one, is accepted; the name is recorded in the audit log and shown in not-found messages.
    /// </summary>
    [Parameter]
    public string? DomainController { get; set; }
}
