using System;
using System.Diagnostics;
using PinState = Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin;

namespace UMMailboxPin;

/// <summary>
/// A PIN change in its steps: begun (checked, nothing written), hashed (on any thread), committed. One that is not
/// committed is dropped with <see cref="Dispose"/>, and with it the PIN.
/// </summary>
internal sealed class PinReset : IDisposable
{
    private readonly PinResetHandle handle;

    internal PinReset(PinResetHandle handle, string target)
    {
        this.handle = handle;
        Target = target;
    }

    /// <summary>The mailbox's canonical name.</summary>
    internal string Target { get; }

    /// <summary>How long <see cref="Hash"/> took.</summary>
    internal TimeSpan Hashing { get; private set; }

    /// <summary>
    /// Hashes before the commit, which otherwise does it. A failure is left to the commit, which meets it again.
    /// </summary>
    internal void Hash()
    {
        var watch = Stopwatch.StartNew();
        UmpinLibrary.HashReset(handle);
        Hashing = watch.Elapsed;
    }

    internal bool TryCommit(out PinState state, out Response report, out Failure failure) =>
        UmpinLibrary.TryCommitReset(handle, out state, out report, out failure);

    /// <summary>Drops what was not committed.</summary>
    public void Dispose() => handle.Dispose();
}
