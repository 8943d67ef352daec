//! The line between programs and their server, which breaks at a commit when it is told to.

use std::io::{BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::postgresql::{OWNER, Server};

/// Where the line breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Break {
    /// The server never hears of the commit.
    Before = 1,
    /// The server has done it, and the program never hears of that.
    After = 2,
    /// The server never hears of the commit, and nothing is said any more on this line or on any new one, until
    /// [`Line::go_on`].
    Still = 3,
    /// The same once the server has heard of it.
    StillAfter = 4,
    /// The server never hears of the commit, and nothing is said any more once it was asked what became of that.
    StillAsked = 5,
}

const OF_CHANGE: u8 = 16;

/// A socket of its own that stands for the server's.
pub struct Line {
    folder: PathBuf,
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// A [`Break`], or 0; the next commit takes it, or with [`OF_CHANGE`] the next one of a change.
    armed: AtomicU8,
    /// Commits of changes that nothing happens to before that.
    passes: AtomicUsize,
    broken: AtomicUsize,
    asked: AtomicUsize,
    turns: AtomicUsize,
    is_still: AtomicBool,
    /// Whether it is still from the next mark on.
    is_asked: AtomicBool,
}

impl State {
    /// Whether the next commit that something happens to is a change's.
    fn waits_for_change(&self) -> bool {
        self.armed.load(Ordering::SeqCst) & OF_CHANGE != 0
    }
}

impl Line {
    pub fn lay(folder: &Path, server: &Server) -> Self {
        let (port, state) = (server.port(), Arc::<State>::default());
        let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{port}"))).unwrap();
        let behind = server.folder().join(format!(".s.PGSQL.{port}"));
        let of_thread = Arc::clone(&state);
        std::thread::spawn(move || {
            for program in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&of_thread);
                if state.is_still.load(Ordering::SeqCst) {
                    // Let in by the system, and heard by nobody.
                    std::thread::spawn(move || wait_still(&state, &program));
                    continue;
                }
                // A server that is not there is a line that ends at once.
                if let Ok(server) = UnixStream::connect(&behind) {
                    join(program, server, state);
                }
            }
        });
        Self { folder: folder.to_owned(), port, state }
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgresql://{OWNER}@/{database}?host={}&port={}", self.folder.display(), self.port)
    }

    /// The next commit of a change has this happen to it.
    pub fn arm(&self, how: Break) {
        self.state.armed.store(how as u8 | OF_CHANGE, Ordering::SeqCst);
    }

    /// What was armed happens to the commit after the next.
    pub fn pass_one(&self) {
        self.state.passes.store(1, Ordering::SeqCst);
    }

    /// Nothing happens to it after all; whether something has.
    pub fn disarm(&self) -> bool {
        self.state.armed.swap(0, Ordering::SeqCst) == 0
    }

    /// From now on nothing is said.
    pub fn stand_still(&self) {
        self.state.is_still.store(true, Ordering::SeqCst);
    }

    /// The server answers again; what was asked while it did not is lost.
    pub fn go_on(&self) {
        self.state.is_asked.store(false, Ordering::SeqCst);
        self.state.is_still.store(false, Ordering::SeqCst);
    }

    /// How many statements went over it.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// How many times the program sent something and waited, be it for one statement or for several together.
    pub fn turns(&self) -> usize {
        self.state.turns.load(Ordering::SeqCst)
    }

    /// Breaks the line at the next commit; comes back when that has happened, if one comes soon.
    pub fn break_at_commit(&self, how: Break) -> bool {
        let (before, since) = (self.state.broken.load(Ordering::SeqCst), Instant::now());
        self.state.armed.store(how as u8, Ordering::SeqCst);
        while self.state.broken.load(Ordering::SeqCst) == before {
            if since.elapsed() > Duration::from_secs(5) {
                self.state.armed.store(0, Ordering::SeqCst);
                return false;
            }
            std::thread::yield_now();
        }
        true
    }
}

