namespace UMMailboxPin;

/// <summary>What the shared sources ask of the module's class of this name.</summary>
internal static class Errors
{
    internal const int NotReached = -1;
}
