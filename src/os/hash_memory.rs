//! Memory that a hash fills.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed};

use argon2::Block;

use super::{give_pages, prefer_large_pages};

/// Memory for hashes, zero at first. The system gives each page when it is first written to, already zero, so that it
/// is written to once and not twice; large pages where the system has them.
pub struct HashMemory {
    words: Vec<u64>,
    start: usize,
    count: usize,
}

impl HashMemory {
    /// Room for so many blocks of 1 KiB; `None` where there is not enough memory.
    pub fn new(count: usize) -> Option<Self> {
        // One large page more than is needed, so that the first block can stand at the beginning of one.
        const LARGE_PAGE: usize = 2 << 20;
        let layout = Layout::array::<u64>(count.checked_mul(size_of::<Block>())?.checked_add(LARGE_PAGE)? / 8).ok()?;
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc_zeroed(layout) }.cast::<u64>();
        if memory.is_null() {
            return None;
        }
        let length = layout.size() / 8;
        // SAFETY: the memory came from the allocator that Vec uses, with the layout of so many numbers, all zero.
        let mut words = unsafe { Vec::from_raw_parts(memory, length, length) };
        let start = words.as_ptr().align_offset(LARGE_PAGE).min(LARGE_PAGE / 8);
        prefer_large_pages(&mut words[start..]);
        Some(Self { words, start, count })
    }

    /// The first `count` blocks, or all where there are fewer.
    pub fn blocks(&mut self, count: usize) -> &mut [Block] {
        let words = &mut self.words[self.start..];
        // SAFETY: a block is 128 numbers and nothing else, and any numbers are one.
        let (_, blocks, _) = unsafe { words.align_to_mut::<Block>() };
        let count = count.min(self.count).min(blocks.len());
        &mut blocks[..count]
    }

    /// How many blocks there is room for.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Where it lies.
    pub fn pages(&self) -> Pages {
        Pages { start: self.words[self.start..].as_ptr() as usize, length: self.count * size_of::<Block>() }
    }
}

/// Where memory lies that another thread fills.
#[derive(PartialEq, Eq)]
pub struct Pages {
    start: usize,
    length: usize,
}

impl Pages {
    /// Has the system give the pages now that were not written to yet: making them zero is then done here and not in
    /// the thread that fills them. What stands in pages that were written to stays, also where the memory was given
    /// back meanwhile and is something else's.
    pub fn ask_for(&self) {
        give_pages(self.start, self.length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_asked_for_are_given_and_as_they_were_and_asking_is_harmless_when_they_are_gone() {
        let mut memory = HashMemory::new(5_000).unwrap();
        let pages = memory.pages();
        let filled = |n: usize| n < 100 || n == 4_999;
        std::thread::scope(|scope| {
            scope.spawn(|| pages.ask_for());
            for (n, block) in memory.blocks(5_000).iter_mut().enumerate().filter(|(n, _)| filled(*n)) {
                block.as_mut().fill(n as u64 + 1);
            }
        });
        pages.ask_for();
        for (n, block) in memory.blocks(5_000).iter().enumerate() {
            let expected = if filled(n) { n as u64 + 1 } else { 0 };
            assert!(block.as_ref().iter().all(|word: &u64| *word == expected), "{n}");
        }
        drop(memory);
        pages.ask_for();
        // Here and not beside it: the range that was just asked for could be this one's.
        #[cfg(target_os = "linux")]
        assert_given();
    }

    /// Linux from 5.14 on gives them.
    #[cfg(target_os = "linux")]
    fn assert_given() {
        // So much never comes out of memory that was used before: glibc asks the system for all above 32 MiB.
        let memory = HashMemory::new(40_000).unwrap();
        let pages = memory.pages();
        let last_is_there = || {
            let mut told = 0;
            // Where a page begins, whatever pages the system has.
            let last = pages.start + ((pages.length - 1) & !0xffff);
            // SAFETY: one page of the memory is asked about, and the answer is one byte.
            let done = unsafe { libc::mincore(last as *mut _, 1, &raw mut told) };
            assert_eq!(done, 0);
            told & 1 == 1
        };
        assert!(!last_is_there());
        pages.ask_for();
        assert!(last_is_there());
    }
}
