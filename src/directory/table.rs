//! A CSV file as directories export it: UTF-8 or UTF-16, with or without a mark, `,` `;` or tabs.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::row::{Field, field};
use crate::error::{Error, Result, Status};

/// A header line longer than this is no header.
const LONGEST_HEADER: u64 = 65_536;

/// A CSV file being read.
pub struct Table {
    rows: csv::Reader<Box<dyn Read + Send>>,
    columns: Vec<Option<Field>>,
    /// Lines that the reader's own count leaves out.
    uncounted: u64,
    read: Arc<AtomicU64>,
    /// Bytes of the file.
    pub size: u64,
}

/// A row's line and its values, or why it cannot be read.
pub type TableRow = (u64, std::result::Result<Vec<(Field, Vec<String>)>, String>);

impl Table {
    /// Opens a file and reads its header.
    pub fn open(path: &Path) -> Result<Self> {
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
        let mut uncounted = 0;

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
            uncounted += 1;
        }
        // The reader counts a line when it meets the line feed, which after a carriage return is with the next row.
        uncounted += u64::from(first.ends_with(b"\r\n"));
        let delimiter =
            [b',', b';', b'\t'].into_iter().max_by_key(|d| first.iter().filter(|b| *b == d).count()).unwrap_or(b',');
        let whole: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(first).chain(text));
        let mut rows = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(whole);
        let headers = rows.byte_headers().map_err(|e| wrong(format!("has no header line: {e}")))?;
        let columns: Vec<Option<Field>> = headers.iter().map(|h| std::str::from_utf8(h).ok().and_then(field)).collect();
        if !columns.contains(&Some(Field::Guid)) {
            return Err(wrong(
                "has no column Guid or ObjectGUID in its first line, so its rows cannot be told apart (ExchangeGuid is another \
                 GUID and does not serve)"
                    .into(),
            ));
        }

        Ok(Self { rows, columns, uncounted, read, size: meta.len() })
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.read.load(Ordering::Relaxed).min(self.size)
    }

    /// The next row, `None` at the end.
    pub fn next_row(&mut self) -> Option<TableRow> {
        let mut record = csv::ByteRecord::new();
        let line = self.rows.position().line();
        match self.rows.read_byte_record(&mut record) {
            Ok(false) => None,
            Err(e) => Some((line + self.uncounted, Err(format!("it cannot be read: {e}")))),
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                Some((line + self.uncounted, self.values(&record)))
            }
        }
    }

    fn values(&self, record: &csv::ByteRecord) -> std::result::Result<Vec<(Field, Vec<String>)>, String> {
        if record.len() != self.columns.len() {
            return Err(format!("it has {} fields where the header has {}", record.len(), self.columns.len()));
        }
        let mut values = Vec::new();
        for (column, bytes) in self.columns.iter().zip(record) {
            if let Some(field) = column {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| "it is not UTF-8; save the file as UTF-8 or UTF-16 and import it again".to_owned())?;
                values.push((*field, vec![text.to_owned()]));
            }
        }
        Ok(values)
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
}
