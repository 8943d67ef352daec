namespace UMMailboxPin;

/// <summary>PowerShell's way to a <see cref="UmObjectIdentity"/> where only the parameter's type is known.</summary>
public sealed class UmObjectIdentityConverter : ArgumentConverter
{
    private protected override object? From(object input) => UmObjectIdentity.From(input);
}
