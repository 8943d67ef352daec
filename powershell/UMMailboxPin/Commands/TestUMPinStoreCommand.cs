using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Checks the store, its key and its audit trail.</summary>
/// <remarks>Changes nothing.</remarks>
/// <example>
/// <code>Test-UMPinStore</code>
/// <para>Returns one object a check, with what was found.</para>
/// </example>
/// <example>
/// <code>Test-UMPinStore | Where-Object Result -ne Passed</code>
/// <para>Shows only what is not as it should be.</para>
/// </example>
[Cmdlet(VerbsDiagnostic.Test, "UMPinStore")]
[OutputType("UMMailboxPin.StoreCheck")]
public sealed class TestUMPinStoreCommand : AdminCommand
{
    private protected override string? LongActivity => "Checking the store";
}
