using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace UMMailboxPin.Tests;

/// <summary>What docs/architecture.md says of the rooms of powershell/.</summary>
public class RoomsTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Here(), "..", ".."));

    [Fact]
    public void One_class_calls_the_library_and_a_handles_own_class_frees_it() =>
        Assert.Equal(
            ["LibraryHandles", "NativeLibraryLoader.cs", "UmpinLibrary.cs"],
            Naming(@"NativeMethods\.")
                .Select(file => file.EndsWith("Handle.cs", StringComparison.Ordinal) ? "LibraryHandles" : file)
                .Distinct().Order());

    [Fact]
    public void One_class_makes_ErrorRecords() => Assert.Equal(["Errors.cs"], Naming(@"new ErrorRecord\("));

    [Fact]
    public void A_file_holds_one_type_and_has_its_name()
    {
        foreach (string file in Sources())
        {
            MatchCollection types = Regex.Matches(
                File.ReadAllText(file), @"(?m)^(?:public|internal)[\w ]*? (?:class|struct|interface|enum) (\w+)");
            Match only = Assert.Single(types);
            Assert.Equal(Path.GetFileNameWithoutExtension(file), only.Groups[1].Value);
        }
    }

    [Fact]
    public void No_line_has_more_than_120_characters()
    {
        IEnumerable<string> long120 = Sources().Concat(Directory.GetFiles(Here(), "*.cs"))
            .SelectMany(file => File.ReadLines(file).Select((line, at) => (Text: line, Place: $"{file}:{at + 1}")))
            .Where(line => line.Text.Length > 120)
            .Select(line => line.Place);
        Assert.Empty(long120);
    }

    private static IEnumerable<string> Naming(string pattern) =>
        Sources().Where(file => Regex.IsMatch(File.ReadAllText(file), pattern))
            .Select(file => Path.GetFileName(file)).Order();

    private static string[] Sources() =>
        Directory.GetFiles(Path.Combine(Root, "powershell"), "*.cs", SearchOption.AllDirectories);

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
