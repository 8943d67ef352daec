using System;
using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Runtime.ExceptionServices;
using PinState = Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin;

namespace UMMailboxPin;

/// <summary>
/// The one place that calls the library. Each method returns whether it succeeded, and what it hands out is .NET's:
/// there is nothing left to free.
/// </summary>
internal static unsafe class UmpinLibrary
{
    /// <summary>
    /// A call's texts. They are done with when the call returns, so the next call of this thread uses it again.
    /// </summary>
    [ThreadStatic]
    private static TextBuffer? threadTexts;

    /// <summary>Opens a session. No file is touched yet.</summary>
    internal static bool TryOpen(ArraySegment<byte> options, out SessionHandle session, out Failure failure)
    {
        ulong number = 0;
        UmpinError* error = null;
        int status;
        fixed (byte* bytes = options.Array)
        {
            var json = new UmpinStr { Data = bytes + options.Offset, Length = (nuint)options.Count };
            status = NativeMethods.umpin_open(json, &number, &error);
        }

        bool done = Succeeded(status, error, out failure);
        session = done ? new SessionHandle(number) : null!;
        return done;
    }

    /// <summary>
    /// Brings a store of an older version to the library's; <paramref name="tell"/> is told in this thread how far that
    /// is. What it throws ends nothing and is thrown here afterwards.
    /// </summary>
    [SuppressMessage("Design", "CA1031", Justification = "No exception may leave it into the library.")]
    internal static bool TryUpgrade(SessionHandle session, Action<ulong, ulong> tell, out Failure failure)
    {
        UmpinError* error = null;
        ExceptionDispatchInfo? thrown = null;
        NativeMethods.Tell native = (_, done, all) =>
        {
            try
            {
                if (thrown is null)
                {
                    tell(done, all);
                }
            }
            catch (Exception e)
            {
                thrown = ExceptionDispatchInfo.Capture(e);
            }
        };
        int status;
        using (LibraryHandle.Hold open = session.Use())
        {
            status = NativeMethods.umpin_upgrade(open.Number, native, IntPtr.Zero, &error);
        }

        GC.KeepAlive(native);
        bool done = Succeeded(status, error, out failure);
        thrown?.Throw();
        return done;
    }

    /// <summary>
    /// Executes one operation. The secret, if there is one, travels beside the document, never in it.
    /// </summary>
    internal static bool TryExecute(
        SessionHandle session, Request request, string? secret, out Response response, out Failure failure)
    {
        ArraySegment<byte> json = request.ToJson();
        TextBuffer texts = BeginTexts();
        int operation = texts.Put(request.Operation);
        UmpinBuffer answer = default;
        UmpinError* error = null;
        try
        {
            using var pin = Secret.From(secret);
            using LibraryHandle.Hold open = session.Use();
            int status;
            fixed (byte* pinned = texts.Bytes)
            fixed (byte* bytes = json.Array)
            {
                var document = new UmpinStr { Data = bytes + json.Offset, Length = (nuint)json.Count };
                status = NativeMethods.umpin_execute(
                    open.Number, texts.At(pinned, operation), document, pin.Text, &answer, &error);
            }

            bool done = Succeeded(status, error, out failure);
            response = done ? ReadResponse(answer) : null!;
            return done;
        }
        finally
        {
            NativeMethods.umpin_buffer_free(&answer);
        }
    }

    /// <summary>One mailbox's PIN state.</summary>
    internal static bool TryGetPin(
        SessionHandle session,
        string identity,
        string? domainController,
        bool ignoreDefaultScope,
        out PinState state,
        out Failure failure)
    {
        TextBuffer texts = BeginTexts();
        int who = texts.Put(identity);
        int server = texts.Put(domainController);
        UmpinPinStates* states = null;
        UmpinError* error = null;
        using LibraryHandle.Hold open = session.Use();
        int status;
        fixed (byte* pinned = texts.Bytes)
        {
            var request = new UmpinIdentity
            {
                Identity = texts.At(pinned, who),
                DomainController = texts.At(pinned, server),
                IgnoreDefaultScope = ToByte(ignoreDefaultScope),
            };
            status = NativeMethods.umpin_pin_get(open.Number, &request, &states, &error);
        }

        bool done = Succeeded(status, error, out failure);
        state = done ? ReadSingleState(states) : null!;
        return done;
    }

