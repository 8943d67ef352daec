using System.Collections.Generic;
using System.Management.Automation;

namespace UMMailboxPin;

/// <summary>The only place that makes an ErrorRecord.</summary>
internal static class Errors
{
    /// <summary>The status of a failure that no call to the library returned.</summary>
    internal const int NotReached = -1;

    /// <summary>The library's status for a value outside its range or form.</summary>
    private const int InvalidArgument = 104;

    /// <summary>
    /// The category of each status in include/umpin.h. A test compares this table with the library's: every status has
    /// its line and its name, and only PinGeneration is NotSpecified, as it was in Exchange.
    /// </summary>
    internal static readonly Dictionary<int, ErrorCategory> Categories = new()
    {
        [NotReached] = ErrorCategory.NotInstalled,

        [100] = ErrorCategory.InvalidOperation,         // NullPointer
        [101] = ErrorCategory.InvalidArgument,          // InvalidUtf8
        [102] = ErrorCategory.InvalidOperation,         // InvalidHandle
        [103] = ErrorCategory.InvalidArgument,          // InvalidRequest
        [104] = ErrorCategory.InvalidArgument,          // InvalidArgument

        [200] = ErrorCategory.InvalidData,              // NotFound
        [201] = ErrorCategory.InvalidData,              // Ambiguous
        [202] = ErrorCategory.InvalidArgument,          // InvalidIdentity
        [203] = ErrorCategory.InvalidArgument,          // InvalidDomainController
        [204] = ErrorCategory.InvalidArgument,          // ScopeWithDomainController
        [205] = ErrorCategory.InvalidArgument,          // ScopeNeedsDistinguishedName
        [206] = ErrorCategory.InvalidArgument,          // InvalidFilter

        [300] = ErrorCategory.InvalidArgument,          // NotUmEnabled
        [301] = ErrorCategory.InvalidArgument,          // AlreadyUmEnabled
        [302] = ErrorCategory.InvalidArgument,          // AlreadyUmDisabled
        [303] = ErrorCategory.InvalidArgument,          // WeakPin
        [304] = ErrorCategory.NotSpecified,             // PinGeneration
        [305] = ErrorCategory.InvalidArgument,          // InvalidNotifyEmail
        [306] = ErrorCategory.InvalidArgument,          // NoMailbox
        [307] = ErrorCategory.InvalidArgument,          // InvalidExtension
        [308] = ErrorCategory.InvalidArgument,          // ExtensionNotUnique
        [309] = ErrorCategory.InvalidArgument,          // CouldNotGenerateExtension
        [310] = ErrorCategory.InvalidArgument,          // SipResourceIdNeeded
        [311] = ErrorCategory.InvalidArgument,          // E164ResourceIdNeeded
        [312] = ErrorCategory.ResourceExists,           // NameInUse
        [313] = ErrorCategory.WriteError,               // PolicyInUse
        [314] = ErrorCategory.WriteError,               // DialPlanInUse
        [315] = ErrorCategory.InvalidArgument,          // InvalidPolicyValue
        [316] = ErrorCategory.ResourceBusy,             // Conflict
        [317] = ErrorCategory.AuthenticationError,      // SignInRefused
        [318] = ErrorCategory.WriteError,               // RecipientInUse
        [319] = ErrorCategory.InvalidArgument,          // InvalidAddress

        [400] = ErrorCategory.WriteError,               // StoreNotWritable
        [401] = ErrorCategory.InvalidData,              // StoreDamaged
        [402] = ErrorCategory.InvalidData,              // StoreTooNew
        [403] = ErrorCategory.InvalidArgument,          // StoreOnNetwork
        [404] = ErrorCategory.ResourceBusy,             // StoreBusy
        [405] = ErrorCategory.ReadError,                // StoreIo
        [406] = ErrorCategory.SecurityError,            // StoreNotOwned
        [407] = ErrorCategory.ResourceUnavailable,      // StoreMissing
        [408] = ErrorCategory.WriteError,               // BackupFailed
        [409] = ErrorCategory.SecurityError,            // AuditTampered
        [410] = ErrorCategory.InvalidArgument,          // StoreUrl
        [411] = ErrorCategory.SecurityError,            // StoreUrlPassword
        [412] = ErrorCategory.ConnectionError,          // StoreServerGone
        [413] = ErrorCategory.NotImplemented,           // StoreServerVersion
        [414] = ErrorCategory.SecurityError,            // StoreNoTls
        [415] = ErrorCategory.SecurityError,            // StoreCertificate
        [416] = ErrorCategory.PermissionDenied,         // StoreRights
        [417] = ErrorCategory.InvalidData,              // StoreEncoding
        [418] = ErrorCategory.AuthenticationError,      // StoreLogin
        [419] = ErrorCategory.InvalidResult,            // StoreOutcomeUnknown

        [500] = ErrorCategory.ResourceUnavailable,      // KeyMissing
        [501] = ErrorCategory.InvalidData,              // KeyMalformed
        [502] = ErrorCategory.InvalidData,              // KeyWrong
        [503] = ErrorCategory.SecurityError,            // KeyExposed
        [504] = ErrorCategory.OpenError,                // KeyIo
        [505] = ErrorCategory.SecurityError,            // SealBroken

        [600] = ErrorCategory.InvalidArgument,          // InvalidTransport
        [601] = ErrorCategory.ConnectionError,          // DeliveryFailed

        [700] = ErrorCategory.ParserError,              // ImportUnreadable
        [701] = ErrorCategory.InvalidData,              // ImportRow
        [702] = ErrorCategory.InvalidOperation,         // PruneRefused

        [900] = ErrorCategory.InvalidResult,            // Internal
        [901] = ErrorCategory.InvalidResult,            // Panic
    };

    /// <summary>A value that is neither a count nor Unlimited, where this side does the counting.</summary>
    internal static Failure NotACount(string parameter, string value) => new(
        InvalidArgument,
        "ParameterOutOfRangeException",
        $"-{parameter} {value} is not a positive number or Unlimited. Nothing was returned.",
        null);

    /// <summary>
    /// A parameter of another cmdlet, whose name is also the beginning of one here that does something else.
    /// </summary>
    internal static Failure Misplaced(string cmdlet, string parameter, string instead) => new(
        InvalidArgument,
        "MisplacedParameterException",
        $"{cmdlet} has no parameter -{parameter}. Nothing was changed. {instead}",
        null);

    /// <summary>
    /// The record of a failure. Its id is the short exception name; its target is what the failure is about,
    /// else <paramref name="identity"/>, what the cmdlet was given.
    /// </summary>
    internal static ErrorRecord CreateRecord(Failure failure, object? identity = null)
    {
        if (!Categories.TryGetValue(failure.Status, out ErrorCategory category))
        {
            category = ErrorCategory.InvalidResult;
        }

        object? target = string.IsNullOrEmpty(failure.Target) ? identity : failure.Target;
        var exception = UmException.For(failure);
        var record = new ErrorRecord(exception, failure.Id, category, target);
        exception.Record = record;

        // Exceptions without a class of their own still show their own short name.
        record.CategoryInfo.Reason = failure.Id;
        return record;
    }
}
