namespace UMMailboxPin;

/// <summary>PowerShell's way to an <see cref="Unlimited"/>.</summary>
public sealed class UnlimitedConverter : ArgumentConverter
{
    private protected override object? From(object input) => Unlimited.From(input);
}