    /// <summary>The PIN states from <paramref name="after"/> on, at most <paramref name="limit"/>.</summary>
    internal static bool TryListPins(
        SessionHandle session,
        string? domainController,
        bool ignoreDefaultScope,
        string? after,
        int limit,
        out PinState[] page,
        out string? next,
        out Failure failure)
    {
        TextBuffer texts = BeginTexts();
        int server = texts.Put(domainController);
        int from = texts.Put(after);
        UmpinPinStates* states = null;
        UmpinError* error = null;
        using LibraryHandle.Hold open = session.Use();
        int status;
        fixed (byte* pinned = texts.Bytes)
        {
            var scope = new UmpinIdentity
            {
                DomainController = texts.At(pinned, server),
                IgnoreDefaultScope = ToByte(ignoreDefaultScope),
            };
            status = NativeMethods.umpin_pin_list(
                open.Number, &scope, texts.At(pinned, from), (nuint)limit, &states, &error);
        }

        page = [];
        next = null;
        if (!Succeeded(status, error, out failure))
        {
            return false;
        }

        try
        {
            page = new PinState[checked((int)states->Length)];
            for (int i = 0; i < page.Length; i++)
            {
                page[i] = ReadState(states->Items + i);
            }

            next = TextBuffer.ReadOrNull(states->Next);
            return true;
        }
        finally
        {
            NativeMethods.umpin_pin_states_free(&states);
        }
    }

    /// <summary>Asks whether a PIN signs in. A wrong one counts.</summary>
    internal static bool TryVerify(
        SessionHandle session,
        string? extension,
        string? dialPlan,
        string? identity,
        Secret pin,
        out UmpinAnswer answer,
        out UmpinReason reason,
        out Failure failure)
    {
        TextBuffer texts = BeginTexts();
        int number = texts.Put(extension);
        int plan = texts.Put(dialPlan);
        int mailbox = texts.Put(identity);
        UmpinAnswer given = default;
        UmpinReason why = default;
        UmpinError* error = null;
        using LibraryHandle.Hold open = session.Use();
        int status;
        fixed (byte* pinned = texts.Bytes)
        {
            var who = new UmpinSignIn
            {
                Extension = texts.At(pinned, number),
                DialPlan = texts.At(pinned, plan),
                Identity = texts.At(pinned, mailbox),
            };
            status = NativeMethods.umpin_verify(open.Number, &who, pin.Text, &given, &why, &error);
        }

        answer = given;
        reason = why;
        return Succeeded(status, error, out failure);
    }

    /// <summary>Begins a PIN change: checks it, and generates a PIN where none is given. Writes nothing.</summary>
    internal static bool TryBeginReset(
        SessionHandle session, PinResetRequest request, out PinReset reset, out Failure failure)
    {
        TextBuffer texts = BeginTexts();
        int identity = texts.Put(request.Identity);
        int server = texts.Put(request.DomainController);
        int notify = texts.Put(request.NotifyEmail);
        ulong number = 0;
        UmpinBuffer target = default;
        UmpinError* error = null;
        try
        {
            using var pin = Secret.From(request.Pin);
            using LibraryHandle.Hold open = session.Use();
            int status;
            fixed (byte* pinned = texts.Bytes)
            {
                var asked = new UmpinSetPin
                {
                    Who = new UmpinIdentity
                    {
                        Identity = texts.At(pinned, identity),
                        DomainController = texts.At(pinned, server),
                        IgnoreDefaultScope = ToByte(request.IgnoreDefaultScope),
                    },
                    Pin = pin.Text,
                    NotifyEmail = texts.At(pinned, notify),
                    PinExpired = ToTriState(request.PinExpired),
                    LockedOut = ToTriState(request.LockedOut),
                    SendEmail = ToTriState(request.SendEmail),
                    RecordRefusals = ToByte(request.RecordRefusals),
                };
                status = NativeMethods.umpin_reset_begin(open.Number, &asked, &number, &target, &error);
            }

            bool done = Succeeded(status, error, out failure);
            reset = done
                ? new PinReset(
                    new PinResetHandle(number),
                    TextBuffer.Read(new UmpinStr { Data = target.Data, Length = target.Length }))
                : null!;
            return done;
        }
        finally
        {
            NativeMethods.umpin_buffer_free(&target);
        }
    }

