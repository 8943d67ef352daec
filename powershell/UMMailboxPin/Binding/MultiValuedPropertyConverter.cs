namespace UMMailboxPin;

/// <summary>PowerShell's way to a <see cref="MultiValuedProperty"/>.</summary>
public sealed class MultiValuedPropertyConverter : ArgumentConverter
{
    private protected override object? From(object input) => MultiValuedProperty.From(input);
}
