using System.Diagnostics;
using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>
/// Asks whether a PIN signs in. It counts like a sign-in by telephone: a wrong PIN is a failure, and enough of them
/// lock the mailbox.
/// </summary>
/// <remarks>
/// By extension the answer to a refusal is always the same, as on the telephone. By identity the reasons are shown,
/// since whoever may run this may list mailboxes anyway.
/// </remarks>
/// <example>
/// <code>Test-UMMailboxPIN -Identity tonysmith@contoso.com -Pin (Read-Host -AsSecureString)</code>
/// <para>Asks for a PIN and tries it.</para>
/// </example>
/// <example>
/// <code>Test-UMMailboxPIN -Extension 51234 -DialPlan Redmond -Pin 1985848</code>
/// <para>Tries a PIN as the telephone system does.</para>
/// </example>
[Cmdlet(VerbsDiagnostic.Test, "UMMailboxPIN", SupportsShouldProcess = true, DefaultParameterSetName = "Identity")]
[OutputType("UMMailboxPin.SignInResult")]
public sealed class TestUMMailboxPinCommand : UmCommand
{
    /// <summary>Specifies the mailbox, in any identity form, or an object with an identity.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Identity", Position = 0,
        ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(UMMailboxCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Specifies the extension, SIP address or E.164 number to sign in as.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Extension")]
    [AllowEmptyString]
    public string? Extension { get; set; }

    /// <summary>Specifies the dial plan; needed where an extension is in several.</summary>
    [Parameter(ParameterSetName = "Extension")]
    [Identity]
    [ArgumentCompleter(typeof(UMDialPlanCompleter))]
    public UmObjectIdentity? DialPlan { get; set; }

    /// <summary>Specifies the PIN, as SecureString or text.</summary>
    [Parameter(Mandatory = true)]
    [SecurePin]
    public SecurePin? Pin { get; set; }

    /// <summary>One try.</summary>
    protected override void ProcessRecord()
    {
        bool byIdentity = ParameterSetName == "Identity";
        string? named = byIdentity ? Identity?.Text : Extension;
        if (!ShouldProcess(named ?? string.Empty, "Try to sign in; a wrong PIN counts"))
        {
            return;
        }

        using var pin = Secret.From(Pin!.Pin);
        long started = Stopwatch.GetTimestamp();
        bool done = Session.TryVerify(
            Extension,
            DialPlan?.Text,
            Identity?.Text,
            pin,
            out UmpinAnswer answer,
            out UmpinReason reason,
            out Failure failure);
        if (ShowsVerbose)
        {
            WriteDuration($"Test-UMMailboxPIN '{named}'", SecondsSince(started), done ? null : failure.Id);
        }

        if (!done)
        {
            WriteFailure(failure, named);
            return;
        }

        bool accepted = answer.Accepted != 0;
        var result = new PSObject();
        result.TypeNames.Insert(0, "UMMailboxPin.SignInResult");
        result.Properties.Add(new PSNoteProperty("Identity", named));
        result.Properties.Add(new PSNoteProperty("Result", accepted ? "Accepted" : "Refused"));
        result.Properties.Add(new PSNoteProperty("MustChange", answer.MustChange != 0));
        result.Properties.Add(new PSNoteProperty("SetUpDue", answer.SetUpDue != 0));
        var reasons = new ValueList();
        if (byIdentity && !accepted)
        {
            reasons.Add(reason.ToString());
        }

        result.Properties.Add(new PSNoteProperty("Reasons", reasons));
        WriteObject(result);
    }
}
