using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Management.Automation;
using System.Security;
using Xunit;

namespace UMMailboxPin.Tests;

/// <summary>How PowerShell's values become arguments.</summary>
public class ArgumentTests
{
    [Fact]
    public void Text_is_as_an_administrator_would_type_it()
    {
        Assert.Equal(string.Empty, Arguments.ToText(null));
        Assert.Equal("0123", Arguments.ToText("0123"));
        Assert.Equal("1.5", Arguments.ToText(1.5));
        Assert.Equal("60.00:00:00", Arguments.ToText(TimeSpan.FromDays(60)));
        Assert.Equal("x", Arguments.ToText(PSObject.AsPSObject("x")));
    }

    [Fact]
    public void A_row_becomes_its_fields_with_commas_and_no_comma_at_the_end()
    {
        var row = new PSObject();
        row.Properties.Add(new PSNoteProperty("Name", "Local"));
        row.Properties.Add(new PSNoteProperty("Mask", "9xxx"));
        row.Properties.Add(new PSNoteProperty("Comment", string.Empty));
        Assert.Equal("Local,9xxx", Arguments.ToText(row));
    }

    [Fact]
    public void What_came_through_remoting_keeps_the_text_it_had()
    {
        PSObject there = Deserialized(new Unlimited("Unlimited"));
        Assert.Equal("Unlimited", Arguments.ToText(there));
        Assert.Equal("Unlimited", Unlimited.From(there)!.ToString());
    }

    [Theory]
    [InlineData("5", true, 5)]
    [InlineData(" 5 ", true, 5)]
    [InlineData("-1", true, -1)]
    [InlineData("Unlimited", false, 0)]
    [InlineData("5.5", false, 0)]
    [InlineData("1,000", false, 0)]
    [InlineData("٥", false, 0)]
    [InlineData("", false, 0)]
    public void A_count_is_a_number_only_where_it_is_one(string text, bool isNumber, long expected)
    {
        Assert.Equal(isNumber, new Unlimited(text).TryGetNumber(out long number));
        Assert.Equal(expected, number);
    }

    [Fact]
    public void Unlimited_is_recognised_in_Turkish_too()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("tr-TR");
            Assert.True(new Unlimited("UNLIMITED").IsUnlimited);
            Assert.True(new Unlimited("unlimited").IsUnlimited);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void What_is_no_count_is_left_to_PowerShell_to_refuse()
    {
        Assert.Null(Unlimited.From(null));
        Assert.Null(Unlimited.From(true));
        Assert.Null(Unlimited.From(DateTime.UtcNow));
        Assert.Null(Unlimited.From(Guid.NewGuid()));
        Assert.Null(Unlimited.From(new object()));
        Assert.Equal("7", Unlimited.From(7L)!.ToString());
    }

    [Fact]
    public void A_list_setting_is_a_list_or_a_change()
    {
        Assert.Equal(new object[] { "a" }, new MultiValuedProperty("a").Value);
        Assert.Equal(new object[] { "a", "1" }, new MultiValuedProperty(new object[] { "a", 1 }).Value);
        Assert.Equal(Array.Empty<object>(), new MultiValuedProperty(null).Value);
        Hashtable change = Assert.IsType<Hashtable>(
            new MultiValuedProperty(new Hashtable { ["Add"] = "a", ["Remove"] = new[] { "b", "c" } }).Value);
        Assert.Equal(new object[] { "a" }, change["Add"]);
        Assert.Equal(new object[] { "b", "c" }, change["Remove"]);
        Assert.Null(MultiValuedProperty.From(null));
    }

    [Fact]
    public void A_list_setting_survives_remoting()
    {
        var here = new MultiValuedProperty(new Hashtable { ["Add"] = new[] { "a", "b" } });
        Hashtable there = Assert.IsType<Hashtable>(MultiValuedProperty.From(Deserialized(here))!.Value);
        Assert.Equal(new object[] { "a", "b" }, there["Add"]);
    }

    [Fact]
    public void An_identity_is_a_text_or_what_an_object_names()
    {
        Assert.Equal("tony", UmObjectIdentity.From("tony")!.Text);
        Assert.Equal("51234", UmObjectIdentity.From(51234)!.Text);
        var guid = Guid.NewGuid();
        Assert.Equal(guid.ToString(), UmObjectIdentity.From(guid)!.Text);
        PSObject all = Having(("Guid", "g"), ("DistinguishedName", "dn"), ("Identity", "by identity"));
        Assert.Equal("by identity", UmObjectIdentity.From(all)!.Text);
        Assert.Equal("dn", UmObjectIdentity.From(Having(("Guid", "g"), ("DistinguishedName", "dn")))!.Text);
        Assert.Equal("g", UmObjectIdentity.From(Having(("Identity", null), ("Guid", "g")))!.Text);
        Assert.Equal("t", UmObjectIdentity.From(new Hashtable { ["Identity"] = "t" })!.Text);
    }

    [Fact]
    public void An_object_whose_identity_is_empty_never_means_all()
    {
        Assert.Equal(string.Empty, UmObjectIdentity.From(Having(("Identity", null)))!.Text);
        Assert.Equal(string.Empty, UmObjectIdentity.From(Having(("Identity", string.Empty)))!.Text);
        Assert.Equal(string.Empty, UmObjectIdentity.From(new Hashtable { ["Identity"] = null })!.Text);
    }

    [Fact]
    public void What_names_nothing_is_no_identity()
    {
        Assert.Null(UmObjectIdentity.From(null));
        Assert.Null(UmObjectIdentity.From(new[] { "a", "b" }));
        Assert.Null(UmObjectIdentity.From(Having(("Other", 1))));
        Assert.Null(UmObjectIdentity.From(new Hashtable()));
    }

    [Fact]
    public void A_property_that_cannot_be_read_is_not_an_identity_of_another()
    {
        PSObject broken = Having(("DistinguishedName", "dn"));
        broken.Properties.Add(new PSScriptProperty("Identity", ScriptBlock.Create("throw 'gone'")));
        Assert.ThrowsAny<Exception>(() => UmObjectIdentity.From(broken));
    }

    [Fact]
    public void An_identity_knows_the_row_it_came_from()
    {
        PSObject row = Having(("Identity", "tony"), ("Pin", "x"));
        Assert.Same(row, UmObjectIdentity.From(row)!.Source);
        Assert.Null(UmObjectIdentity.From("tony")!.Source);
    }

    [Fact]
    public void A_PIN_to_try_never_prints_itself()
    {
        SecurePin pin = SecurePin.From("1985848")!;
        Assert.DoesNotContain("1985848", pin.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("1985848", PSSerializer.Serialize(pin), StringComparison.Ordinal);
        Assert.Equal(7, pin.Pin.Length);
        using var secure = new SecureString();
        Assert.Same(secure, SecurePin.From(secure)!.Pin);
        Assert.Null(SecurePin.From(null));
        Assert.Null(SecurePin.From(new List<string>()));
    }

    private static PSObject Having(params (string Name, object? Value)[] properties)
    {
        var result = new PSObject();
        foreach ((string name, object? value) in properties)
        {
            result.Properties.Add(new PSNoteProperty(name, value));
        }

        return result;
    }

    private static PSObject Deserialized(object value) =>
        Assert.IsType<PSObject>(PSSerializer.Deserialize(PSSerializer.Serialize(value, 3)));
}
