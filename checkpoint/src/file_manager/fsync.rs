//! Whether writes to a local disk wait until they outlive a loss of power.

use std::fs::File;
use std::io;

/// What a writer to a local disk asks of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// What is written is on the disk before the next step: it outlives a crash of the machine.
    #[default]
    On,
    /// What is written is with the operating system: it outlives a crash of the process, not of the machine.
    Off,
}

impl Fsync {
    /// Syncs a file or an open folder, if that is asked for.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(self, file: &File) -> io::Result<()> {
        match self {
            Self::On => file.sync_all(),
            Self::Off => Ok(()),
        }
    }
}
