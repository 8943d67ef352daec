using System;
using System.Collections.Generic;
using System.Management.Automation;
using Microsoft.Exchange.Configuration.Tasks;
using Microsoft.Exchange.Management.Tasks;

namespace UMMailboxPin;

/// <summary>
/// A failure of the UM library. Scripts were written against Exchange's remoting, which threw RemoteException, and
/// catch that. <see cref="Id"/> is the short name that CategoryInfo and transcripts show.
/// </summary>
public class UmException : RemoteException
{
    /// <summary>The failures that have an exception of Exchange's own, which scripts name in a catch.</summary>
    private static readonly Dictionary<string, Func<Failure, UmException>> Exchange = new()
    {
        [nameof(ManagementObjectNotFoundException)] = failure => new ManagementObjectNotFoundException(failure),
        [nameof(ManagementObjectAmbiguousException)] = failure => new ManagementObjectAmbiguousException(failure),
        [nameof(UserNotUmEnabledException)] = failure => new UserNotUmEnabledException(failure),
        [nameof(UserAlreadyUmEnabledException)] = failure => new UserAlreadyUmEnabledException(failure),
        [nameof(UserAlreadyUmDisabledException)] = failure => new UserAlreadyUmDisabledException(failure),
        [nameof(WeakPinException)] = failure => new WeakPinException(failure),
        [nameof(DefaultPinGenerationException)] = failure => new DefaultPinGenerationException(failure),
        [nameof(RecipientTaskException)] = failure => new RecipientTaskException(failure),
    };

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

    internal static UmException For(Failure failure) =>
        Exchange.TryGetValue(failure.Id, out Func<Failure, UmException> create)
            ? create(failure)
            : new UmException(failure);
}
