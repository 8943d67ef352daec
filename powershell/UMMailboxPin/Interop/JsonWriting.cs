using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Management.Automation;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Xml;

namespace UMMailboxPin;

/// <summary>Writes request documents from whatever PowerShell bound.</summary>
internal static class JsonWriting
{
    private const string Root = "root";
    private const string Item = "item";
    private const string DateFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>One document: an object with these members, in their order.</summary>
    internal static ArraySegment<byte> ToDocument(IEnumerable<KeyValuePair<string, object?>> members)
    {
        var stream = new MemoryStream();
        using (XmlDictionaryWriter writer =
            JsonReaderWriterFactory.CreateJsonWriter(stream, Encoding.UTF8, ownsStream: false))
        {
            writer.WriteStartElement(Root);
            WriteMembers(writer, members);
            writer.WriteEndElement();
        }

        return new ArraySegment<byte>(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static void WriteMembers(XmlDictionaryWriter writer, IEnumerable<KeyValuePair<string, object?>> members)
    {
        writer.WriteAttributeString("type", "object");
        foreach (KeyValuePair<string, object?> member in members)
        {
            // A member's name may hold anything (a column "Display Name"), so it goes where any text may stand.
            writer.WriteStartElement("a", Item, Item);
            writer.WriteAttributeString(Item, WithoutHalfPairs(member.Key));
            WriteValue(writer, member.Value);
            writer.WriteEndElement();
        }
    }

    private static void WriteValue(XmlDictionaryWriter writer, object? value)
    {
        object? plain = Arguments.Plain(value);
        switch (plain)
        {
            case null:
                writer.WriteAttributeString("type", "null");
                break;
            case string text:
                WriteScalar(writer, "string", WithoutHalfPairs(text));
                break;
            case bool yes:
                WriteScalar(writer, "boolean", yes ? "true" : "false");
                break;
            case SwitchParameter present:
                WriteScalar(writer, "boolean", present.IsPresent ? "true" : "false");
                break;
            case IArgument argument:
                WriteValue(writer, argument.Value);
                break;
            case DateTime time:
                string utc = time.ToUniversalTime().ToString(DateFormat, CultureInfo.InvariantCulture);
                WriteScalar(writer, "string", utc);
                break;
            case sbyte or byte or short or ushort or int or uint or long or ulong:
                WriteScalar(writer, "number", Arguments.ToText(plain));
                break;
            case IEnumerable<KeyValuePair<string, object?>> members:
                WriteMembers(writer, members);
                break;
            case IDictionary table:
                WriteMembers(writer, Pairs(table));
                break;
            case IEnumerable items:
                writer.WriteAttributeString("type", "array");
                foreach (object? item in items)
                {
                    writer.WriteStartElement(Item);
                    WriteValue(writer, item);
                    writer.WriteEndElement();
                }

                break;
            default:
                WriteScalar(writer, "string", WithoutHalfPairs(Arguments.ToText(plain)));
                break;
        }
    }

    private static void WriteScalar(XmlDictionaryWriter writer, string type, string text)
    {
        writer.WriteAttributeString("type", type);
        writer.WriteString(text);
    }

    private static IEnumerable<KeyValuePair<string, object?>> Pairs(IDictionary table)
    {
        foreach (DictionaryEntry entry in table)
        {
            yield return new KeyValuePair<string, object?>(Arguments.ToText(entry.Key), entry.Value);
        }
    }

    /// <summary>
    /// Half a surrogate pair has no UTF-8. It becomes the replacement character, as in every other text that crosses
    /// the boundary, instead of an exception.
    /// </summary>
    private static string WithoutHalfPairs(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]))
            {
                return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            }
        }

        return text;
    }
}
