namespace UMMailboxPin;

/// <summary>What went wrong, in the library's words.</summary>
internal readonly struct Failure
{
    internal Failure(int status, string id, string message, string? target)
    {
        Status = status;
        Id = id;
        Message = message;
        Target = target;
    }

    internal int Status { get; }

    /// <summary>The short exception name.</summary>
    internal string Id { get; }

    internal string Message { get; }

    internal string? Target { get; }

    /// <summary>A failure on this side of the boundary: the library was not reached.</summary>
    internal static Failure Local(string id, string message) => new(Errors.NotReached, id, message, null);

    /// <summary>A status that came without an error object.</summary>
    internal static Failure Unexplained(int status) =>
        new(status, "InternalErrorException", $"The library returned status {status} without an explanation.", null);
}
