namespace UMMailboxPin;

/// <summary>Completes a UM dial plan.</summary>
public sealed class UMDialPlanCompleter : IdentityCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public UMDialPlanCompleter()
        : base("UMDialPlan")
    {
    }
}
