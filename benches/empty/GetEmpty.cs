using System.Management.Automation;
using PinState = Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin;

namespace UMMailboxPin.Benches;

/// <summary>
/// What any compiled cmdlet costs: takes an identity from the pipeline, looks nothing up, puts out an object.
/// </summary>
[Cmdlet(VerbsCommon.Get, "Empty")]
[OutputType(typeof(PinState))]
public sealed class GetEmptyCommand : PSCmdlet
{
    /// <summary>Copied into the object.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public string Identity { get; set; } = string.Empty;

    /// <inheritdoc/>
    protected override void ProcessRecord() =>
        WriteObject(new PinState(Identity, Identity, false, false, false, "None", 0, 0, long.MaxValue));
}
