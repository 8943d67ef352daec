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
    private int most;

    internal PinHashers(int throttleLimit)
    {
        most = Math.Min(throttleLimit, Environment.ProcessorCount + 1);
    }

    /// <summary>Ends the threads of a pipeline that a proxy function began and nobody ended.</summary>
    ~PinHashers()
    {
        coming.CompleteAdding();
    }

    /// <summary>Hashes when those before it are taken.</summary>
    internal Task Begin(Action hash)
    {
        var hashing = new Task(hash);
        if (threads.Count < most)
        {
            // It knows the collection alone, so that it does not keep this object.
            var thread = new Thread(HashWhatComes) { IsBackground = true, Name = nameof(PinHashers) };
            try
            {
                thread.Start(coming);
                threads.Add(thread);
            }
            catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
            {
                most = threads.Count;
            }
        }

        if (threads.Count > 0)
        {
            coming.Add(hashing);
        }
        else
        {
            hashing.RunSynchronously(TaskScheduler.Default);
        }

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
        GC.SuppressFinalize(this);
    }

    private static void HashWhatComes(object coming)
    {
        foreach (Task hashing in ((BlockingCollection<Task>)coming).GetConsumingEnumerable())
        {
            hashing.RunSynchronously(TaskScheduler.Default);
        }
    }
}
