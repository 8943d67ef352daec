using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text;
using System.Text.Json;
using Xunit;

namespace UMMailboxPin.Tests;

/// <summary>What goes into a document comes out of it, whatever it holds.</summary>
public class JsonRoundTripTests
{
    /// <summary>Texts that break a writer or a reader which takes a short cut.</summary>
    public static TheoryData<string> HostileTexts { get; } =
    [
        string.Empty,
        " ",
        " leading and trailing ",
        "\"", "\\", "/", "</root>", "<a:item item=\"x\">", "]]>", "&amp;", "--", "{\"a\":1}", "$date", "$type",
        "\0", "\u0001\u0008\u000b\u001f", "\t\r\n", "line\r\nbreak\u2028\u2029", "\u007f\u0085",
        "\ufeffbom", "\ufffe\uffff",
        "Zoë Ünlü İstanbul ıI", "日本語", "\ud83d\ude00", "e\u0301", "\u202eright to left",
        new string('x', 100_000),
        string.Concat(Enumerable.Range(0, 0x300).Select(i => (char)i)),
    ];

    [Theory]
    [MemberData(nameof(HostileTexts))]
    public void A_text_is_the_same_on_the_other_side_as_value_and_as_name(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var members = new Dictionary<string, object?>
        {
            ["Value"] = text,
            ["x" + text] = "named",
            ["List"] = new[] { text },
        };

        // Somebody else's reader first: two errors of ours must not cancel out.
        using var other = JsonDocument.Parse(Written(members));
        Assert.Equal(text, other.RootElement.GetProperty("Value").GetString());
        Assert.Equal("named", other.RootElement.GetProperty("x" + text).GetString());
        Assert.Equal(text, other.RootElement.GetProperty("List")[0].GetString());

        PSObject read = Read(Written(members));
        Assert.Equal(text, read.Properties["Value"].Value);
        Assert.Equal("named", read.Properties["x" + text].Value);
        Assert.Equal(text, Assert.IsType<ValueList>(read.Properties["List"].Value)[0]);
    }

    [Theory]
    [MemberData(nameof(HostileTexts))]
    public void A_text_that_another_writer_wrote_is_read(string text)
    {
        var members = new Dictionary<string, string> { ["x" + text] = text };
        PSObject read = Read(JsonSerializer.SerializeToUtf8Bytes(members));
        Assert.Equal(text, read.Properties["x" + text].Value);
    }

    [Fact]
    public void Half_a_surrogate_pair_becomes_the_replacement_character()
    {
        // Not as a theory's data: the runner writes those down in UTF-8, which has no half pairs either.
        (string Text, string Expected)[] cases =
        [
            ("\ud800", "\ufffd"), ("a\udc00b", "a\ufffdb"),
            ("\ude00\ud83d", "\ufffd\ufffd"), ("\ud83d\ude00", "\ud83d\ude00"),
        ];
        foreach ((string text, string expected) in cases)
        {
            PSObject read = Read(Written(new Dictionary<string, object?> { ["Value"] = text, ["x" + text] = 1 }));
            Assert.Equal(expected, read.Properties["Value"].Value);
            Assert.Equal(1, read.Properties["x" + expected].Value);
        }
    }

    [Fact]
    public void A_half_pair_from_the_library_is_no_exception()
    {
        Assert.NotNull(Read(Encoding.UTF8.GetBytes("{\"Value\":\"\\ud800\"}")).Properties["Value"].Value);
    }

