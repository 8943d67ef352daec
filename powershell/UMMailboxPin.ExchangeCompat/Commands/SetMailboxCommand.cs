using System.Management.Automation;

namespace UMMailboxPin.ExchangeCompat;

/// <summary>
/// Changes a mailbox's e-mail addresses, and with its EUM addresses the extensions of an enabled mailbox.
/// </summary>
/// <remarks>
/// Only the part of Exchange's Set-Mailbox that UM scripts use to add and remove secondary extensions.
/// </remarks>
/// <example>
/// <code>Set-Mailbox tony -EmailAddresses @{Add = 'eum:51299;phone-context=Redmond'}</code>
/// <para>Gives a mailbox a secondary extension.</para>
/// </example>
/// <example>
/// <code>Set-Mailbox tony -SecondaryAddress 51299 -SecondaryDialPlan Redmond</code>
/// <para>The same, as older pages write it.</para>
/// </example>
[Cmdlet(VerbsCommon.Set, "Mailbox", SupportsShouldProcess = true, HelpUri = MicrosoftPages + "set-mailbox")]
public sealed class SetMailboxCommand : RecipientCommand
{
    /// <summary>Specifies the mailbox, in any identity form, or an object with an identity.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    [Identity]
    [ArgumentCompleter(typeof(RecipientCompleter))]
    public UmObjectIdentity? Identity { get; set; }

    /// <summary>Specifies all addresses, or a change written as @{Add = ...; Remove = ...}.</summary>
    [Parameter]
    [MultiValued]
    public MultiValuedProperty? EmailAddresses { get; set; }

    /// <summary>Accepted for compatibility and ignored: no policy makes addresses here.</summary>
    [Parameter]
    public bool EmailAddressPolicyEnabled { get; set; }

    /// <summary>
    /// Specifies a secondary extension, SIP address or E.164 number; together with SecondaryDialPlan.
    /// </summary>
    [Parameter]
    public string? SecondaryAddress { get; set; }

    /// <summary>Specifies the UM dial plan of SecondaryAddress: a name or GUID, or a dial plan object.</summary>
    [Parameter]
    [Identity]
    [ArgumentCompleter(typeof(UMDialPlanCompleter))]
    public UmObjectIdentity? SecondaryDialPlan { get; set; }
}
