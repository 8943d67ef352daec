using System.Collections.Generic;

namespace UMMailboxPin;

/// <summary>A cmdlet that names a file or folder of this machine.</summary>
public abstract class PathCommand : AdminCommand
{
    private protected PathCommand()
    {
    }

    /// <summary>
    /// The library knows the process's folder, not PowerShell's location: a relative path is made absolute here.
    /// </summary>
    private protected override IEnumerable<KeyValuePair<string, object?>> RequestParameters()
    {
        foreach (KeyValuePair<string, object?> parameter in base.RequestParameters())
        {
            yield return parameter.Key is "Path" or "PickupFolder" && parameter.Value is string { Length: > 0 } path
                ? new KeyValuePair<string, object?>(parameter.Key, GetUnresolvedProviderPathFromPSPath(path))
                : parameter;
        }
    }
}
