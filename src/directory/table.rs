//! A CSV file as directories export it: UTF-8 or UTF-16, with or without a mark, `,` `;` or tabs.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::csv_records::Records;
use super::row::{Field, field};
use crate::error::{Error, Result, Status};

/// A header line longer than this is no header.
const LONGEST_HEADER: u64 = 65_536;

/// A CSV file being read.
pub(crate) struct Table {
    records: Records,
    fields: Fields,
    columns: Vec<Option<Field>>,
    read: Arc<AtomicU64>,
    /// Bytes of the file.
    pub size: u64,
}

/// A row's line and its values, or why it cannot be read.
pub(crate) type TableRow = (u64, std::result::Result<Vec<(Field, Vec<String>)>, String>);

impl Table {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let wrong = |what: String| {
            Error::new(Status::ImportUnreadable, format!("'{}' {what}. Nothing was imported.", path.display()))
                .about(path.display().to_string())
        };
        let file = File::open(path).map_err(|e| wrong(format!("cannot be read: {e}")))?;
        let meta = file.metadata().map_err(|e| wrong(format!("cannot be read: {e}")))?;
        if !meta.is_file() {
            return Err(wrong("is not a file".into()));
        }
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: file, read: read.clone() };
        let mut text =
            BufReader::new(decoded(BufReader::new(counted)).map_err(|e| wrong(format!("cannot be read: {e}")))?);
        let mut first = Vec::new();
        let mut line = 1;

        loop {
            first.clear();
            (&mut text)
                .take(LONGEST_HEADER)
                .read_until(b'\n', &mut first)
                .map_err(|e| wrong(format!("cannot be read: {e}")))?;
            // Export-Csv of Windows PowerShell begins with a line about the type.
            if !first.starts_with(b"#TYPE") {
                break;
            }
            line += 1;
        }
        let delimiter =
            [b',', b';', b'\t'].into_iter().max_by_key(|d| first.iter().filter(|b| *b == d).count()).unwrap_or(b',');
        let whole = Box::new(std::io::Cursor::new(first).chain(text));
        let mut records = Records::new(whole, delimiter, line);
        let mut fields = Fields::new(delimiter);
        let columns: std::result::Result<Vec<Option<Field>>, String> = match records.next() {
            Some((_, record)) => record.and_then(|r| {
                let headers = fields.split(r)?;
                Ok(headers.iter().map(|h| std::str::from_utf8(h).ok().and_then(field)).collect())
            }),
            None => Ok(Vec::new()),
        };
        let columns = columns.map_err(|e| wrong(format!("has no header line that can be read: {e}")))?;
        if !columns.contains(&Some(Field::Guid)) {
            return Err(wrong(
                "has no column Guid or ObjectGUID in its first line, so its rows cannot be told apart (ExchangeGuid is \
                 another GUID and does not serve)"
                    .into(),
            ));
        }

        Ok(Self { records, fields, columns, read, size: meta.len() })
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> u64 {
        self.read.load(Ordering::Relaxed).min(self.size)
    }

    /// Whether the last row failed so that no row behind it can be told.
    pub(crate) fn cut_off(&self) -> bool {
        self.records.cut_off
    }

    /// The next row, `None` at the end.
    pub(crate) fn next_row(&mut self) -> Option<TableRow> {
        let (line, record) = self.records.next()?;
        let last = self.records.last;
        let (fields, columns) = (&mut self.fields, &self.columns);
        let values = record.and_then(|r| {
            values(columns, fields.split(r)?).map_err(|why| match last {
                // So many fields too many or too few may be rows that a quote took in.
                _ if last > line => format!("{why}; its quoted text goes from line {line} to line {last}"),
                _ => why,
            })
        });
        Some((line, values))
    }
}

fn values(
    columns: &[Option<Field>],
    record: &csv::ByteRecord,
) -> std::result::Result<Vec<(Field, Vec<String>)>, String> {
    if record.len() != columns.len() {
        return Err(format!("it has {} fields where the header has {}", record.len(), columns.len()));
    }
    let mut values = Vec::new();
    for (column, bytes) in columns.iter().zip(record) {
        if let Some(field) = column {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| "it is not UTF-8; save the file as UTF-8 or UTF-16 and import it again".to_owned())?;
            values.push((*field, vec![text.to_owned()]));
        }
    }
    Ok(values)
}

/// The fields of one record after the other, by one reader: to make one costs more than to read a record.
struct Fields {
    delimiter: u8,
    reader: csv::Reader<Fed>,
    fields: csv::ByteRecord,
}

