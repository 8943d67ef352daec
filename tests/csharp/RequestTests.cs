using System;
using System.Collections.Generic;
using System.Text;
using Xunit;

namespace UMMailboxPin.Tests;

/// <summary>Requests as the library and as people see them.</summary>
public class RequestTests
{
    [Fact]
    public void A_request_is_the_document_that_the_boundary_describes()
    {
        var request = new Request(
            "Set-UMMailbox", RequestMode.Validate, Parameters(("Identity", "tony"), ("FaxEnabled", true)))
        {
            BeforeCommit = true,
            After = "cursor",
        };
        Assert.Equal(
            """{"Mode":"Validate","Parameters":{"Identity":"tony","FaxEnabled":true},"""
                + "\"BeforeCommit\":true,\"After\":\"cursor\"}",
            Text(request.ToJson()));
        Assert.Equal("Set-UMMailbox 'tony' (Validate)", request.ToString());
    }

    [Fact]
    public void What_people_read_leaves_out_what_may_be_secret()
    {
        var row = new Dictionary<string, object?> { ["Alias"] = "tony", ["PIN"] = "1985848" };
        var request = new Request("Import-UMRecipient", RequestMode.Commit, Parameters(
            ("Rows", new object[] { row }),
            ("CommandArguments", new[] { "--password=hunter2" }),
            ("SenderName", "UM")));
        Assert.Contains("1985848", Text(request.ToJson()), StringComparison.Ordinal);
        string shown = request.ToDebugText();
        Assert.DoesNotContain("1985848", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", shown, StringComparison.Ordinal);
        Assert.Contains("\"SenderName\":\"UM\"", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void A_PIN_change_is_shown_without_its_PIN()
    {
        var request = new PinResetRequest { Identity = "tony", Pin = "1985848", LockedOut = false };
        string shown = request.ToDebugText("Set-UMMailboxPIN");
        Assert.DoesNotContain("1985848", shown, StringComparison.Ordinal);
        Assert.Contains("""{"Identity":"tony","LockedOut":false}""", shown, StringComparison.Ordinal);
    }

    private static List<KeyValuePair<string, object?>> Parameters(params (string Name, object? Value)[] parameters)
    {
        var result = new List<KeyValuePair<string, object?>>();
        foreach ((string name, object? value) in parameters)
        {
            result.Add(new(name, value));
        }

        return result;
    }

    private static string Text(ArraySegment<byte> json) =>
        Encoding.UTF8.GetString(json.Array!, json.Offset, json.Count);
}
