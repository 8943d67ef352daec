//! Where one record of a CSV file ends and the next begins, within limits: a quote that nobody closes must not make one
//! record of the rest of the file. The fields inside a record are for the CSV reader.

use std::io::BufRead;

/// A record longer than this is refused.
pub(super) const LONGEST_RECORD: usize = 1024 * 1024;
/// A record that a quoted field stretches over more lines than this is refused.
pub(super) const MOST_LINES: u64 = 1000;

/// A record's first line and its bytes without the line end, or why it is none.
pub(super) type Record = (u64, Result<Vec<u8>, String>);

/// The records of a CSV text.
pub(super) struct Records {
    text: Box<dyn BufRead + Send>,
    delimiter: u8,
    /// The line being read, from 1.
    line: u64,
    /// The last byte was a carriage return, so that a line feed behind it ends no other line.
    after_return: bool,
    ended: bool,
    /// The record that came last was a failed one, and nothing behind it can be told.
    pub cut_off: bool,
    /// The last line of the record that came last.
    pub last: u64,
}

/// Where in a record the next byte stands, by the rules of the CSV reader.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote in a quoted field: its end, or the first of two that stand for one.
    Closed,
}

impl Records {
    /// Records of `text`, whose first line is the file's line `line`.
    pub(super) fn new(text: Box<dyn BufRead + Send>, delimiter: u8, line: u64) -> Self {
        Self { text, delimiter, line, after_return: false, ended: false, cut_off: false, last: line }
    }

    /// The next one, `None` at the end and behind a record whose end cannot be told.
    pub(super) fn next(&mut self) -> Option<Record> {
        if self.ended {
            return None;
        }
        let mut record = Vec::new();
        let mut place = Place::FieldStart;
        let mut first = self.line;
        let mut quote = self.line;
        let mut begun = false;
        let mut too_long = false;
        // A quoted field of several lines with text behind its closing quote: the quote that closed it was meant to
        // open another field.
        let mut crossed = None;
        loop {
            let bytes = match self.text.fill_buf() {
                Ok(bytes) => bytes,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => {
                    (self.ended, self.cut_off) = (true, true);
                    return Some((first, Err(format!("it cannot be read: {e}. Nothing behind it was read"))));
                }
            };
            if bytes.is_empty() {
                self.ended = true;
                if place == Place::Quoted {
                    self.cut_off = true;
                    return Some((first, Err(unclosed(first, quote, "by the end of the file"))));
                }
                self.last = self.line;
                return begun.then(|| (first, finished(record, too_long, crossed, (first, self.last))));
            }
            let mut used = 0;
            let mut ended = false;
            for &byte in bytes {
                used += 1;
                let ends_line = byte == b'\r' || byte == b'\n';
                // Both bytes of one line end count once.
                if ends_line && !(byte == b'\n' && self.after_return) {
                    self.line += 1;
                }
                self.after_return = byte == b'\r';
                if ends_line && place != Place::Quoted {
                    if begun {
                        // The end of its last line is counted already.
                        self.last = self.line - 1;
                        ended = true;
                        break;
                    }
                    continue;
                }
                if !begun {
                    begun = true;
                    first = self.line;
                }
                if record.len() < LONGEST_RECORD {
                    record.push(byte);
                } else {
                    too_long = true;
                }
                place = match (place, byte) {
                    (Place::FieldStart, b'"') => {
                        quote = self.line;
                        Place::Quoted
                    }
                    (Place::Quoted, b'"') => Place::Closed,
                    (Place::Quoted, _) | (Place::Closed, b'"') => Place::Quoted,
                    (_, b) if b == self.delimiter => Place::FieldStart,
                    (Place::Closed, _) => {
                        if quote < self.line {
                            crossed = crossed.or(Some((quote, self.line)));
                        }
                        Place::Plain
                    }
                    _ => Place::Plain,
                };
                if place == Place::Quoted && ends_line && (too_long || self.line - first >= MOST_LINES) {
                    (self.ended, self.cut_off) = (true, true);
                    let limit = format!("within {MOST_LINES} lines and {LONGEST_RECORD} bytes");
                    return Some((first, Err(unclosed(first, quote, &limit))));
                }
            }
            self.text.consume(used);
            if ended {
                return Some((first, finished(record, too_long, crossed, (first, self.last))));
            }
        }
    }
}

fn finished(
    record: Vec<u8>,
    too_long: bool,
    crossed: Option<(u64, u64)>,
    (first, last): (u64, u64),
) -> Result<Vec<u8>, String> {
    if let Some((quote, line)) = crossed {
        return Err(format!(
            "the quote that opens in line {quote} is closed only in line {line}, in front of other text, so the lines \
             {first} to {last} cannot be told apart and none of them was imported. Close or remove that quote and \
             import again"
        ));
    }
    if too_long { Err(format!("it is longer than {LONGEST_RECORD} bytes")) } else { Ok(record) }
}

/// Reading ends with it: what stands behind may be text of the field, and to take text for rows would let whoever wrote
/// it add people.
fn unclosed(first: u64, quote: u64, limit: &str) -> String {
    format!(
        "the quote that opens in line {quote} is not closed {limit}, so nothing of the file from line {first} on was \
         imported. Close or remove that quote and import again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sets of rules say where a record ends, these and the CSV reader's: on every short text they agree.
    #[test]
    fn records_end_where_the_csv_reader_ends_them() {
        let mut texts = vec![Vec::new()];
        let mut compared = 0;
        for _ in 0..6 {
            let longer = |t: &Vec<u8>| b"a,\"\n\r".map(|b| [t.as_slice(), &[b]].concat());
            texts = texts.iter().flat_map(longer).collect();
            for text in &texts {
                let mut records = Records::new(Box::new(std::io::Cursor::new(text.clone())), b',', 1);
                let found: Vec<_> = std::iter::from_fn(|| records.next()).map(|(_, record)| record).collect();
                let Ok(found) = found.into_iter().collect::<Result<Vec<_>, _>>() else { continue };
                let parsed = |bytes: &[u8]| -> Vec<csv::ByteRecord> {
                    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(bytes);
                    reader.byte_records().map(Result::unwrap).collect()
                };
                let one_by_one: Vec<_> = found.iter().flat_map(|record| parsed(record)).collect();
                assert_eq!(one_by_one, parsed(text), "{:?}", String::from_utf8_lossy(text));
                assert_eq!(found.len(), one_by_one.len(), "{:?}", String::from_utf8_lossy(text));
                compared += 1;
            }
        }
        assert!(compared > 10_000, "{compared}");
    }
}
