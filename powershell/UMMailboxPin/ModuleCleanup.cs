using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>
/// Closes this runspace's session when the module is removed from it. The native library stays loaded.
/// </summary>
public sealed class ModuleCleanup : IModuleAssemblyCleanup
{
    /// <summary>Called by PowerShell.</summary>
    public void OnRemove(PSModuleInfo psModuleInfo) => Session.RetireCurrent();
}
