namespace UMMailboxPin;

/// <summary>A warning, and whether one in a session is enough.</summary>
internal readonly struct Warning
{
    internal Warning(string message, bool oncePerSession)
    {
        Message = message;
        OncePerSession = oncePerSession;
    }

    internal string Message { get; }

    internal bool OncePerSession { get; }
}
