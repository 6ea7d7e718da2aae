//! File systems of a test's own, for disks that fill up or turn read-only.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::make::Make;
use crate::programs;

/// A mounted file system; unmounted when it is dropped.
pub struct Mount(PathBuf);

impl Mount {
    /// A file system of `size` bytes in memory, at `place`, which is made. `None` where mounting is
    /// not allowed; the test `name` then says so where nobody captures it.
    pub fn memory(place: &Path, size: usize, name: &str) -> Option<Self> {
        let options = format!("size={size},mode=0700");
        Self::at(place, &["-t", "tmpfs", "-o", &options, "tmpfs"], name)
    }

    /// An ext4 of 4 MiB in the file `image`, which is made once, at `place`.
    pub fn ext4(place: &Path, image: &Path, name: &str) -> Option<Self> {
        if !image.exists() {
            std::fs::File::create(image).unwrap().set_len(4 << 20).unwrap();
            let mut command = Command::new("/sbin/mkfs.ext4");
            programs::run(command.args(["-q", "-F"]).arg(image)).good();
        }
        Self::at(place, &["-o", "loop", &image.display().to_string()], name)
    }

    /// Makes it read-only under whoever writes to it, as an error of its disk does.
    pub fn turn_read_only(&self) {
        programs::run(Command::new("mount").args(["-o", "remount,abort"]).arg(&self.0)).good();
    }

    fn at(place: &Path, what: &[&str], name: &str) -> Option<Self> {
        std::fs::create_dir_all(place).unwrap();
        let mounted = programs::run(Command::new("mount").args(what).arg(place));
        if mounted.code == 0 {
            return Some(Self(place.to_owned()));
        }
        let (profile, why) = (Make::current().profile, mounted.stderr.trim().to_owned());
        let _ = writeln!(std::io::stderr(), "not applicable on {profile}: {name}: {why}");
        None
    }
}

/// Fills the file system of `folder` to its last byte, with the file that it answers.
pub fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("filler");
    let mut file = std::fs::File::create(&path).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    path
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
