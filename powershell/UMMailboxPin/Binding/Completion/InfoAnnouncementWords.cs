namespace UMMailboxPin;

/// <summary>For InfoAnnouncementEnabled.</summary>
public sealed class InfoAnnouncementWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public InfoAnnouncementWords()
        : base("False", "True", "Uninterruptible")
    {
    }
}
