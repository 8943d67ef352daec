//! Standard input, line by line, in buffers that are erased. `std::io::stdin` keeps what it read in a buffer of its
//! own, which nobody erases, so the descriptor is read directly.

use std::fs::File;
use std::io::{ErrorKind, Read};

use umpin::error::{Error, Result, Status};
use umpin::pin::Pin;
use zeroize::Zeroizing;

/// The longest line that this program reads, in bytes.
const LONGEST_LINE: usize = 4096;

/// What becomes of a line that is longer than [`LONGEST_LINE`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum TooLong {
    Error,
    PassOver,
}

/// Lines of standard input.
pub struct Lines {
    from: File,
    /// Read and not yet returned. Never grows, since that would leave a copy behind.
    held: Zeroizing<Vec<u8>>,
    ended: bool,
}

impl Lines {
    /// Takes standard input over.
    pub fn of_stdin() -> Result<Self> {
        #[cfg(unix)]
        let own = {
            use std::os::fd::AsFd;
            std::io::stdin().as_fd().try_clone_to_owned()
        };
        #[cfg(windows)]
        let own = {
            use std::os::windows::io::AsHandle;
            std::io::stdin().as_handle().try_clone_to_owned()
        };
        let from = File::from(own.map_err(|e| unreadable(&e))?);
        Ok(Self { from, held: Zeroizing::new(Vec::with_capacity(LONGEST_LINE)), ended: false })
    }

    /// The next line without its end; `None` at the end of the input.
    pub fn next(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        self.next_line(TooLong::Error)
    }

    /// The next line that is not too long.
    pub fn next_fitting(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        self.next_line(TooLong::PassOver)
    }

    fn next_line(&mut self, too_long: TooLong) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let mut passing_over = false;
        loop {
            if let Some(end) = self.held.iter().position(|b| *b == b'\n') {
                let mut line = Zeroizing::new(self.held[..end].to_vec());
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                let rest = self.held.len() - end - 1;
                self.held.copy_within(end + 1.., 0);
                // What moved down stays behind as well.
                self.held[rest..].fill(0);
                self.held.truncate(rest);
                if std::mem::take(&mut passing_over) {
                    continue;
                }
                return Ok(Some(line));
            }
            if self.ended {
                let last = std::mem::replace(&mut self.held, Zeroizing::new(Vec::new()));
                return Ok((!last.is_empty() && !passing_over).then_some(last));
            }
            if self.held.len() == LONGEST_LINE && too_long == TooLong::PassOver {
                passing_over = true;
                self.held.fill(0);
                self.held.clear();
            }
            let before = self.held.len();
            if before == LONGEST_LINE {
                return Err(Error::new(
                    Status::InvalidArgument,
                    format!("A line of standard input is longer than {LONGEST_LINE} bytes. Nothing was counted."),
                ));
            }
            self.held.resize(LONGEST_LINE, 0);
            let read = self.from.read(&mut self.held[before..]);
            let more = match read {
                Ok(more) => more,
                Err(e) if e.kind() == ErrorKind::Interrupted => {
                    self.held.truncate(before);
                    continue;
                }
                Err(e) => return Err(unreadable(&e)),
            };
            self.held.truncate(before + more);
            self.ended = more == 0;
        }
    }
}

fn unreadable(e: &std::io::Error) -> Error {
    Error::new(Status::InvalidArgument, format!("Standard input cannot be read: {e}. Nothing was counted."))
}

/// `N` PINs, a line each, and nothing else.
pub fn pins<const N: usize>() -> Result<[Pin; N]> {
    /// More than any PIN, and few enough that nobody waits for the end of a device.
    const LONGEST_PIN: usize = 128;
    let mut lines = Lines::of_stdin()?;
    let mut pins = Vec::with_capacity(N);
    for _ in 0..N {
        let line =
            lines.next()?.ok_or_else(|| crate::misuse(&format!("Standard input must hold {N} line(s), a PIN each")))?;
        if line.len() > LONGEST_PIN {
            return Err(crate::misuse(&format!("A line of standard input is longer than {LONGEST_PIN} bytes")));
        }
        pins.push(Pin::new(line.as_slice()));
    }
    pins.try_into().map_err(|_| crate::misuse("Standard input holds another number of lines"))
}
