//! The texts that find people, in the order of the tree that holds them, however many they are.
//!
//! As many as memory may hold are sorted at a time and written to a file one behind the other; at the end all of these
//! runs are read side by side. SQLite could sort them, too, but takes each row apart and together again on its way into
//! a table, out of it, and through every comparison: that costs more than twice as much.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use crate::error::{Error, Result, Status};

/// What a run may hold in memory while it is gathered and sorted, in bytes; what grows for it may be twice as large.
const MEMORY: usize = 32 << 20;
/// What is read ahead of each run.
const READ_AHEAD: usize = 64 << 10;
/// How many texts are handed over at once.
const AT_ONCE: usize = 4096;

/// A text that finds somebody. `forms` says as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub space: i64,
    pub text: &'a str,
    pub id: i64,
    pub forms: i64,
}

impl Entry<'_> {
    /// What stands in the text behind the first `seen` bytes.
    fn piece(&self, seen: usize) -> Piece {
        let rest = self.text.as_bytes().get(seen..).unwrap_or_default();
        let mut bytes = [0; 16];
        bytes[0] = self.space.clamp(0, 255) as u8;
        bytes[1..=Piece::TEXT].iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        bytes[15] = rest.len().min(Piece::TEXT + 1) as u8;
        let [high, low] = [0, 8].map(|at| bytes[at..].first_chunk().map_or(0, |half| u64::from_be_bytes(*half)));
        Piece(high, low)
    }
}

/// A space, some bytes of a text, and how many they are, where one more says that it goes on: in the texts' order.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Piece(u64, u64);

impl Piece {
    /// Bytes of the text.
    const TEXT: usize = 14;

    fn goes_on(self) -> bool {
        self.1 as u8 as usize > Self::TEXT
    }
}

/// Texts, one behind the other, and of each the space, its end, whom it finds and as what: few pieces of memory, since
/// one thread makes them and another frees them.
#[derive(Default)]
pub(super) struct Texts {
    texts: String,
    entries: Vec<(i64, usize, i64, i64)>,
}

impl Texts {
    fn add(&mut self, entry: Entry<'_>) {
        self.texts.push_str(entry.text);
        self.entries.push((entry.space, self.texts.len(), entry.id, entry.forms));
    }

    fn get(&self, at: usize) -> Option<Entry<'_>> {
        let start = at.checked_sub(1).map_or(Some(0), |before| self.entries.get(before).map(|e| e.1))?;
        let &(space, end, id, forms) = self.entries.get(at)?;
        Some(Entry { space, text: self.texts.get(start..end)?, id, forms })
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.entries.len()).filter_map(|at| self.get(at))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// With what it takes to sort them.
    fn memory(&self) -> usize {
        self.texts.len() + self.entries.len() * (size_of::<(i64, usize, i64, i64)>() + size_of::<(Piece, u32)>())
    }

    /// All of them in the tree's order. A comparison of two texts would look at two places of memory, and many begin
    /// alike: instead each is looked at once for every few bytes, and these are compared.
    fn sorted(&self) -> impl Iterator<Item = Entry<'_>> {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let mut order: Vec<(Piece, u32)> = (0..count).map(|at| (Piece::default(), at)).collect();
        let get = |at: u32| self.get(at as usize);
        let mut alike = vec![(0..order.len(), 0)];
        while let Some((range, seen)) = alike.pop() {
            let mut start = range.start;
            let places = order.get_mut(range).unwrap_or_default();
            places.iter_mut().for_each(|(piece, at)| *piece = get(*at).map_or(Piece::default(), |e| e.piece(seen)));
            places.sort_unstable();
            for group in places.chunk_by_mut(|a, b| a.0 == b.0) {
                let range = start..start + group.len();
                start = range.end;
                match group {
                    [] | [_] => {}
                    [(piece, _), ..] if piece.goes_on() => alike.push((range, seen + Piece::TEXT)),
                    same => same.sort_unstable_by_key(|(_, at)| get(*at).map(|e| e.id)),
                }
            }
        }
        order.into_iter().filter_map(move |(_, at)| get(at))
    }
}

/// Takes texts in any order and gives them in the tree's.
pub(super) struct Sorter<'f> {
    waiting: Texts,
    memory: usize,
    /// Where the runs stand that memory has no room for, and where each ends. Without a file it has room.
    file: Option<&'f File>,
    ends: Vec<u64>,
}

