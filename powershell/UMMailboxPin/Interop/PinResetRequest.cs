using System.Collections.Generic;

namespace UMMailboxPin;

/// <summary>What Set-UMMailboxPIN asks for. A null Boolean was not given.</summary>
internal sealed class PinResetRequest
{
    internal string? Identity { get; set; }

    internal string? DomainController { get; set; }

    internal bool IgnoreDefaultScope { get; set; }

    internal string? Pin { get; set; }

    internal string? NotifyEmail { get; set; }

    internal bool? PinExpired { get; set; }

    internal bool? LockedOut { get; set; }

    internal bool? SendEmail { get; set; }

    /// <summary>Whether a refusal is recorded in the audit trail, as it is unless -WhatIf was given.</summary>
    internal bool RecordRefusals { get; set; }

    /// <summary>What is asked, for people to read, without the PIN.</summary>
    internal string ToDebugText(string operation)
    {
        var parameters = new Dictionary<string, object?>();
        AddGiven(parameters, nameof(Identity), Identity);
        AddGiven(parameters, nameof(DomainController), DomainController);
        AddGiven(parameters, nameof(IgnoreDefaultScope), IgnoreDefaultScope ? true : null);
        AddGiven(parameters, nameof(NotifyEmail), NotifyEmail);
        AddGiven(parameters, nameof(PinExpired), PinExpired);
        AddGiven(parameters, nameof(LockedOut), LockedOut);
        AddGiven(parameters, nameof(SendEmail), SendEmail);
        return new Request(operation, RequestMode.Validate, parameters).ToDebugText();
    }

    private static void AddGiven(Dictionary<string, object?> parameters, string name, object? value)
    {
        if (value is not null)
        {
            parameters[name] = value;
        }
    }
}