    /// <summary>
    /// Does the slow part of a change before its commit. A failure is left to the commit, which meets it again.
    /// </summary>
    internal static void HashReset(PinResetHandle reset)
    {
        using LibraryHandle.Hold open = reset.Use();
        _ = NativeMethods.umpin_reset_hash(open.Number, null);
    }

    /// <summary>Writes a PIN change; afterwards the handle is used up.</summary>
    internal static bool TryCommitReset(
        PinResetHandle reset, out PinState state, out Response report, out Failure failure)
    {
        UmpinPinStates* states = null;
        UmpinBuffer json = default;
        UmpinError* error = null;
        try
        {
            using LibraryHandle.Hold open = reset.Use();
            int status = NativeMethods.umpin_reset_commit(open.Number, &states, &json, &error);
            bool done = Succeeded(status, error, out failure);
            state = done ? ReadSingleState(states) : null!;
            report = done ? ReadResponse(json) : null!;
            return done;
        }
        finally
        {
            NativeMethods.umpin_buffer_free(&json);
        }
    }

    private static TextBuffer BeginTexts()
    {
        TextBuffer texts = threadTexts ??= new TextBuffer();
        texts.Clear();
        return texts;
    }

    /// <summary>
    /// Whether a call succeeded. If not, <paramref name="failure"/> has what the error says, which is freed.
    /// </summary>
    private static bool Succeeded(int status, UmpinError* error, out Failure failure)
    {
        failure = default;
        if (status == 0)
        {
            return true;
        }

        if (error == null)
        {
            failure = Failure.Unexplained(status);
            return false;
        }

        failure = new Failure(
            error->Status,
            TextBuffer.Read(error->Id),
            TextBuffer.Read(error->Message),
            TextBuffer.ReadOrNull(error->Target));
        NativeMethods.umpin_error_free(&error);
        return false;
    }

    /// <summary>The state of a result that has one; the result is freed.</summary>
    private static PinState ReadSingleState(UmpinPinStates* states)
    {
        try
        {
            return ReadState(states->Items);
        }
        finally
        {
            NativeMethods.umpin_pin_states_free(&states);
        }
    }

    private static PinState ReadState(UmpinPinState* state) => new(
        TextBuffer.Read(state->UserId),
        TextBuffer.Read(state->Identity),
        state->PinExpired != 0,
        state->FirstTimeUser != 0,
        state->LockedOut != 0,
        TextBuffer.Read(state->LockReason),
        (int)Math.Min(state->FailedLogonAttempts, int.MaxValue),
        state->PinLastSet,
        state->PinExpiresOn);

    private static Response ReadResponse(UmpinBuffer json)
    {
        using var stream = new UnmanagedMemoryStream(json.Data, checked((long)json.Length));
        return Response.Read(stream);
    }

    private static byte ToByte(bool value) => value ? (byte)1 : (byte)0;

    private static sbyte ToTriState(bool? value) => value switch
    {
        null => -1,
        true => 1,
        false => 0,
    };
}
