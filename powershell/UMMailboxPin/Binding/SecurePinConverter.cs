namespace UMMailboxPin;

/// <summary>PowerShell's way to a <see cref="SecurePin"/>.</summary>
public sealed class SecurePinConverter : ArgumentConverter
{
    private protected override object? From(object input) => SecurePin.From(input);
}
