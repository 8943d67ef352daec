namespace UMMailboxPin;

/// <summary>A parameter type of ours: what it sends to the library.</summary>
internal interface IArgument
{
    /// <summary>A string, a number, a list or a table; null for $null.</summary>
    object? Value { get; }
}
