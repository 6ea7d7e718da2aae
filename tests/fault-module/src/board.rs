//! What the module and a test tell each other: a row of numbers for each function.

use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use cryptoki_sys::CK_RV;
use nix::sys::mman::{MapFlags, ProtFlags, mmap};

use crate::functions::NAMES;

/// A file in shared memory with a row for each function of PKCS#11. It stays mapped for the life of
/// the process.
#[derive(Clone, Copy)]
pub struct Board(&'static [AtomicU64]);

/// When a function fails, and how.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The first call that fails, from now on: 1 is the next one.
    pub first: u64,
    /// How many calls fail in a row; [`u64::MAX`] for all, until the fault is lifted.
    pub times: u64,
    /// How they fail.
    pub act: Act,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    /// The real module is not asked, and this value is returned.
    Refuse(CK_RV),
    /// The real module does its work, and this value is returned all the same.
    Belie(CK_RV),
    /// The process aborts.
    Die,
}

impl Fault {
    /// The next call is refused with `value`.
    pub fn once(value: CK_RV) -> Self {
        Self { first: 1, times: 1, act: Act::Refuse(value) }
    }

    /// All calls are refused with `value`.
    pub fn for_good(value: CK_RV) -> Self {
        Self { first: 1, times: u64::MAX, act: Act::Refuse(value) }
    }
}

impl Board {
    /// The functions that can fail.
    pub fn functions() -> impl Iterator<Item = &'static str> {
        NAMES.iter().copied()
    }

    /// Makes the file, in which nothing fails.
    ///
    /// # Errors
    /// What the system says; a file that is there already is one.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        file.set_len(u64::try_from(LENGTH).unwrap_or(u64::MAX))?;
        Self::map(&file)
    }

    /// Opens a file that [`Board::create`] made.
    ///
    /// # Errors
    /// What the system says; a file of another length is of the wrong kind.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if usize::try_from(file.metadata()?.len()) != Ok(LENGTH) {
            return Err(io::Error::other("it is no board of this version"));
        }
        Self::map(&file)
    }

    /// How often `function`, such as `C_Login`, was called, in all processes.
    ///
    /// # Panics
    /// Where PKCS#11 2.40 has no such function.
    pub fn calls(&self, function: &str) -> u64 {
        self.named(function).calls.load(Ordering::SeqCst)
    }

    /// How many calls of `function` failed because they were told to.
    ///
    /// # Panics
    /// Where PKCS#11 2.40 has no such function.
    pub fn failures(&self, function: &str) -> u64 {
        self.named(function).failures.load(Ordering::SeqCst)
    }

    /// From now on `function` fails like this, and no longer as it was told before.
    ///
    /// # Panics
    /// Where PKCS#11 2.40 has no such function.
    pub fn fail(&self, function: &str, fault: Fault) {
        let row = self.named(function);
        let (act, value) = match fault.act {
            Act::Refuse(value) => (REFUSE, value),
            Act::Belie(value) => (BELIE, value),
            Act::Die => (DIE, 0),
        };
        row.until.store(0, Ordering::SeqCst);
        row.act.store(act, Ordering::SeqCst);
        row.value.store(value, Ordering::SeqCst);
        let first = row.calls.load(Ordering::SeqCst).saturating_add(fault.first);
        row.first.store(first, Ordering::SeqCst);
        // The last one: with it the fault begins to count.
        row.until.store(first.saturating_add(fault.times), Ordering::SeqCst);
    }

    /// `function` works again.
    ///
    /// # Panics
    /// Where PKCS#11 2.40 has no such function.
    pub fn lift(&self, function: &str) {
        self.named(function).until.store(0, Ordering::SeqCst);
    }

    /// Counts a call of `function`. Answers how it has to fail, if it has to.
    pub(crate) fn count(&self, function: &str) -> Option<Act> {
        let row = self.row(function)?;
        let number = row.calls.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let (until, first) = (row.until.load(Ordering::SeqCst), row.first.load(Ordering::SeqCst));
        if number < first || number >= until {
            return None;
        }
        row.failures.fetch_add(1, Ordering::SeqCst);
        let value = row.value.load(Ordering::SeqCst);
        match row.act.load(Ordering::SeqCst) {
            REFUSE => Some(Act::Refuse(value)),
            BELIE => Some(Act::Belie(value)),
            DIE => Some(Act::Die),
            _ => None,
        }
    }

    #[expect(clippy::panic, reason = "a test that asks for no function is wrong")]
    fn named(&self, function: &str) -> Row<'static> {
        self.row(function).unwrap_or_else(|| panic!("PKCS#11 2.40 has no {function}"))
    }

    fn row(&self, function: &str) -> Option<Row<'static>> {
        let number = NAMES.iter().position(|name| *name == function)?;
        let [calls, failures, first, until, act, value] =
            self.0.get(number * COLUMNS..(number + 1) * COLUMNS)?
        else {
            return None;
        };
        Some(Row { calls, failures, first, until, act, value })
    }

    #[expect(unsafe_code, reason = "memory that processes share")]
    fn map(file: &File) -> io::Result<Self> {
        let length = NonZero::new(LENGTH).ok_or(io::ErrorKind::InvalidInput)?;
        let rights = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at an address of the system's choice.
        let memory = unsafe { mmap(None, length, rights, MapFlags::MAP_SHARED, file, 0) }?;
        let words = memory.cast::<AtomicU64>().as_ptr();
        // SAFETY: the mapping has this length, begins at a page, is never undone, and nobody reads
        // or writes it but as atomic numbers; the file keeps its length.
        Ok(Self(unsafe { std::slice::from_raw_parts(words, LENGTH / size_of::<AtomicU64>()) }))
    }
}

/// A function's numbers.
struct Row<'a> {
    /// How many calls there were.
    calls: &'a AtomicU64,
    /// How many of them failed.
    failures: &'a AtomicU64,
    /// The number of the first call that fails, counted from 1.
    first: &'a AtomicU64,
    /// The number of the first call after that which does not fail.
    until: &'a AtomicU64,
    act: &'a AtomicU64,
    /// What is returned.
    value: &'a AtomicU64,
}

const COLUMNS: usize = 6;
const LENGTH: usize = NAMES.len() * COLUMNS * size_of::<AtomicU64>();

const REFUSE: u64 = 1;
const BELIE: u64 = 2;
const DIE: u64 = 3;
