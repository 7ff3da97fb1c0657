//! The witness: a small file outside the database that says how far the ledger has come.
//!
//! It is written before an answer leaves, so a ledger that was put back, cut or replaced is behind it.
//! Two slots are written in turn, each with a checksum: a power cut spoils at most the newer one,
//! whose answer had not left. Processes that share a ledger take turns by locking the file.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::chain::{EntryHash, Head};
use crate::error::LedgerError;
use crate::proof::{from_hex, to_hex};

/// The bytes of a slot, its newline included.
const SLOT: usize = 256;

/// What a slot begins with.
const NAME: &str = "voilage-witness-1";

/// A witness file; each use opens it anew, so that a file which was exchanged is noticed.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    path: PathBuf,
}

/// What a witness has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) ledger: [u8; 16],
    pub(crate) head: Head,
    turn: u64,
}

/// A witness file that is locked against other processes until this is dropped.
pub(crate) struct Turn {
    file: File,
    path: PathBuf,
    pub(crate) seen: Option<Seen>,
}

impl Witness {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// What it has seen, without keeping anybody waiting; `None` when there is no file.
    pub(crate) fn read(&self) -> Result<Option<Seen>, LedgerError> {
        match File::open(&self.path) {
            Ok(mut file) => {
                file.lock_shared().map_err(|error| failed(&self.path, &error))?;
                read(&mut file, &self.path)
            }
            Err(error) if error.kind() == IoErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&self.path, &error)),
        }
    }

    /// Takes a turn at a file that is there; `None` when there is none.
    pub(crate) fn turn(&self) -> Result<Option<Turn>, LedgerError> {
        self.open(OpenOptions::new().read(true).write(true))
    }

    /// Takes a turn at the file, which is made if there is none.
    pub(crate) fn create(&self) -> Result<Turn, LedgerError> {
        let options = &mut OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let turn = self.open(options)?;
        turn.ok_or_else(|| failed(&self.path, &IoErrorKind::NotFound.into()))
    }

    fn open(&self, options: &OpenOptions) -> Result<Option<Turn>, LedgerError> {
        let mut file = match options.open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&self.path, &error)),
        };
        file.lock().map_err(|error| failed(&self.path, &error))?;
        let seen = read(&mut file, &self.path)?;
        Ok(Some(Turn { file, path: self.path.clone(), seen }))
    }
}

impl Turn {
    /// Writes a head over the older slot; durable when this returns.
    pub(crate) fn write(&mut self, ledger: [u8; 16], head: Head) -> Result<(), LedgerError> {
        let turn = self.seen.map_or(0, |seen| seen.turn + 1);
        let seen = Seen { ledger, head, turn };
        let is_new = self.seen.is_none();
        let offset = if turn.is_multiple_of(2) { 0 } else { SLOT as u64 };
        let written = self
            .file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.write_all(&seen.to_slot()))
            .and_then(|()| self.file.sync_data());
        written.map_err(|error| failed(&self.path, &error))?;
        if is_new {
            self.file.sync_all().map_err(|error| failed(&self.path, &error))?;
            super::database::sync_folder(&self.path)?;
        }
        self.seen = Some(seen);
        Ok(())
    }
}

impl Seen {
    fn to_slot(self) -> [u8; SLOT] {
        let text = format!(
            "{NAME} {} {} {} {}",
            self.turn,
            to_hex(&self.ledger),
            self.head.position,
            self.head.hash
        );
        let line = format!("{text} {}", to_hex(&Sha256::digest(&text)));
        let mut slot = [b' '; SLOT];
        slot[..line.len()].copy_from_slice(line.as_bytes());
        slot[SLOT - 1] = b'\n';
        slot
    }

    fn from_slot(slot: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(slot).ok()?.trim_end();
        let (text, checksum) = line.rsplit_once(' ')?;
        if to_hex(&Sha256::digest(text)) != checksum {
            return None;
        }
        let mut words = text.split(' ');
        if words.next() != Some(NAME) {
            return None;
        }
        let turn = words.next()?.parse().ok()?;
        let ledger = from_hex(words.next()?)?;
        let position = words.next()?.parse().ok()?;
        let hash = EntryHash::parse(words.next()?)?;
        Some(Self { ledger, head: Head { position, hash }, turn })
    }
}

/// The newer slot that is whole. A file without any was begun and never finished, or is damaged.
fn read(file: &mut File, path: &Path) -> Result<Option<Seen>, LedgerError> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut bytes))
        .map_err(|error| failed(path, &error))?;
    let newest = bytes.chunks(SLOT).filter_map(Seen::from_slot).max_by_key(|seen| seen.turn);
    match newest {
        None if !bytes.is_empty() => Err(LedgerError::WitnessFailed {
            path: path.to_owned(),
            why: "it is damaged".to_owned(),
        }),
        found => Ok(found),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> LedgerError {
    LedgerError::WitnessFailed { path: path.to_owned(), why: error.to_string() }
}
