namespace Microsoft.Exchange.Data;

/// <summary>Whether an object differs from what is stored. Exchange's scripts and reports show it.</summary>
public enum ObjectState
{
    /// <summary>Not stored yet.</summary>
    New,

    /// <summary>As it is stored.</summary>
    Unchanged,

    /// <summary>Changed since it was read.</summary>
    Changed,

    /// <summary>Removed.</summary>
    Deleted,
}
