using System;
using System.Collections.Generic;
using System.IO;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using System.Management.Automation.Remoting;
using System.Management.Automation.Runspaces;
using PinState = Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin;

namespace UMMailboxPin;

/// <summary>
/// A native session, and with <see cref="PinReset"/> the only caller of <see cref="Native"/>. Every method returns whether
/// it succeeded and takes nothing that PowerShell would have to free.
/// </summary>
internal sealed unsafe class Session
{
    // A runspace has one session, since the recipient scope (Set-ADServerSettings) belongs to it. A runspace that is
    // thrown away takes its session along.
    private static readonly ConditionalWeakTable<Runspace, Session> Sessions = new();

    private const string StoreVariable = "UMPIN_STORE";
    private const string KeyVariable = "UMPIN_KEY_FILE";

    private readonly ulong handle;
    private readonly string? store;
    private readonly string? keyFile;
    private readonly HashSet<string> shownOnce = new();
    private readonly TextBuffer texts = new();
    private int users;
    private bool retired;
    private bool closed;

    private Session(ulong handle, string? store, string? keyFile)
    {
        this.handle = handle;
        this.store = store;
        this.keyFile = keyFile;
    }

    ~Session() => Close();

    internal ulong Handle => handle;

    /// <summary>
    /// The runspace's session; another one after the store or key variable changed. .NET does not pass changed variables
    /// on to native code on Unix, so they are read here and passed explicitly. To be given back with <see cref="Release"/>.
    /// </summary>
    internal static bool TryAcquire(SessionState state, out Session session, out Failure failure)
    {
        session = null!;
        if (!Native.TryLoad(out failure))
        {
            return false;
        }

        string? store = Variable(StoreVariable);
        string? keyFile = Variable(KeyVariable);
        Runspace runspace = Runspace.DefaultRunspace;
        if (Sessions.TryGetValue(runspace, out Session current))
        {
            if (current.store == store && current.keyFile == keyFile)
            {
                current.users++;
                session = current;
                return true;
            }

            Retire(runspace, current);
        }

        if (!TryOpen(store, keyFile, RemoteUser(state), out session, out failure))
        {
            return false;
        }

        Sessions.Add(runspace, session);
        session.users++;
        return true;
    }

    /// <summary>
    /// The runspace's session, else one for this occasion: completion runs without a cmdlet, so it does not know the
    /// remote user and must not open the session that cmdlets will go on with.
    /// </summary>
    internal static bool TryBorrow(out Session session)
    {
        session = null!;
        if (!Native.TryLoad(out _))
        {
            return false;
        }

        string? store = Variable(StoreVariable);
        string? keyFile = Variable(KeyVariable);
        if (Sessions.TryGetValue(Runspace.DefaultRunspace, out Session current) && current.store == store && current.keyFile == keyFile)
        {
            session = current;
        }
        else if (TryOpen(store, keyFile, null, out session, out _))
        {
            session.retired = true;
        }
        else
        {
            return false;
        }

        session.users++;
        return true;
    }

    /// <summary>Ends a use. A session that was replaced meanwhile closes with its last one.</summary>
    internal void Release()
    {
        users--;
        if (retired && users == 0)
        {
            Close();
        }
    }

    /// <summary>The module is being removed from this runspace: closes its session. The library stays loaded.</summary>
    internal static void RetireCurrent()
    {
        if (Runspace.DefaultRunspace is { } runspace && Sessions.TryGetValue(runspace, out Session current))
        {
            Retire(runspace, current);
        }
    }

    private static void Retire(Runspace runspace, Session session)
    {
        Sessions.Remove(runspace);
        session.retired = true;
        if (session.users == 0)
        {
            session.Close();
        }
    }

    private void Close()
    {
        if (closed)
        {
            return;
        }

        closed = true;
        Native.umpin_close(handle, null);
        GC.SuppressFinalize(this);
    }

    private static string? Variable(string name)
    {
        string? value = Environment.GetEnvironmentVariable(name);
        return string.IsNullOrEmpty(value) ? null : value;
    }

    /// <summary>Who called from afar, where PowerShell's remoting says so; a claim, as the audit trail marks it.</summary>
    private static string? RemoteUser(SessionState state) =>
        (state.PSVariable.GetValue("PSSenderInfo") is PSObject wrapped ? wrapped.BaseObject : state.PSVariable.GetValue("PSSenderInfo"))
            is PSSenderInfo sender ? sender.UserInfo?.Identity?.Name : null;

    private static bool TryOpen(string? store, string? keyFile, string? remoteUser, out Session session, out Failure failure)
    {
        var options = new List<KeyValuePair<string, object?>>();
        Add(options, "Store", store);
        Add(options, "KeyFile", keyFile);
        Add(options, "RemoteUser", remoteUser);
        ArraySegment<byte> json = JsonWriting.Document(options);
        ulong handle = 0;
        UmpinError* error = null;
        int status;
        fixed (byte* bytes = json.Array)
        {
            status = Native.umpin_open(new UmpinStr { Data = bytes, Length = (nuint)json.Count }, &handle, &error);
        }

        bool done = Succeeded(status, error, out failure);
        session = done ? new Session(handle, store, keyFile) : null!;
        return done;
    }

