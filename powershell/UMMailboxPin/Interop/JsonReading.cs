using System;
using System.Globalization;
using System.IO;
using System.Management.Automation;
using System.Runtime.Serialization.Json;
using System.Xml;

namespace UMMailboxPin;

/// <summary>Reads the library's documents into what PowerShell works with. It knows no property by name but the
/// three marks below.</summary>
internal static class JsonReading
{
    private const string TypeMark = "$type";
    private const string DateMark = "$date";
    private const string GuidMark = "$guid";

    /// <summary>Exchange's objects print as their identity, inside strings and where a text is wanted.</summary>
    private static readonly PSCodeMethod IdentityText =
        new("ToString", typeof(JsonReading).GetMethod(nameof(ToIdentityText)));

    /// <summary>
    /// Reads one document. The reader presents JSON as XML: an element a value, its kind in the attribute "type".
    /// </summary>
    internal static object? Read(Stream document)
    {
        using XmlDictionaryReader reader =
            JsonReaderWriterFactory.CreateJsonReader(document, XmlDictionaryReaderQuotas.Max);
        reader.MoveToContent();
        return ReadValue(reader);
    }

    private static object? ReadValue(XmlDictionaryReader reader) => reader.GetAttribute("type") switch
    {
        "object" => ReadObject(reader),
        "array" => ReadArray(reader),
        "number" => ReadNumber(reader.ReadElementContentAsString()),
        "boolean" => reader.ReadElementContentAsString() == "true",
        "null" => ReadNull(reader),
        _ => reader.ReadElementContentAsString(),
    };

    private static object? ReadNull(XmlDictionaryReader reader)
    {
        reader.Skip();
        return null;
    }

    private static object ReadNumber(string text)
    {
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int small))
        {
            return small;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long large))
        {
            return large;
        }

        return double.Parse(text, CultureInfo.InvariantCulture);
    }

    private static object? ReadObject(XmlDictionaryReader reader)
    {
        if (!Enter(reader))
        {
            return new PSObject();
        }

        var result = new PSObject();
        object? only = null;
        string? onlyName = null;
        int count = 0;
        bool typed = false;
        while (reader.NodeType == XmlNodeType.Element)
        {
            // A name that is no XML name, such as $type, stands in the attribute "item".
            onlyName = reader.GetAttribute("item") ?? reader.LocalName;
            only = ReadValue(reader);
            count++;
            if (onlyName == TypeMark)
            {
                result.TypeNames.Insert(0, (string)only!);
                typed = true;
            }
            else
            {
                result.Properties.Add(new PSNoteProperty(onlyName, only), preValidated: true);
            }
        }

        reader.ReadEndElement();
        if (typed && result.Properties["Identity"] is not null)
        {
            result.Members.Add(IdentityText.Copy(), preValidated: true);
        }

        if (count == 1 && onlyName == DateMark)
        {
            const DateTimeStyles Utc = DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal;
            return DateTime.Parse((string)only!, CultureInfo.InvariantCulture, Utc).ToLocalTime();
        }

        return count == 1 && onlyName == GuidMark ? Guid.Parse((string)only!) : result;
    }

    /// <summary>The method behind <see cref="IdentityText"/>; PowerShell passes the object.</summary>
    public static string ToIdentityText(PSObject instance) => Arguments.ToText(instance.Properties["Identity"]?.Value);

    private static ValueList ReadArray(XmlDictionaryReader reader)
    {
        var items = new ValueList();
        if (!Enter(reader))
        {
            return items;
        }

        while (reader.NodeType == XmlNodeType.Element)
        {
            items.Add(ReadValue(reader));
        }

        reader.ReadEndElement();
        return items;
    }

    /// <summary>Steps into an object or array; false if it is empty.</summary>
    private static bool Enter(XmlDictionaryReader reader)
    {
        bool empty = reader.IsEmptyElement;
        reader.ReadStartElement();
        if (empty)
        {
            return false;
        }

        if (reader.NodeType == XmlNodeType.EndElement)
        {
            reader.ReadEndElement();
            return false;
        }

        return true;
    }
}