impl Fields {
    fn new(delimiter: u8) -> Self {
        let fed = Fed { record: Vec::new(), at: 0 };
        let mut rules = csv::ReaderBuilder::new();
        let reader = rules.delimiter(delimiter).flexible(true).has_headers(false).from_reader(fed);
        Self { delimiter, reader, fields: csv::ByteRecord::new() }
    }

    fn split(&mut self, mut record: Vec<u8>) -> std::result::Result<&csv::ByteRecord, String> {
        // The line end tells the reader that the record ends, so that it never looks for more.
        record.push(b'\n');
        let end = self.reader.position().byte() + record.len() as u64;
        *self.reader.get_mut() = Fed { record, at: 0 };
        let read = self.reader.read_byte_record(&mut self.fields).map_err(|e| format!("it cannot be read: {e}"));
        if read != Ok(true) || self.reader.position().byte() != end {
            // What is left of a record must not become the beginning of the next.
            *self = Self { fields: std::mem::take(&mut self.fields), ..Self::new(self.delimiter) };
        }
        read.map(|_| &self.fields)
    }
}

/// What the reader of [`Fields`] reads from.
struct Fed {
    record: Vec<u8>,
    at: usize,
}

impl Read for Fed {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = (&self.record[self.at..]).read(out)?;
        self.at += n;
        Ok(n)
    }
}

struct Counted {
    inner: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(out)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// UTF-8 without a mark, whatever the file has.
fn decoded(mut bytes: BufReader<Counted>) -> std::io::Result<Box<dyn Read + Send>> {
    let start = bytes.fill_buf()?;
    if start.starts_with(&[0xEF, 0xBB, 0xBF]) {
        bytes.consume(3);
        return Ok(Box::new(bytes));
    }
    let little = start.starts_with(&[0xFF, 0xFE]);
    if little || start.starts_with(&[0xFE, 0xFF]) {
        bytes.consume(2);
        return Ok(Box::new(Utf16 { bytes, little, ready: Vec::new(), at: 0, high: None }));
    }
    Ok(Box::new(bytes))
}

struct Utf16 {
    bytes: BufReader<Counted>,
    little: bool,
    ready: Vec<u8>,
    at: usize,
    high: Option<u16>,
}

impl Utf16 {
    fn refill(&mut self) -> std::io::Result<()> {
        self.ready.clear();
        self.at = 0;
        let mut units = Vec::with_capacity(4096);
        units.extend(self.high.take());
        let mut pair = [0u8; 2];
        while units.len() < 4096 {
            match self.bytes.read_exact(&mut pair) {
                Ok(()) => units.push(if self.little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }),
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(e) => return Err(e),
            }
        }
        // Half of a pair at the end waits for its other half.
        if units.len() >= 4096
            && let Some(last @ 0xD800..=0xDBFF) = units.last().copied()
        {
            units.pop();
            self.high = Some(last);
        }
        for c in char::decode_utf16(units) {
            let mut utf8 = [0u8; 4];
            self.ready.extend_from_slice(c.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut utf8).as_bytes());
        }
        Ok(())
    }
}

impl Read for Utf16 {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.ready.len() {
            self.refill()?;
        }
        let n = out.len().min(self.ready.len() - self.at);
        out[..n].copy_from_slice(&self.ready[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "6f9619ff-8b86-d011-b42d-00cf4fc964ff";

    fn rows(bytes: &[u8]) -> Result<Vec<TableRow>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut table = Table::open(file.path())?;
        Ok(std::iter::from_fn(|| table.next_row()).collect())
    }

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        let unit = |u: u16| if little { u.to_le_bytes() } else { u.to_be_bytes() };
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(unit).collect()
    }

