using System;
using System.Management.Automation;

namespace UMMailboxPin.Commands;

/// <summary>Searches the audit trail: who changed what, when, and whether it was done or refused.</summary>
/// <remarks>The filters are those of Exchange's Search-AdminAuditLog. No record holds a PIN.</remarks>
/// <example>
/// <code>Search-UMAdminAuditLog -Cmdlets Set-UMMailboxPIN -StartDate (Get-Date).AddDays(-7)</code>
/// <para>Shows who reset PINs in the last week.</para>
/// </example>
/// <example>
/// <code>Search-UMAdminAuditLog -IsSuccess $false -ResultSize 20</code>
/// <para>Shows the latest refusals.</para>
/// </example>
/// <example>
/// <code>Search-UMAdminAuditLog -ObjectIds tonysmith@contoso.com | Export-Csv .\trail.csv</code>
/// <para>Writes into a file what was done to one mailbox.</para>
/// </example>
[Cmdlet(VerbsCommon.Search, "UMAdminAuditLog")]
[OutputType("UMMailboxPin.AdminAuditLogEvent")]
public sealed class SearchUMAdminAuditLogCommand : DirectoryCommand
{
    /// <summary>Shows only these cmdlets.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(CmdletNames))]
    public string[]? Cmdlets { get; set; }

    /// <summary>Shows only what was done before this time.</summary>
    [Parameter]
    public DateTime EndDate { get; set; }

    /// <summary>Shows only what was done through remoting ($true) or on this machine ($false).</summary>
    [Parameter]
    public bool ExternalAccess { get; set; }

    /// <summary>Shows only what succeeded ($true) or failed ($false).</summary>
    [Parameter]
    public bool IsSuccess { get; set; }

    /// <summary>Shows only what was done to these objects.</summary>
    [Parameter]
    public string[]? ObjectIds { get; set; }

    /// <summary>Shows only calls with these parameters; together with Cmdlets.</summary>
    [Parameter]
    public string[]? Parameters { get; set; }

    /// <summary>Specifies how many records to show at most: a number, or Unlimited.</summary>
    /// <value>1000</value>
    [Parameter]
    [ArgumentCompleter(typeof(UnlimitedWords))]
    public Unlimited? ResultSize { get; set; }

    /// <summary>Shows only what was done from this time on.</summary>
    [Parameter]
    public DateTime StartDate { get; set; }

    /// <summary>Specifies how many records to leave out at the beginning.</summary>
    /// <value>0</value>
    [Parameter]
    public int StartIndex { get; set; }

    /// <summary>Shows only what these accounts did.</summary>
    [Parameter]
    public string[]? UserIds { get; set; }
}
