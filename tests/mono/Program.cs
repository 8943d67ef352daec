using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text;
using PinState = Microsoft.Exchange.Management.Tasks.UM.UMMailboxPin;

namespace UMMailboxPin.Mono;

/// <summary>
/// Prints "ok N - name" and "not ok N - name" lines, as the C tests do. The argument is a file of recipients.
/// </summary>
internal static class Program
{
    private static int number;
    private static bool failed;

    private static int Main(string[] arguments)
    {
        Check("there is no NativeLibrary, as on .NET Framework", () =>
            typeof(object).Assembly.GetType("System.Runtime.InteropServices.NativeLibrary") is null);
        Check("any text is the same on the other side", AnyText);
        Check("half a surrogate pair becomes the replacement character", () => Trip("\ud83d") == "\ufffd");
        Check("values keep their kinds", KindsOfValues);
        Check("a date of the library is local time", () =>
            Read("{\"When\":{\"$date\":\"2026-11-21T10:00:00.000Z\"}}").Properties["When"]!.Value is DateTime when
                && when.ToUniversalTime() == new DateTime(2026, 11, 21, 10, 0, 0, DateTimeKind.Utc));
        Failure failure = default;
        Check("the library is loaded", () => NativeLibraryLoader.TryLoad(out failure));
        if (failed)
        {
            Console.WriteLine("# " + failure.Message);
            return 1;
        }

        string folder = Path.GetDirectoryName(Environment.GetEnvironmentVariable("UMPIN_STORE")!)!;
        WithLibrary(arguments[0], folder);
        return failed ? 1 : 0;
    }

    private static void WithLibrary(string recipients, string folder)
    {
        ArraySegment<byte> options = JsonWriting.ToDocument(new Dictionary<string, object?>
        {
            ["Store"] = Path.Combine(folder, "um.db"),
            ["KeyFile"] = Path.Combine(folder, "umpin.key"),
        });
        SessionHandle? opened = null;
        Check("a session opens", () => UmpinLibrary.TryOpen(options, out opened, out _));
        using SessionHandle session = opened!;
        string import = (string)((PSObject)Run(session, "Import-UMRecipient", ("Step", "Begin")).Objects.First()!)
            .Properties["Import"]!.Value!;
        Check("a file is imported in pages", () =>
        {
            (string, object?)[] steps = { ("Step", "Read"), ("Import", import), ("Path", recipients) };
            Response page = Run(session, "Import-UMRecipient", steps);
            while (page.Next is { } next)
            {
                page = Run(session, "Import-UMRecipient", next, steps);
            }

            (string, object?)[] apply = { ("Step", "Apply"), ("Import", import) };
            Response result = Run(session, "Import-UMRecipient", apply);
            while (result.Next is { } next)
            {
                result = Run(session, "Import-UMRecipient", next, apply);
            }

            return result.Objects.Any();
        });
        _ = Run(session, "New-UMDialPlan", ("Name", "Redmond"), ("NumberOfDigitsInExtension", 5));
        Check("a mailbox is enabled, its PIN beside the document", () =>
        {
            var parameters = new Dictionary<string, object?>
            {
                ["Identity"] = "tonysmith",
                ["UMMailboxPolicy"] = "Redmond Default Policy",
                ["Extensions"] = new[] { "51234" },
                ["PINExpired"] = false,
            };
            var request = new Request("Enable-UMMailbox", RequestMode.Commit, parameters);
            return UmpinLibrary.TryExecute(session, request, "5643892", out Response enabled, out _)
                && enabled.Objects.First() is PSObject mailbox
                && mailbox.TypeNames[0] == "Microsoft.Exchange.Data.Directory.Management.UMMailbox";
        });
        Check("a PIN's state is read", () =>
            UmpinLibrary.TryGetPin(session, "tonysmith", null, false, out PinState state, out _)
                && state.UserID == "tonysmith@contoso.com" && !state.LockedOut);
        Check("states are listed", () =>
            UmpinLibrary.TryListPins(session, null, false, null, 10, out PinState[] page, out string? next, out _)
                && page.Length == 1 && next is null);
        Check("the PIN signs in, and another does not", () =>
            SignsIn(session, "5643892") && !SignsIn(session, "1985848"));
        Check("a PIN is replaced in steps, or dropped", () => ReplacesPin(session));
        Check("an error comes with its name, message and target", () =>
            !UmpinLibrary.TryGetPin(session, "nobody", null, false, out _, out Failure error)
                && error.Id == "ManagementObjectNotFoundException"
                && error.Status == 200
                && error.Message.Contains("nobody"));
    }