impl<'f> Sorter<'f> {
    /// One that writes what memory should not hold over what is in this file, which nobody else moves in meanwhile.
    pub(super) fn new(file: Option<&'f File>) -> Self {
        Self::with(MEMORY, file)
    }

    /// One that holds so many bytes in memory.
    pub(super) fn with(memory: usize, file: Option<&'f File>) -> Self {
        Self { waiting: Texts::default(), memory, file, ends: Vec::new() }
    }

    pub(super) fn add(&mut self, entry: Entry<'_>) -> Result<()> {
        self.waiting.add(entry);
        match self.file {
            Some(file) if self.waiting.memory() >= self.memory => self.write_run(file),
            _ => Ok(()),
        }
    }

    fn write_run(&mut self, file: &File) -> Result<()> {
        let start = self.ends.last().copied().unwrap_or(0);
        self.ends.push(write_run(file, start, &self.waiting).map_err(failed)?);
        // The memory serves the next run.
        self.waiting.texts.clear();
        self.waiting.entries.clear();
        Ok(())
    }

    /// Gives all of them.
    pub(super) fn finish(mut self, give: impl FnMut(Texts) -> Result<()>) -> Result<()> {
        let mut batches = Batches { batch: Texts::default(), give };
        match self.file {
            Some(file) if !self.ends.is_empty() => {
                self.write_run(file)?;
                self.waiting = Texts::default();
                let starts = std::iter::once(&0).chain(&self.ends);
                let parts = starts.zip(&self.ends).map(|(&start, &end)| Part { file, at: start, end });
                merge(parts, |entry| batches.add(entry))?;
            }
            _ => self.waiting.sorted().try_for_each(|entry| batches.add(entry))?,
        }
        batches.finish()
    }
}

/// What is handed over together.
struct Batches<F> {
    batch: Texts,
    give: F,
}

impl<F: FnMut(Texts) -> Result<()>> Batches<F> {
    fn add(&mut self, entry: Entry<'_>) -> Result<()> {
        self.batch.add(entry);
        if self.batch.len() < AT_ONCE { Ok(()) } else { (self.give)(std::mem::take(&mut self.batch)) }
    }

    fn finish(mut self) -> Result<()> {
        (self.give)(self.batch)
    }
}

fn failed(e: io::Error) -> Error {
    Error::new(Status::StoreIo, format!("the temporary file in which texts are sorted: {e}"))
}

/// Sorts them into the file and tells where they end.
fn write_run(mut file: &File, start: u64, texts: &Texts) -> io::Result<u64> {
    file.seek(SeekFrom::Start(start))?;
    let mut to = BufWriter::with_capacity(READ_AHEAD, file);
    for entry in texts.sorted() {
        let length = u32::try_from(entry.text.len()).map_err(io::Error::other)?;
        to.write_all(&length.to_le_bytes())?;
        for number in [entry.space, entry.id, entry.forms] {
            to.write_all(&number.to_le_bytes())?;
        }
        to.write_all(entry.text.as_bytes())?;
    }
    to.flush()?;
    drop(to);
    file.stream_position()
}

/// A run's place in the file.
struct Part<'f> {
    file: &'f File,
    at: u64,
    end: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file;
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.take(self.end - self.at).read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The first text of a run that was not given yet.
struct First<'f> {
    piece: Piece,
    space: i64,
    text: String,
    id: i64,
    forms: i64,
    behind: BufReader<Part<'f>>,
}

impl<'f> First<'f> {
    fn of(part: Part<'f>) -> Self {
        let length = usize::try_from(part.end - part.at).unwrap_or(usize::MAX);
        let behind = BufReader::with_capacity(READ_AHEAD.min(length), part);
        Self { piece: Piece::default(), space: 0, text: String::new(), id: 0, forms: 0, behind }
    }

    /// Goes on to the next; false where there is none.
    fn advance(&mut self) -> io::Result<bool> {
        if self.behind.buffer().is_empty() && self.behind.get_ref().at == self.behind.get_ref().end {
            return Ok(false);
        }
        let mut length = [0; 4];
        self.behind.read_exact(&mut length)?;
        for number in [&mut self.space, &mut self.id, &mut self.forms] {
            let mut bytes = [0; 8];
            self.behind.read_exact(&mut bytes)?;
            *number = i64::from_le_bytes(bytes);
        }
        let mut text = std::mem::take(&mut self.text).into_bytes();
        text.resize(u32::from_le_bytes(length) as usize, 0);
        self.behind.read_exact(&mut text)?;
        self.text = String::from_utf8(text).map_err(io::Error::other)?;
        self.piece = self.entry().piece(0);
        Ok(true)
    }

