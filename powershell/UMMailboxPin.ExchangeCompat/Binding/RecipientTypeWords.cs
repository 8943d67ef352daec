namespace UMMailboxPin.ExchangeCompat;

/// <summary>For RecipientTypeDetails.</summary>
public sealed class RecipientTypeWords : WordCompleter
{
    /// <summary>Called by PowerShell.</summary>
    public RecipientTypeWords()
        : base("UserMailbox", "LinkedMailbox", "SharedMailbox", "RoomMailbox", "EquipmentMailbox")
    {
    }
}