fn join(program: UnixStream, server: UnixStream, state: Arc<State>) {
    let (is_silent, is_alone) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (mut from, mut to) = (server.try_clone().unwrap(), program.try_clone().unwrap());
    let (silent, alone, told) = (Arc::clone(&is_silent), Arc::clone(&is_alone), Arc::clone(&state));
    std::thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if told.is_still.load(Ordering::SeqCst) {
                wait_still(&told, &to);
                break;
            }
            if silent.load(Ordering::SeqCst) {
                // What was asked with the commit is answered before it.
                if has_committed(&buffer[..length], alone.load(Ordering::SeqCst)) {
                    told.broken.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                continue;
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        end(&from, &to);
    });
    std::thread::spawn(move || {
        let (mut from, mut server) = (BufReader::with_capacity(1 << 16, &program), server);
        // The first message has no letter before its length.
        let mut has_letter = false;
        let mut changes = Vec::new();
        let mut is_turn = false;
        loop {
            is_turn |= from.buffer().is_empty();
            let Some(message) = next_message(&mut from, has_letter) else { break };
            let is_end = has_letter && message.starts_with(b"Q") && message.get(5..11) == Some(b"COMMIT");
            if has_letter && message[0] == b'P' && changes_alone(&message) {
                changes.extend(texts(&message).next().map(<[u8]>::to_vec));
            }
            if has_letter
                && state.is_asked.load(Ordering::SeqCst)
                && says(&message, b"INTO change_mark (id, at) VALUES")
            {
                state.is_still.store(true, Ordering::SeqCst);
                wait_still(&state, &program);
                break;
            }
            let is_change =
                has_letter && message[0] == b'B' && changes.iter().any(|name| texts(&message).nth(1) == Some(name));
            let is_commit = is_end || is_change;
            if is_turn && !is_end {
                state.turns.fetch_add(1, Ordering::SeqCst);
                is_turn = false;
            }
            // A text, or the end of what belongs to one prepared statement.
            if has_letter && matches!(message[0], b'Q' | b'S') {
                state.asked.fetch_add(1, Ordering::SeqCst);
            }
            // One that is sent alone ends what was only read, and nobody waits for it.
            let may_break = is_commit && (is_change || !is_turn || !state.waits_for_change());
            let passes = |n: usize| n.checked_sub(1);
            if may_break && state.passes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, passes).is_err() {
                match state.armed.swap(0, Ordering::SeqCst) & !OF_CHANGE {
                    armed if armed == Break::Before as u8 => {
                        state.broken.fetch_add(1, Ordering::SeqCst);
                        break;
                    }
                    armed if armed == Break::After as u8 => {
                        is_alone.store(is_change, Ordering::SeqCst);
                        is_silent.store(true, Ordering::SeqCst);
                    }
                    armed if armed == Break::StillAsked as u8 => {
                        state.is_asked.store(true, Ordering::SeqCst);
                        while state.is_asked.load(Ordering::SeqCst) {
                            std::thread::sleep(Duration::from_millis(20));
                        }
                        break;
                    }
                    armed if armed == Break::Still as u8 || armed == Break::StillAfter as u8 => {
                        state.is_still.store(true, Ordering::SeqCst);
                        state.broken.fetch_add(1, Ordering::SeqCst);
                        if armed == Break::Still as u8 {
                            wait_still(&state, &program);
                            break;
                        }
                    }
                    _ => {}
                }
            }
            has_letter = true;
            if server.write_all(&message).is_err() {
                break;
            }
        }
        end(&program, &server);
    });
}

/// Whether the server says that it has done a commit, or that there was nothing left to commit. A statement that is a
/// change by itself is committed before the server is ready for another, and that is told together with its end.
fn has_committed(answers: &[u8], is_alone: bool) -> bool {
    let says = |words: &[u8]| answers.windows(words.len()).any(|found| found == words);
    if is_alone { says(b"Z\0\0\0\x05I") } else { says(b"COMMIT\0") || says(b"ROLLBACK\0") }
}

/// The texts that a message begins with.
fn texts(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    message[5..].split(|byte| *byte == 0)
}

/// Whether this is a statement that is a change by itself: its mark is written with it.
fn changes_alone(prepared: &[u8]) -> bool {
    let text = texts(prepared).nth(1).unwrap_or_default();
    says(text, b"UPDATE") && says(text, b"INSERT INTO change_mark")
}

fn says(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|found| found == words)
}

/// Holds a line open until the server goes on, then ends it.
fn wait_still(state: &State, line: &UnixStream) {
    while state.is_still.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = line.shutdown(Shutdown::Both);
}

fn end(one: &UnixStream, other: &UnixStream) {
    let _ = one.shutdown(Shutdown::Both);
    let _ = other.shutdown(Shutdown::Both);
}

/// One message, as the protocol has them: a letter, a length that counts itself, the rest.
fn next_message(from: &mut impl Read, has_letter: bool) -> Option<Vec<u8>> {
    let head = usize::from(has_letter);
    let mut message = vec![0; head + 4];
    from.read_exact(&mut message).ok()?;
    let length = u32::from_be_bytes(message[head..].try_into().unwrap());
    message.resize(head + length as usize, 0);
    from.read_exact(&mut message[head + 4..]).ok()?;
    Some(message)
}