    [Fact]
    public void Values_keep_their_kinds()
    {
        PSObject read = Read(Written(new Dictionary<string, object?>
        {
            ["Null"] = null,
            ["True"] = true,
            ["Switch"] = new SwitchParameter(false),
            ["Int"] = -5,
            ["Long"] = long.MinValue,
            ["Byte"] = (byte)255,
            ["Wrapped"] = PSObject.AsPSObject(7),
            ["Guid"] = Guid.Parse("6f0d5f7e-6a3a-4a53-9f0e-6f1f8a0c9d11"),
            ["Date"] = new DateTime(2026, 11, 26, 10, 0, 0, 5, DateTimeKind.Utc),
            ["Span"] = TimeSpan.FromDays(60),
            ["Empty"] = Array.Empty<object>(),
            ["Table"] = new Hashtable { ["Add"] = new[] { "a" } },
            ["Argument"] = new Unlimited("Unlimited"),
            ["Count"] = new Unlimited(5),
        }));
        object? Get(string name) => read.Properties[name].Value;
        Assert.Null(Get("Null"));
        Assert.Equal(true, Get("True"));
        Assert.Equal(false, Get("Switch"));
        Assert.Equal(-5, Get("Int"));
        Assert.Equal(long.MinValue, Get("Long"));
        Assert.Equal(255, Get("Byte"));
        Assert.Equal(7, Get("Wrapped"));
        Assert.Equal("6f0d5f7e-6a3a-4a53-9f0e-6f1f8a0c9d11", Get("Guid"));
        Assert.Equal("2026-11-26T10:00:00.005Z", Get("Date"));
        Assert.Equal("60.00:00:00", Get("Span"));
        Assert.Empty(Assert.IsType<ValueList>(Get("Empty")));
        PSObject table = Assert.IsType<PSObject>(Get("Table"));
        Assert.Equal("a", Assert.IsType<ValueList>(table.Properties["Add"].Value)[0]);
        Assert.Equal("Unlimited", Get("Argument"));
        Assert.Equal(5, Get("Count"));
    }

    [Fact]
    public void A_date_of_the_library_is_local_time_and_a_guid_a_guid()
    {
        PSObject read = Read(Encoding.UTF8.GetBytes(
            """{"When":{"$date":"2026-11-21T10:00:00.000Z"},"Id":{"$guid":"6f0d5f7e-6a3a-4a53-9f0e-6f1f8a0c9d11"}}"""));
        DateTime when = Assert.IsType<DateTime>(read.Properties["When"].Value);
        Assert.Equal(DateTimeKind.Local, when.Kind);
        Assert.Equal(new DateTime(2026, 11, 21, 10, 0, 0, DateTimeKind.Utc), when.ToUniversalTime());
        Assert.Equal(Guid.Parse("6f0d5f7e-6a3a-4a53-9f0e-6f1f8a0c9d11"), read.Properties["Id"].Value);
    }

    [Fact]
    public void An_object_keeps_its_order_and_its_type_name_and_prints_its_identity()
    {
        PSObject read = Read(Encoding.UTF8.GetBytes(
            """{"$type":"Contoso.Thing","Zeta":1,"Alpha":2,"Identity":"tony"}"""));
        Assert.Equal("Contoso.Thing", read.TypeNames[0]);
        Assert.Equal(["Zeta", "Alpha", "Identity"], read.Properties.Select(p => p.Name));
        Assert.Equal("tony", read.ToString());
    }

    [Fact]
    public void Numbers_become_the_smallest_type_that_holds_them()
    {
        PSObject read = Read(Encoding.UTF8.GetBytes("""{"a":2147483647,"b":2147483648,"c":1.5,"d":-0,"e":1e3}"""));
        Assert.Equal(int.MaxValue, read.Properties["a"].Value);
        Assert.Equal(2147483648L, read.Properties["b"].Value);
        Assert.Equal(1.5, read.Properties["c"].Value);
        Assert.Equal(0, read.Properties["d"].Value);
        Assert.Equal(1000.0, read.Properties["e"].Value);
    }

    [Fact]
    public void Nothing_of_a_culture_gets_into_a_document()
    {
        System.Globalization.CultureInfo before = System.Globalization.CultureInfo.CurrentCulture;
        try
        {
            // A dotless i in upper and lower case, a decimal comma, a calendar of its own.
            foreach (string name in new[] { "tr-TR", "de-DE", "ar-SA", "fa-IR", "th-TH" })
            {
                System.Globalization.CultureInfo.CurrentCulture = new(name);
                var members = new Dictionary<string, object?>
                {
                    ["Date"] = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc),
                    ["Number"] = -1234567,
                    ["Double"] = 1.5,
                };
                Assert.Equal(
                    """{"Date":"2026-01-02T03:04:05.000Z","Number":-1234567,"Double":"1.5"}""",
                    Encoding.UTF8.GetString(Written(members)));
                Assert.Equal(1.5, Read(Encoding.UTF8.GetBytes("{\"a\":1.5}")).Properties["a"].Value);
            }
        }
        finally
        {
            System.Globalization.CultureInfo.CurrentCulture = before;
        }
    }

    private static byte[] Written(IEnumerable<KeyValuePair<string, object?>> members) =>
        [.. JsonWriting.ToDocument(members)];

    private static PSObject Read(byte[] json)
    {
        using var stream = new MemoryStream(json);
        return Assert.IsType<PSObject>(JsonReading.Read(stream));
    }
}