    #[test]
    fn every_encoding_and_delimiter_reads_the_same() {
        let text = |d: char| format!("Guid{d}DisplayName{d}Other\r\n{GUID}{d}\"Zoë{d} 😀 \"\"Z\"\"\"{d}x\r\n");
        let expected = |d: char| format!("Zoë{d} 😀 \"Z\"");
        for d in [',', ';', '\t'] {
            let text = text(d);
            let marked = [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat();
            let typed = format!("#TYPE Selected.User\r\n{text}");
            for bytes in
                [text.clone().into_bytes(), marked, utf16(&text, true), utf16(&text, false), typed.into_bytes()]
            {
                let rows = rows(&bytes).unwrap();
                assert_eq!(rows.len(), 1);
                assert_eq!(rows[0].1.as_ref().unwrap()[1].1, [expected(d)]);
            }
        }
    }

    #[test]
    fn long_utf16_keeps_pairs_together() {
        let names = "😀".repeat(6000);
        let rows = rows(&utf16(&format!("Guid,Name\n{GUID},a{names}\n"), true)).unwrap();
        assert_eq!(rows[0].1.as_ref().unwrap()[1].1, [format!("a{names}")]);
    }

    #[test]
    fn a_file_without_headers_is_unreadable_and_says_so() {
        for bytes in [&b""[..], b"tony,tony@contoso.com\n", b"ExchangeGuid,Name\nx,y\n", &[0xFF, 0xFE]] {
            let error = rows(bytes).unwrap_err();
            assert_eq!(error.status, Status::ImportUnreadable);
            assert!(error.message.contains("ObjectGUID"), "{error}");
        }
    }

    #[test]
    fn a_broken_row_has_its_line_and_the_others_go_on() {
        let rows = rows(format!("Guid,Name\n{GUID},a\n{GUID}\n{GUID},\"b\nc\"\n{GUID},\u{0}\n").as_bytes()).unwrap();
        assert_eq!(
            rows.iter().map(|r| (r.0, r.1.is_ok())).collect::<Vec<_>>(),
            [(2, true), (3, false), (4, true), (6, true)]
        );
        let bad = [format!("Guid,Name\n{GUID},").as_bytes(), b"Zo\xEB\n"].concat();
        assert!(super::tests::rows(&bad).unwrap()[0].1.as_ref().unwrap_err().contains("UTF-8"));
    }

    /// Lines of rows that came, and the lines and reasons of those that did not.
    fn told(text: &str) -> (Vec<u64>, Vec<(u64, String)>) {
        let (good, bad): (Vec<_>, Vec<_>) = rows(text.as_bytes()).unwrap().into_iter().partition(|r| r.1.is_ok());
        (good.into_iter().map(|r| r.0).collect(), bad.into_iter().map(|r| (r.0, r.1.unwrap_err())).collect())
    }

    #[test]
    fn an_unclosed_quote_names_its_line_and_takes_no_rows_with_it_unsaid() {
        for rest in [3, 5000] {
            let text = format!("Guid,Name\n{GUID},a\n{GUID},\"b\n{}", format!("{GUID},c\n").repeat(rest));
            let (good, bad) = told(&text);
            assert_eq!((good, bad.len(), bad[0].0), (vec![2], 1, 3));
            assert!(bad[0].1.contains("quote that opens in line 3 is not closed"), "{}", bad[0].1);
            assert!(bad[0].1.contains("nothing of the file from line 3 on"), "{}", bad[0].1);
        }
    }

    #[test]
    fn an_unclosed_quote_that_a_later_opening_one_closes_swallows_no_rows_unsaid() {
        let text = format!("Guid,Name\r\n{GUID},\"a\r\n{GUID},b\r\n{GUID},\"c\"\r\n{GUID},d\r\n");
        let (good, bad) = told(&text);
        assert_eq!((good, bad.len(), bad[0].0), (vec![5], 1, 2));
        assert!(bad[0].1.contains("line 2 is closed only in line 4"), "{}", bad[0].1);
    }

    #[test]
    fn a_row_of_several_lines_with_the_wrong_fields_names_them_all() {
        let (good, bad) = told(&format!("Guid,Name\n{GUID},\"a\n{GUID},b\n\",c\n{GUID},d\n"));
        assert_eq!((good, bad.len(), bad[0].0), (vec![5], 1, 2));
        assert!(bad[0].1.contains("from line 2 to line 4"), "{}", bad[0].1);
    }

    #[test]
    fn a_record_has_a_longest_length_and_most_lines() {
        use super::super::csv_records::{LONGEST_RECORD, MOST_LINES};
        let lines = |n: u64| format!("Guid,Name\n{GUID},\"{}\"\n{GUID},b\n", "\n".repeat(n as usize));
        assert_eq!(told(&lines(MOST_LINES - 1)).0, [2, MOST_LINES + 2]);
        let (good, bad) = told(&lines(MOST_LINES));
        assert_eq!((good.len(), bad.len()), (0, 1));
        assert!(bad[0].1.contains("opens in line 2") && bad[0].1.contains("1000 lines"), "{}", bad[0].1);
        let bytes = |n: usize| format!("Guid,Name\n{GUID},{}\n{GUID},b\n", "x".repeat(n - GUID.len() - 1));
        assert_eq!(told(&bytes(LONGEST_RECORD)).0, [2, 3]);
        // Its end can be told, so the next row is one.
        let (good, bad) = told(&bytes(LONGEST_RECORD + 1));
        assert_eq!((good, bad.len(), bad[0].0), (vec![3], 1, 2));
        assert!(bad[0].1.contains("longer than 1048576 bytes"), "{}", bad[0].1);
    }
}
