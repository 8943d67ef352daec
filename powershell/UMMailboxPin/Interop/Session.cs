using System;
using System.Collections.Generic;
using System.Management.Automation;
using System.Management.Automation.Remoting;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using PinState = Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin;

namespace UMMailboxPin;

/// <summary>A runspace's session with the library: on one store and key file, with one recipient scope.</summary>
internal sealed class Session
{
    // A runspace has one session, since the recipient scope (Set-ADServerSettings) belongs to it. A runspace that is
    // thrown away takes its session along.
    private static readonly ConditionalWeakTable<Runspace, Session> Sessions = new();

    private const string StoreVariable = "UMPIN_STORE";
    private const string KeyVariable = "UMPIN_KEY_FILE";

    private readonly SessionHandle handle;
    private readonly string? store;
    private readonly string? keyFile;
    private readonly HashSet<string> shownOnce = [];
    private int users;
    private bool retired;

    private Session(SessionHandle handle, string? store, string? keyFile)
    {
        this.handle = handle;
        this.store = store;
        this.keyFile = keyFile;
    }

    /// <summary>
    /// The runspace's session; another one after the store or key variable changed. .NET does not pass changed
    /// variables on to native code on Unix, so they are read here and passed explicitly. To be given back with <see
    /// cref="Release"/>.
    /// </summary>
    internal static bool TryAcquire(SessionState state, out Session session, out Failure failure)
    {
        session = null!;
        if (!NativeLibraryLoader.TryLoad(out failure))
        {
            return false;
        }

        string? store = Variable(StoreVariable);
        string? keyFile = Variable(KeyVariable);
        Runspace runspace = Runspace.DefaultRunspace;
        if (Sessions.TryGetValue(runspace, out Session current))
        {
            if (current.IsOn(store, keyFile))
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
        if (!NativeLibraryLoader.TryLoad(out _))
        {
            return false;
        }

        string? store = Variable(StoreVariable);
        string? keyFile = Variable(KeyVariable);
        if (Sessions.TryGetValue(Runspace.DefaultRunspace, out Session current) && current.IsOn(store, keyFile))
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
        CloseIfDone();
    }

    /// <summary>The module is being removed from this runspace: closes its session. The library stays loaded.</summary>
    internal static void RetireCurrent()
    {
        if (Runspace.DefaultRunspace is { } runspace && Sessions.TryGetValue(runspace, out Session current))
        {
            Retire(runspace, current);
        }
    }

    /// <summary>True the first time this session is asked about this warning.</summary>
    internal bool IsFirst(string warning) => shownOnce.Add(warning);

    /// <inheritdoc cref="UmpinLibrary.TryUpgrade"/>
    internal bool TryUpgrade(Action<ulong, ulong> tell, out Failure failure) =>
        UmpinLibrary.TryUpgrade(handle, tell, out failure);

    /// <inheritdoc cref="UmpinLibrary.TryExecute"/>
    internal bool TryExecute(
        Request request, string? secret, out Response response, out Failure failure) =>
        UmpinLibrary.TryExecute(handle, request, secret, out response, out failure);

    /// <inheritdoc cref="UmpinLibrary.TryGetPin"/>
    internal bool TryGetPin(
        string identity, string? domainController, bool ignoreDefaultScope, out PinState state, out Failure failure) =>
        UmpinLibrary.TryGetPin(handle, identity, domainController, ignoreDefaultScope, out state, out failure);

    /// <inheritdoc cref="UmpinLibrary.TryListPins"/>
    internal bool TryListPins(
        string? domainController,
        bool ignoreDefaultScope,
        string? after,
        int limit,
        out PinState[] page,
        out string? next,
        out Failure failure) =>
        UmpinLibrary.TryListPins(
            handle, domainController, ignoreDefaultScope, after, limit, out page, out next, out failure);

    /// <inheritdoc cref="UmpinLibrary.TryVerify"/>
    internal bool TryVerify(
        string? extension,
        string? dialPlan,
        string? identity,
        Secret pin,
        out UmpinAnswer answer,
        out UmpinReason reason,
        out Failure failure) =>
        UmpinLibrary.TryVerify(handle, extension, dialPlan, identity, pin, out answer, out reason, out failure);

    /// <inheritdoc cref="UmpinLibrary.TryBeginReset"/>
    internal bool TryBeginReset(PinResetRequest request, out PinReset reset, out Failure failure) =>
        UmpinLibrary.TryBeginReset(handle, request, out reset, out failure);

    private static void Retire(Runspace runspace, Session session)
    {
        Sessions.Remove(runspace);
        session.retired = true;
        session.CloseIfDone();
    }

    private void CloseIfDone()
    {
        if (retired && users == 0)
        {
            handle.Dispose();
        }
    }

    private bool IsOn(string? otherStore, string? otherKeyFile) => store == otherStore && keyFile == otherKeyFile;

    private static string? Variable(string name)
    {
        string? value = Environment.GetEnvironmentVariable(name);
        return string.IsNullOrEmpty(value) ? null : value;
    }

    /// <summary>
    /// Who called from afar, where PowerShell's remoting says so; a claim, as the audit trail marks it.
    /// </summary>
    private static string? RemoteUser(SessionState state) =>
        Arguments.Unwrap(state.PSVariable.GetValue("PSSenderInfo")) is PSSenderInfo sender
            ? sender.UserInfo?.Identity?.Name
            : null;

    private static bool TryOpen(
        string? store, string? keyFile, string? remoteUser, out Session session, out Failure failure)
    {
        var options = new List<KeyValuePair<string, object?>>();
        AddGiven(options, "Store", store);
        AddGiven(options, "KeyFile", keyFile);
        AddGiven(options, "RemoteUser", remoteUser);
        bool done = UmpinLibrary.TryOpen(JsonWriting.ToDocument(options), out SessionHandle handle, out failure);
        session = done ? new Session(handle, store, keyFile) : null!;
        return done;
    }

    private static void AddGiven(List<KeyValuePair<string, object?>> members, string name, string? value)
    {
        if (value is not null)
        {
            members.Add(new KeyValuePair<string, object?>(name, value));
        }
    }
}
