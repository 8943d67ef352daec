using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace UMMailboxPin;

/// <summary>
/// Threads that hash the PINs of one pipeline ahead of their commits. The thread pool would have one for each core at
/// first; these are one more, so that a hash always waits in the library, which then need not erase the memory of one
/// that ends, and so that no core rests while a thread is woken up.
/// </summary>
internal sealed class PinHashers : IDisposable
{
    private readonly BlockingCollection<Task> coming = [];
    private readonly List<Thread> threads = [];
    private readonly int most;

    internal PinHashers(int throttleLimit)
    {
        most = Math.Min(throttleLimit, Environment.ProcessorCount + 1);
    }

    /// <summary>Hashes when those before it are taken.</summary>
    internal Task Begin(Action hash)
    {
        // A task that no thread takes would never end, so a thread is there first.
        if (threads.Count < most)
        {
            var thread = new Thread(HashWhatComes) { IsBackground = true, Name = nameof(PinHashers) };
            thread.Start();
            threads.Add(thread);
        }

        var hashing = new Task(hash);
        coming.Add(hashing);
        return hashing;
    }

    /// <summary>Drops what has not begun, and waits for the rest.</summary>
    public void Dispose()
    {
        coming.CompleteAdding();
        while (coming.TryTake(out _))
        {
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        coming.Dispose();
    }

    private void HashWhatComes()
    {
        foreach (Task hashing in coming.GetConsumingEnumerable())
        {
            hashing.RunSynchronously(TaskScheduler.Default);
        }
    }
}
