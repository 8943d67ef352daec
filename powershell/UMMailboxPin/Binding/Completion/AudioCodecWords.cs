namespace UMMailboxPin;

/// <summary>For codecs.</summary>
public sealed class AudioCodecWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public AudioCodecWords()
        : base("G711", "Wma", "Gsm", "Mp3")
    {
    }
}
