using System;

namespace Microsoft.Exchange.Data
{
    /// <summary>Whether an object differs from what is stored. Exchange's scripts and reports show it.</summary>
    public enum ObjectState
    {
        /// <summary>Not stored yet.</summary>
        New,

        /// <summary>As it is stored.</summary>
        Unchanged,

        /// <summary>Changed since it was read.</summary>
        Changed,

        /// <summary>Removed.</summary>
        Deleted,
    }
}

namespace Microsoft.Exchange.Management.Tasks.UM
{
    /// <summary>
    /// A mailbox's PIN state, never its PIN. The first seven properties are Exchange's, in Exchange's order, which
    /// reports and exports rely on; the rest are ours and stay out of the default view.
    /// </summary>
    public sealed class UMMailboxPin
    {
        internal UMMailboxPin(
            string userId,
            string identity,
            bool pinExpired,
            bool firstTimeUser,
            bool lockedOut,
            string lockReason,
            int failedLogonAttempts,
            DateTime pinLastSet,
            DateTime? pinExpiresOn)
        {
            UserID = userId;
            Identity = identity;
            PinExpired = pinExpired;
            FirstTimeUser = firstTimeUser;
            LockedOut = lockedOut;
            LockReason = lockReason;
            FailedLogonAttempts = failedLogonAttempts;
            PinLastSet = pinLastSet;
            PinExpiresOn = pinExpiresOn;
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
        public Microsoft.Exchange.Data.ObjectState ObjectState => Microsoft.Exchange.Data.ObjectState.Unchanged;

        /// <summary>Always true.</summary>
        public bool IsValid => true;

        /// <summary>The canonical name.</summary>
        public string Identity { get; }

        /// <summary>Why it is locked: None, TooManyFailures, TooManyFailuresInTotal or Administrator.</summary>
        public string LockReason { get; }

        /// <summary>Failed sign-ins since the last right one or reset.</summary>
        public int FailedLogonAttempts { get; }

        /// <summary>When the PIN was set.</summary>
        public DateTime PinLastSet { get; }

        /// <summary>When it expires; null: never.</summary>
        public DateTime? PinExpiresOn { get; }

        /// <summary>The canonical name.</summary>
        public override string ToString() => Identity;
    }
}
