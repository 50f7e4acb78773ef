//! A small file system that can be filled.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use tessera_harness::{Context, Result, run};

/// In memory; unmounted when dropped.
pub struct FileSystem(PathBuf);

impl FileSystem {
    /// Mounts one.
    pub fn mount(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let mut mount = Command::new("mount");
        run(mount.args(["-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs"]).arg(dir))
            .context("a small file system needs root")?;
        Ok(Self(dir.to_owned()))
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Fills it to the last byte.
    pub fn fill(&self) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(self.filler())?;
        loop {
            match file.write(&[0; 4096]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Has room again.
    pub fn make_room(&self) -> Result<()> {
        Ok(fs::remove_file(self.filler())?)
    }
}

impl Drop for FileSystem {
    fn drop(&mut self) {
        if let Err(error) = run(Command::new("umount").arg("--lazy").arg(&self.0)) {
            crate::progress(format_args!("{} was not unmounted: {error}", self.0.display()));
        }
    }
}
