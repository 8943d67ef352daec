using System.Management.Automation;

// Scripts were written against Exchange's remoting, which threw RemoteException, and catch that. Exchange's own short
// names are kept, since CategoryInfo and transcripts show them.

namespace UMMailboxPin
{
    /// <summary>A failure of the UM library. <see cref="Id"/> is the short name that CategoryInfo shows.</summary>
    public class UmException : RemoteException
    {
        internal UmException(Failure failure)
            : base(failure.Message)
        {
            Id = failure.Id;
            Status = failure.Status;
        }

        /// <summary>The short exception name, for example WeakPinException.</summary>
        public string Id { get; }

        /// <summary>The library's status number (include/umpin.h).</summary>
        public int Status { get; }

        /// <summary>
        /// The record that this exception came in. Under -ErrorAction Stop PowerShell asks a RuntimeException for its
        /// record, and without this a catch block would see an empty one.
        /// </summary>
        public override ErrorRecord ErrorRecord => Record ?? base.ErrorRecord;

        internal ErrorRecord? Record { get; set; }

        internal static UmException For(Failure failure) => failure.Id switch
        {
            nameof(Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException) =>
                new Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException(failure),
            nameof(Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException) =>
                new Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException(failure),
            nameof(Microsoft.Exchange.Management.Tasks.UserNotUmEnabledException) =>
                new Microsoft.Exchange.Management.Tasks.UserNotUmEnabledException(failure),
            nameof(Microsoft.Exchange.Management.Tasks.UserAlreadyUmEnabledException) =>
                new Microsoft.Exchange.Management.Tasks.UserAlreadyUmEnabledException(failure),
            nameof(Microsoft.Exchange.Management.Tasks.UserAlreadyUmDisabledException) =>
                new Microsoft.Exchange.Management.Tasks.UserAlreadyUmDisabledException(failure),
            nameof(Microsoft.Exchange.Management.Tasks.WeakPinException) =>
                new Microsoft.Exchange.Management.Tasks.WeakPinException(failure),
            nameof(Microsoft.Exchange.Management.Tasks.DefaultPinGenerationException) =>
                new Microsoft.Exchange.Management.Tasks.DefaultPinGenerationException(failure),
            nameof(Microsoft.Exchange.Management.Tasks.RecipientTaskException) =>
                new Microsoft.Exchange.Management.Tasks.RecipientTaskException(failure),
            _ => new UmException(failure),
        };
    }
}

namespace Microsoft.Exchange.Configuration.Tasks
{
    /// <summary>No object has this identity.</summary>
    public sealed class ManagementObjectNotFoundException : UMMailboxPin.UmException
    {
        internal ManagementObjectNotFoundException(UMMailboxPin.Failure failure)
            : base(failure)
        {
        }
    }

    /// <summary>Several objects have this identity.</summary>
    public sealed class ManagementObjectAmbiguousException : UMMailboxPin.UmException
    {
        internal ManagementObjectAmbiguousException(UMMailboxPin.Failure failure)
            : base(failure)
        {
        }
    }
}

namespace Microsoft.Exchange.Management.Tasks
{
    /// <summary>The mailbox is not enabled for unified messaging.</summary>
    public sealed class UserNotUmEnabledException : UMMailboxPin.UmException
    {
        internal UserNotUmEnabledException(UMMailboxPin.Failure failure)
            : base(failure)
        {
        }
    }

    /// <summary>The mailbox is enabled already.</summary>
    public sealed class UserAlreadyUmEnabledException : UMMailboxPin.UmException
    {
        internal UserAlreadyUmEnabledException(UMMailboxPin.Failure failure)
            : base(failure)
        {
        }
    }

    /// <summary>The mailbox is disabled already.</summary>
    public sealed class UserAlreadyUmDisabledException : UMMailboxPin.UmException
    {
        internal UserAlreadyUmDisabledException(UMMailboxPin.Failure failure)
            : base(failure)
        {
        }
    }

    /// <summary>The PIN breaks a rule; the message names it.</summary>
    public sealed class WeakPinException : UMMailboxPin.UmException
    {
        internal WeakPinException(UMMailboxPin.Failure failure)
            : base(failure)
        {
        }
    }

    /// <summary>No PIN could be generated that passes every rule.</summary>
    public sealed class DefaultPinGenerationException : UMMailboxPin.UmException
    {
        internal DefaultPinGenerationException(UMMailboxPin.Failure failure)
            : base(failure)
        {
        }
    }

    /// <summary>Storing, mailing or reading failed.</summary>
    public sealed class RecipientTaskException : UMMailboxPin.UmException
    {
        internal RecipientTaskException(UMMailboxPin.Failure failure)
            : base(failure)
        {
        }
    }
}
