using System;
using System.Diagnostics.CodeAnalysis;

namespace Microsoft.Exchange.Management.Tasks.UM;

/// <summary>
/// A mailbox's PIN state, never its PIN. The first seven properties are Exchange's, in Exchange's order, which
/// reports and exports rely on; the rest are ours and stay out of the default view.
/// </summary>
public sealed class UMMailboxPin
{
    private static readonly DateTime Epoch = new(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly long pinLastSet;
    private readonly long pinExpiresOn;

    internal UMMailboxPin(
        string userId,
        string identity,
        bool pinExpired,
        bool firstTimeUser,
        bool lockedOut,
        string lockReason,
        int failedLogonAttempts,
        long pinLastSet,
        long pinExpiresOn)
    {
        UserID = userId;
        Identity = identity;
        PinExpired = pinExpired;
        FirstTimeUser = firstTimeUser;
        LockedOut = lockedOut;
        LockReason = lockReason;
        FailedLogonAttempts = failedLogonAttempts;
        this.pinLastSet = pinLastSet;
        this.pinExpiresOn = pinExpiresOn;
    }

    /// <summary>The primary SMTP address.</summary>
    public string UserID { get; }

    /// <summary>A new PIN must be chosen at the next sign-in.</summary>
    public bool PinExpired { get; }

    /// <summary>The set-up on the telephone is not finished.</summary>
    public bool FirstTimeUser { get; }

    /// <summary>No PIN signs in.</summary>
    public bool LockedOut { get; }

    /// <summary>Always Unchanged.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "PowerShell shows the properties of an object.")]
    public Microsoft.Exchange.Data.ObjectState ObjectState => Microsoft.Exchange.Data.ObjectState.Unchanged;

    /// <summary>Always true.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "PowerShell shows the properties of an object.")]
    public bool IsValid => true;

    /// <summary>The canonical name.</summary>
    public string Identity { get; }

    /// <summary>Why it is locked: None, TooManyFailures, TooManyFailuresInTotal or Administrator.</summary>
    public string LockReason { get; }

    /// <summary>Failed sign-ins since the last right one or reset.</summary>
    public int FailedLogonAttempts { get; }

    /// <summary>When the PIN was set.</summary>
    public DateTime PinLastSet => Local(pinLastSet);

    /// <summary>When it expires; null: never.</summary>
    public DateTime? PinExpiresOn => pinExpiresOn == long.MaxValue ? null : Local(pinExpiresOn);

    /// <summary>The canonical name.</summary>
    public override string ToString() => Identity;

    /// <summary>
    /// Local time is computed only when it is asked for, which it mostly is not, of ten thousand objects in a pipeline.
    /// </summary>
    private static DateTime Local(long milliseconds) => Epoch.AddMilliseconds(milliseconds).ToLocalTime();
}