    fn entry(&self) -> Entry<'_> {
        Entry { space: self.space, text: &self.text, id: self.id, forms: self.forms }
    }

    fn key(&self) -> (Piece, i64, &str, i64) {
        (self.piece, self.space, &self.text, self.id)
    }
}

impl PartialEq for First<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for First<'_> {}

impl PartialOrd for First<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for First<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Gives what stands in all parts, each of which is in order.
fn merge<'f>(parts: impl Iterator<Item = Part<'f>>, mut give: impl FnMut(Entry<'_>) -> Result<()>) -> Result<()> {
    let mut firsts = BinaryHeap::new();
    for part in parts {
        let mut first = First::of(part);
        if first.advance().map_err(failed)? {
            firsts.push(Reverse(first));
        }
    }
    while let Some(mut least) = firsts.peek_mut() {
        give(least.0.entry())?;
        if !least.0.advance().map_err(failed)? {
            PeekMut::pop(least);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Owned = (i64, String, i64, i64);

    fn sorted(memory: usize, file: Option<&File>, entries: &[Owned]) -> (usize, Vec<Owned>) {
        let mut sorter = Sorter::with(memory, file);
        for (space, text, id, forms) in entries {
            sorter.add(Entry { space: *space, text, id: *id, forms: *forms }).unwrap();
        }
        let runs = sorter.ends.len();
        let mut given = Vec::new();
        sorter
            .finish(|texts| {
                assert!(texts.len() <= AT_ONCE);
                given.extend(texts.iter().map(|e| (e.space, e.text.to_owned(), e.id, e.forms)));
                Ok(())
            })
            .unwrap();
        (runs, given)
    }

    /// Texts that differ before, at and behind the end of each of their pieces, some of them more than once, and two
    /// that are longer than what is read ahead.
    fn many() -> Vec<Owned> {
        let path = "contoso.com/people/é/quite/a/long/way/down";
        let mut entries = Vec::new();
        let mut random = 1_u64;
        for id in 0..10_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let text: String = path.chars().take((random >> 33) as usize % (path.len() + 1)).collect();
            let tail = ["", "\0", "a", "ß", "Z"][(random >> 40) as usize % 5];
            entries.push(((random >> 50) as i64 % 4, format!("{text}{tail}"), id ^ 1, 1 + (id & 7)));
        }
        let long = "long".repeat(READ_AHEAD);
        entries.push((2, format!("{long}b"), 10_000, 1));
        entries.push((2, format!("{long}a"), 10_001, 1));
        entries
    }

    #[test]
    fn texts_come_in_the_trees_order_whether_memory_holds_them_or_not() {
        let entries = many();
        let mut expected = entries.clone();
        expected.sort();
        assert_eq!(sorted(MEMORY, None, &entries), (0, expected.clone()));
        assert_eq!(sorted(1000, None, &entries), (0, expected.clone()), "without a file memory has room");
        let file = tempfile::tempfile().unwrap();
        assert_eq!(sorted(MEMORY, Some(&file), &entries), (0, expected.clone()));
        // One file serves again and again.
        for memory in [1, 1000, 100_000] {
            let (runs, given) = sorted(memory, Some(&file), &entries);
            assert!(runs > 5, "{runs}");
            assert!(given == expected, "{memory}");
        }
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(sorted(1, Some(&tempfile::tempfile().unwrap()), &[]), (0, vec![]));
    }

    #[test]
    fn a_file_that_cannot_be_written_or_lost_its_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs");
        std::fs::write(&path, "").unwrap();
        let entry = Entry { space: 0, text: "tony", id: 1, forms: 1 };
        let file = File::open(&path).unwrap();
        let mut sorter = Sorter::with(1, Some(&file));
        let error = sorter.add(entry).unwrap_err();
        assert_eq!(error.status, Status::StoreIo, "{error}");

        let file = File::options().read(true).write(true).open(&path).unwrap();
        let mut sorter = Sorter::with(1, Some(&file));
        sorter.add(entry).unwrap();
        sorter.add(entry).unwrap();
        file.set_len(20).unwrap();
        let error = sorter.finish(|_| Ok(())).unwrap_err();
        assert_eq!(error.status, Status::StoreIo, "{error}");
    }
}
