namespace UMMailboxPin;

/// <summary>How far an operation goes.</summary>
internal enum RequestMode
{
    /// <summary>Everything is checked and nothing is kept.</summary>
    Validate,

    /// <summary>What was checked is done.</summary>
    Commit,
}
