//! A disk in memory that fails as it is told.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Cursor};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Disk, DiskFile, Kept, Shelf};
use crate::held::Displaced;

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Act {
    Create,
    Cut,
    Name,
    Remove,
    /// Half is taken, then the rest fails.
    ShortWrite,
    Sync,
    SyncDirectory,
    Truncate,
    Write,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum How {
    DoneButReportedFailed,
    NotDone,
}

/// A file as the kernel shows it and as it would be after a power cut.
#[derive(Default)]
pub(super) struct Image {
    pub(super) cached: Vec<u8>,
    pub(super) durable: Vec<u8>,
    /// It has its name, as long as the power stays on.
    pub(super) named: bool,
    /// The directory was synced since it got its name.
    pub(super) kept: bool,
    /// An fdatasync failed: later ones succeed and prove nothing.
    pub(super) lost: bool,
    /// Used although it was lost.
    pub(super) abused: bool,
}

#[derive(Default)]
pub(super) struct World {
    pub(super) files: BTreeMap<u32, Image>,
    pub(super) shelf: BTreeMap<String, Vec<u8>>,
    pub(super) failing: Vec<Act>,
    pub(super) how: Option<How>,
    pub(super) half_taken: bool,
    /// Each write takes at most so many bytes.
    pub(super) crumbs: Option<usize>,
}

impl World {
    /// Does `act` on the world unless it fails without happening.
    fn try_to(&mut self, act: Act, doing: impl FnOnce(&mut Self)) -> io::Result<()> {
        let how = if self.failing.contains(&act) { self.how } else { None };
        if how != Some(How::NotDone) {
            doing(self);
        }
        if how.is_some() { Err(io::Error::other(format!("{act:?} fails"))) } else { Ok(()) }
    }

    fn image(&mut self, id: u32) -> &mut Image {
        self.files.get_mut(&id).expect("a removed file is not used")
    }
}

#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<World>>);

impl Memory {
    pub(super) fn both(&self) -> (Box<dyn Disk>, Arc<dyn Shelf>) {
        (Box::new(self.clone()), Arc::new(self.clone()))
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    pub(super) fn fail(&self, failing: &[Act], how: How) {
        let mut world = self.world();
        world.failing = failing.to_vec();
        world.how = Some(how);
    }

    pub(super) fn work_again(&self) {
        self.world().failing.clear();
    }

    /// Another disk that is as this one after a power cut at this moment. This one goes on, and so does
    /// whoever writes on it.
    pub(super) fn after_the_cut(&self) -> Self {
        let world = self.world();
        let kept = world.files.iter().filter(|(_, image)| image.kept);
        let left = |image: &Image| {
            let (cached, durable) = (image.durable.clone(), image.durable.clone());
            Image { cached, durable, named: true, kept: true, ..Image::default() }
        };
        let files = kept.map(|(id, image)| (*id, left(image))).collect();
        let shelf = world.shelf.clone();
        Self(Arc::new(Mutex::new(World { files, shelf, ..World::default() })))
    }

    /// What the files hold.
    pub(super) fn contents(&self) -> BTreeMap<u32, Vec<u8>> {
        self.world().files.iter().map(|(id, image)| (*id, image.cached.clone())).collect()
    }
}

impl Disk for Memory {
    fn list(&self) -> io::Result<Vec<u32>> {
        let world = self.world();
        let named = world.files.iter().filter(|(_, image)| image.named);
        Ok(named.map(|(id, _)| *id).collect())
    }

    fn create(&mut self, id: u32) -> io::Result<Box<dyn DiskFile>> {
        if self.world().files.get(&id).is_some_and(|image| image.named) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.world().try_to(Act::Create, |world| {
            world.files.insert(id, Image::default());
        })?;
        Ok(Box::new(MemoryFile { disk: self.clone(), id }))
    }

    fn remove(&mut self, id: u32) -> io::Result<()> {
        self.world().try_to(Act::Remove, |world| {
            world.files.remove(&id);
        })
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.world().try_to(Act::SyncDirectory, |world| {
            world.files.values_mut().for_each(|image| image.kept = image.named);
        })
    }

    fn length(&self, id: u32) -> io::Result<u64> {
        let world = self.world();
        let image = world.files.get(&id).ok_or(io::ErrorKind::NotFound)?;
        Ok(u64::try_from(image.cached.len()).unwrap())
    }

    fn read(&self, id: u32, offset: u64) -> io::Result<Box<dyn BufRead>> {
        let mut cached = self.world().image(id).cached.clone();
        cached.drain(..usize::try_from(offset).unwrap());
        Ok(Box::new(Cursor::new(cached)))
    }

    fn cut(&mut self, id: u32, length: u64) -> io::Result<()> {
        let mut world = self.world();
        if !world.files.contains_key(&id) {
            return Err(io::ErrorKind::NotFound.into());
        }
        world.try_to(Act::Cut, |world| {
            let (image, length) = (world.image(id), usize::try_from(length).unwrap());
            image.cached.truncate(length);
            image.durable.truncate(length);
        })
    }
}

impl Shelf for Memory {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.world().shelf.get(name).cloned())
    }

    fn put(&self, name: &str, bytes: &[u8], _: Kept) -> io::Result<()> {
        self.world().shelf.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

struct MemoryFile {
    disk: Memory,
    id: u32,
}

impl DiskFile for MemoryFile {
    fn name(&mut self) -> io::Result<()> {
        self.disk.world().try_to(Act::Name, |world| world.image(self.id).named = true)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut world = self.disk.world();
        let mut count = bytes.len().min(world.crumbs.unwrap_or(usize::MAX));
        let mut act = Act::Write;
        if world.failing.contains(&Act::ShortWrite) {
            world.half_taken = !world.half_taken;
            if world.half_taken {
                count = count.div_ceil(2);
            } else {
                act = Act::ShortWrite;
            }
        }
        let image = world.image(self.id);
        image.abused |= image.lost;
        world.try_to(act, |world| {
            world.image(self.id).cached.extend_from_slice(&bytes[..count]);
        })?;
        Ok(count)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut world = self.disk.world();
        let image = world.image(self.id);
        image.abused |= image.lost;
        let outcome = world.try_to(Act::Sync, |world| {
            let image = world.image(self.id);
            if !image.lost {
                image.durable = image.cached.clone();
            }
        });
        world.image(self.id).lost |= outcome.is_err();
        outcome
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.disk.world().try_to(Act::Truncate, |world| {
            let length = usize::try_from(length).unwrap();
            world.image(self.id).cached.truncate(length);
        })
    }

    fn look(&self, _: u64) -> io::Result<Option<Displaced>> {
        Ok(None)
    }

    fn rescue(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