    private static bool ReplacesPin(SessionHandle session)
    {
        var request = new PinResetRequest { Identity = "tonysmith", Pin = "7391846", PinExpired = false };
        if (!UmpinLibrary.TryBeginReset(session, request, out PinReset dropped, out _))
        {
            return false;
        }

        dropped.Dispose();
        if (SignsIn(session, "7391846") || !UmpinLibrary.TryBeginReset(session, request, out PinReset reset, out _))
        {
            return false;
        }

        using (reset)
        {
            reset.Hash();
            return reset.TryCommit(out PinState state, out _, out _)
                && state.UserID == "tonysmith@contoso.com"
                && SignsIn(session, "7391846");
        }
    }

    private static bool SignsIn(SessionHandle session, string text)
    {
        using Secret pin = Secret.From(text);
        return UmpinLibrary.TryVerify(session, null, null, "tonysmith", pin, out UmpinAnswer answer, out _, out _)
            && answer.Accepted != 0;
    }

    private static Response Run(SessionHandle session, string operation, params (string, object?)[] parameters) =>
        Run(session, operation, null, parameters);

    private static Response Run(SessionHandle session, string operation, string? after, (string, object?)[] parameters)
    {
        var request = new Request(
            operation, RequestMode.Commit, parameters.Select(p => new KeyValuePair<string, object?>(p.Item1, p.Item2)))
        {
            After = after,
        };
        return UmpinLibrary.TryExecute(session, request, null, out Response response, out Failure failure)
            ? response
            : throw new InvalidOperationException($"{operation}: {failure.Message}");
    }

    private static bool AnyText()
    {
        string controls = string.Concat(Enumerable.Range(0, 0x300).Select(i => (char)i));
        string[] texts =
        {
            string.Empty, " a ", "\"\\/", "</root>]]>&amp;", "\0\u0001\u001f", "\u2028\u2029\ufeff\ufffe\uffff",
            "Zoë İıI 日本語 \ud83d\ude00", "$date", controls, new string('x', 100_000),
        };
        return texts.All(text => Trip(text) == text);
    }

    private static bool KindsOfValues()
    {
        PSObject read = Read(Encoding.UTF8.GetString(JsonWriting.ToDocument(new Dictionary<string, object?>
        {
            ["a"] = null,
            ["b"] = true,
            ["c"] = -5,
            ["d"] = long.MinValue,
            ["e"] = TimeSpan.FromDays(60),
            ["f"] = new[] { 1, 2 },
        }).ToArray()));
        return read.Properties["a"]!.Value is null
            && read.Properties["b"]!.Value is true
            && read.Properties["c"]!.Value is -5
            && read.Properties["d"]!.Value is long.MinValue
            && read.Properties["e"]!.Value is "60.00:00:00"
            && read.Properties["f"]!.Value is ValueList { Count: 2 };
    }

    private static string? Trip(string text)
    {
        byte[] json = JsonWriting.ToDocument(new Dictionary<string, object?> { ["x" + text] = text }).ToArray();
        using var stream = new MemoryStream(json);
        return ((PSObject)JsonReading.Read(stream)!).Properties.Single().Value as string;
    }

    private static PSObject Read(string json)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        return (PSObject)JsonReading.Read(stream)!;
    }

    private static void Check(string name, Func<bool> holds)
    {
        number++;
        bool ok;
        try
        {
            ok = holds();
        }
        catch (Exception e)
        {
            Console.WriteLine("# " + e);
            ok = false;
        }

        failed |= !ok;
        Console.WriteLine($"{(ok ? "ok" : "not ok")} {number} - {name}");
    }
}
