//! What the module and a test tell each other: a row of numbers for each function.

use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cryptoki_sys::CK_RV;
use nix::sys::mman::{MapFlags, ProtFlags, mmap};

use crate::functions::NAMES;
use crate::row::{COLUMNS, Row};

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
    /// The functions that the module hands on, each of which can fail.
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
    /// Where the module hands on no such function.
    pub fn calls(&self, function: &str) -> u64 {
        self.named(function).calls()
    }

    /// How many calls of `function` failed because they were told to.
    ///
    /// # Panics
    /// Where the module hands on no such function.
    pub fn failures(&self, function: &str) -> u64 {
        self.named(function).failures()
    }

    /// The CPU time that threads spent in the real module, all functions and processes together. A
    /// thread that the module starts by itself is not in it.
    pub fn time(&self) -> Duration {
        Self::functions().map(|function| self.named(function).time()).sum()
    }

    /// From now on `function` fails like this, and no longer as it was told before.
    ///
    /// # Panics
    /// Where the module hands on no such function.
    pub fn fail(&self, function: &str, fault: Fault) {
        self.named(function).fail(fault);
    }

    /// `function` works again.
    ///
    /// # Panics
    /// Where the module hands on no such function.
    pub fn lift(&self, function: &str) {
        self.named(function).lift();
    }

    #[expect(clippy::panic, reason = "a test that asks for no function is wrong")]
    fn named(&self, function: &str) -> Row<'static> {
        self.row(function).unwrap_or_else(|| panic!("the module hands on no {function}"))
    }

    /// The numbers of `function`.
    pub(crate) fn row(&self, function: &str) -> Option<Row<'static>> {
        let number = NAMES.iter().position(|name| *name == function)?;
        Row::of(self.0.get(number * COLUMNS..(number + 1) * COLUMNS)?)
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

const LENGTH: usize = NAMES.len() * COLUMNS * size_of::<AtomicU64>();