    private static void Add(List<KeyValuePair<string, object?>> members, string name, string? value)
    {
        if (value is not null)
        {
            members.Add(new KeyValuePair<string, object?>(name, value));
        }
    }

    /// <summary>True the first time this session is asked about this warning.</summary>
    internal bool IsFirst(string warning) => shownOnce.Add(warning);

    /// <summary>Runs one operation. The secret, if there is one, travels beside the document, never in it.</summary>
    internal bool TryExecute(
        string operation, ArraySegment<byte> request, string? secret, out Response response, out Failure failure)
    {
        texts.Clear();
        int name = texts.Put(operation);
        UmpinBuffer answer = default;
        UmpinError* error = null;
        try
        {
            using Secret pin = Secret.From(secret);
            int status;
            fixed (byte* pinned = texts.Bytes)
            fixed (byte* document = request.Array)
            {
                var json = new UmpinStr { Data = document + request.Offset, Length = (nuint)request.Count };
                status = Native.umpin_execute(handle, texts.At(pinned, name), json, pin.Text, &answer, &error);
            }

            bool done = Succeeded(status, error, out failure);
            response = done ? ReadResponse(answer) : null!;
            return done;
        }
        finally
        {
            Native.umpin_buffer_free(&answer);
            GC.KeepAlive(this);
        }
    }

    /// <summary>One mailbox's PIN state.</summary>
    internal bool TryGetPin(string identity, string? domainController, bool ignoreDefaultScope, out PinState state, out Failure failure)
    {
        texts.Clear();
        int who = texts.Put(identity);
        int server = texts.Put(domainController);
        UmpinPinStates* states = null;
        UmpinError* error = null;
        int status;
        fixed (byte* pinned = texts.Bytes)
        {
            var request = new UmpinIdentity
            {
                Identity = texts.At(pinned, who),
                DomainController = texts.At(pinned, server),
                IgnoreDefaultScope = ignoreDefaultScope ? (byte)1 : (byte)0,
            };
            status = Native.umpin_pin_get(handle, &request, &states, &error);
        }

        bool done = Succeeded(status, error, out failure);
        state = done ? Only(states) : null!;
        GC.KeepAlive(this);
        return done;
    }

    /// <summary>The PIN states from <paramref name="after"/> on, at most <paramref name="limit"/>.</summary>
    internal bool TryListPins(
        string? domainController,
        bool ignoreDefaultScope,
        string? after,
        int limit,
        out PinState[] page,
        out string? next,
        out Failure failure)
    {
        texts.Clear();
        int server = texts.Put(domainController);
        int from = texts.Put(after);
        UmpinPinStates* states = null;
        UmpinError* error = null;
        int status;
        fixed (byte* pinned = texts.Bytes)
        {
            var scope = new UmpinIdentity
            {
                DomainController = texts.At(pinned, server),
                IgnoreDefaultScope = ignoreDefaultScope ? (byte)1 : (byte)0,
            };
            status = Native.umpin_pin_list(handle, &scope, texts.At(pinned, from), (nuint)limit, &states, &error);
        }

        page = Array.Empty<PinState>();
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
            Native.umpin_pin_states_free(&states);
            GC.KeepAlive(this);
        }
    }

    /// <summary>Asks whether a PIN signs in. A wrong one counts.</summary>
    internal bool TryVerify(
        string? extension,
        string? dialPlan,
        string? identity,
        Secret pin,
        out UmpinAnswer answer,
        out UmpinReason reason,
        out Failure failure)
    {
        texts.Clear();
        int number = texts.Put(extension);
        int plan = texts.Put(dialPlan);
        int mailbox = texts.Put(identity);
        UmpinAnswer given = default;
        UmpinReason why = default;
        UmpinError* error = null;
        int status;
        fixed (byte* pinned = texts.Bytes)
        {
            var who = new UmpinSignIn
            {
                Extension = texts.At(pinned, number),
                DialPlan = texts.At(pinned, plan),
                Identity = texts.At(pinned, mailbox),
            };
            status = Native.umpin_verify(handle, &who, pin.Text, &given, &why, &error);
        }

        answer = given;
        reason = why;
        GC.KeepAlive(this);
        return Succeeded(status, error, out failure);
    }

    /// <summary>The failure of a call, freed; true if there was none.</summary>
    internal static bool Succeeded(int status, UmpinError* error, out Failure failure)
    {
        failure = default;
        if (status == 0)
        {
            return true;
        }

        if (error == null)
        {
            failure = new Failure(status, "InternalErrorException", $"The library returned status {status} without saying why.", null);
            return false;
        }

        failure = new Failure(
            error->Status, TextBuffer.Read(error->Id), TextBuffer.Read(error->Message), TextBuffer.ReadOrNull(error->Target));
        Native.umpin_error_free(&error);
        return false;
    }

    /// <summary>The only state of a result, which is freed.</summary>
    internal static PinState Only(UmpinPinStates* states)
    {
        try
        {
            return ReadState(states->Items);
        }
        finally
        {
            Native.umpin_pin_states_free(&states);
        }
    }

    internal static Response ReadResponse(UmpinBuffer json)
    {
        using var stream = new UnmanagedMemoryStream(json.Data, checked((long)json.Length));
        return Response.Read(stream);
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
}
