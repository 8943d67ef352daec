//! Memory that a hash fills.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed};

use argon2::Block;

use super::prefer_large_pages;

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
}
