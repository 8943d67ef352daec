using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace UMMailboxPin.Tests;

/// <summary>The library's list of statuses, and what stands beside it on this side of the boundary.</summary>
public class ErrorTableTests
{
    /// <summary>Each status with its number and its short exception name, as src/error.rs has them.</summary>
    private static readonly Dictionary<string, (int Number, string Id)> Statuses = ReadStatuses();

    [Fact]
    public void Every_status_has_a_category_and_every_category_a_status()
    {
        Assert.True(Statuses.Count > 50, "src/error.rs is not read as it should be");
        Assert.Equal(
            Statuses.Values.Select(status => status.Number).Order(),
            Errors.Categories.Keys.Where(number => number != Errors.NotReached).Order());
    }

    [Fact]
    public void Only_a_PIN_that_cannot_be_generated_is_NotSpecified_as_in_Exchange()
    {
        IEnumerable<int> unspecified =
            Errors.Categories.Where(entry => entry.Value == ErrorCategory.NotSpecified).Select(entry => entry.Key);
        Assert.Equal([Statuses["PinGeneration"].Number], unspecified);
    }

    [Fact]
    public void Every_exception_of_its_own_has_a_name_that_the_library_gives()
    {
        IEnumerable<Type> own =
            typeof(UmException).Assembly.GetTypes().Where(type => type.BaseType == typeof(UmException));
        Assert.NotEmpty(own);
        foreach (Type type in own)
        {
            (int number, string id) = Assert.Single(Statuses.Values, status => status.Id == type.Name);
            ErrorRecord record = Errors.CreateRecord(new Failure(number, id, "message", null));
            Assert.Equal(type, record.Exception.GetType());
        }
    }

    [Fact]
    public void A_failure_of_this_side_has_no_name_of_the_librarys()
    {
        string[] ids = [.. Statuses.Values.Select(status => status.Id)];
        string sources = string.Concat(
            Directory.GetFiles(Path.Combine(Root(), "powershell"), "*.cs", SearchOption.AllDirectories)
                .Select(File.ReadAllText));
        var here = Regex.Matches(sources, "\"(\\w+Exception)\"")
            .Select(match => match.Groups[1].Value).Distinct().ToList();
        Assert.Contains("NativeLibraryMissingException", here);

        // These two mean what they mean in the library.
        string[] shared = ["InternalErrorException", "ParameterOutOfRangeException"];
        Assert.All(shared, id => Assert.Contains(id, ids));
        Assert.Empty(here.Except(shared).Intersect(ids));
    }

    [Fact]
    public void A_record_carries_message_id_target_and_itself()
    {
        var failure = new Failure(303, "WeakPinException", "too short", "contoso.com/tony");
        ErrorRecord record = Errors.CreateRecord(failure, "tony");
        Assert.Equal("too short", record.Exception.Message);
        Assert.Equal("WeakPinException", record.FullyQualifiedErrorId);
        Assert.Equal("WeakPinException", record.CategoryInfo.Reason);
        Assert.Equal("contoso.com/tony", record.TargetObject);
        Assert.Same(record, Assert.IsAssignableFrom<RuntimeException>(record.Exception).ErrorRecord);
        var aboutNothing = new Failure(303, "WeakPinException", "too short", null);
        Assert.Equal("tony", Errors.CreateRecord(aboutNothing, "tony").TargetObject);
    }

    [Fact]
    public void A_status_that_this_side_does_not_know_is_still_an_error()
    {
        ErrorRecord record = Errors.CreateRecord(new Failure(999, "NewException", "from a newer library", null));
        Assert.Equal(ErrorCategory.InvalidResult, record.CategoryInfo.Category);
        Assert.Equal("NewException", record.FullyQualifiedErrorId);
    }

    private static Dictionary<string, (int Number, string Id)> ReadStatuses()
    {
        string source = File.ReadAllText(Path.Combine(Root(), "src", "error.rs"));
        var numbers = Regex.Matches(source, @"(?m)^    (\w+) = (\d+),")
            .ToDictionary(match => match.Groups[1].Value, match => int.Parse(match.Groups[2].Value, null));
        string table = Regex.Match(source, @"(?s)\nstatuses! \{(.*?)\n\}").Groups[1].Value;
        return Regex.Matches(table, @"(\w+) ""(\w+)"",")
            .ToDictionary(
                match => match.Groups[1].Value,
                match => (numbers[match.Groups[1].Value], match.Groups[2].Value));
    }

    private static string Root([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));
}
