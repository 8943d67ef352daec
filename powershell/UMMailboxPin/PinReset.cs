using System;
using PinState = Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin;

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

    /// <summary>A refusal ends a call that meant it, and is recorded. Not so under -WhatIf.</summary>
    internal bool RecordRefusals { get; set; }
}

/// <summary>
/// A PIN change in its steps: begun (checked, nothing written), hashed (on any thread), committed. One that is not
/// committed is dropped with <see cref="Dispose"/>, and with it the PIN.
/// </summary>
internal sealed unsafe class PinReset : IDisposable
{
    private ulong handle;

    private PinReset(ulong handle, string target)
    {
        this.handle = handle;
        Target = target;
    }

    ~PinReset() => Dispose();

    /// <summary>The mailbox's canonical name.</summary>
    internal string Target { get; }

    internal static bool TryBegin(Session session, PinResetRequest request, out PinReset reset, out Failure failure)
    {
        var texts = new TextBuffer();
        int identity = texts.Put(request.Identity);
        int server = texts.Put(request.DomainController);
        int notify = texts.Put(request.NotifyEmail);
        ulong handle = 0;
        UmpinBuffer target = default;
        UmpinError* error = null;
        using Secret pin = Secret.From(request.Pin);
        int status;
        fixed (byte* pinned = texts.Bytes)
        {
            var asked = new UmpinSetPin
            {
                Who = new UmpinIdentity
                {
                    Identity = texts.At(pinned, identity),
                    DomainController = texts.At(pinned, server),
                    IgnoreDefaultScope = request.IgnoreDefaultScope ? (byte)1 : (byte)0,
                },
                Pin = pin.Text,
                NotifyEmail = texts.At(pinned, notify),
                PinExpired = TriState(request.PinExpired),
                LockedOut = TriState(request.LockedOut),
                SendEmail = TriState(request.SendEmail),
                RecordRefusals = request.RecordRefusals ? (byte)1 : (byte)0,
            };
            status = Native.umpin_reset_begin(session.Handle, &asked, &handle, &target, &error);
        }

        GC.KeepAlive(session);
        bool done = Session.Succeeded(status, error, out failure);
        reset = done
            ? new PinReset(handle, TextBuffer.Read(new UmpinStr { Data = target.Data, Length = target.Length }))
            : null!;
        Native.umpin_buffer_free(&target);
        return done;
    }

    /// <summary>Hashes ahead. A failure is not told here: the commit meets it again.</summary>
    internal void Hash() => Native.umpin_reset_hash(handle, null);

    internal bool TryCommit(out PinState state, out Response outcome, out Failure failure)
    {
        UmpinPinStates* states = null;
        UmpinBuffer json = default;
        UmpinError* error = null;
        int status = Native.umpin_reset_commit(handle, &states, &json, &error);
        try
        {
            bool done = Session.Succeeded(status, error, out failure);
            state = done ? Session.Only(states) : null!;
            outcome = done ? Session.ReadResponse(json) : null!;
            return done;
        }
        finally
        {
            Native.umpin_buffer_free(&json);
        }
    }

    public void Dispose()
    {
        if (handle != 0)
        {
            Native.umpin_reset_free(handle);
            handle = 0;
        }

        GC.SuppressFinalize(this);
    }

    private static sbyte TriState(bool? value) => value switch
    {
        null => -1,
        true => 1,
        false => 0,
    };
}
