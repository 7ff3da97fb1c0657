//! The witness: a small file outside the database that says how far the ledger has come.
//!
//! It is written before an answer leaves, so a ledger that was put back, cut or replaced is behind it.
//! Two slots are written in turn, each with a checksum: a power cut spoils at most the newer one,
//! whose answer had not left. Processes that share a ledger take turns by locking the file.
//!
//! Behind the two slots stand the heads of receipts that were presented and that the ledger lacked. They
//! are only ever added to: a receipt never hides what the witness itself saw, and a ledger that is
//! put back to before a recovery is locked by them again.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::chain::{EntryHash, Head};
use crate::error::LedgerError;
use crate::proof::{from_hex, to_hex};

/// The bytes of a slot, its newline included.
const SLOT: usize = 256;

/// The slot of the first receipt, behind the two that are written in turn.
const FIRST_RECEIPT: u64 = 2;

/// What a slot begins with.
const NAME: &str = "voilage-witness-1";

/// What the slot of a presented receipt begins with.
const RECEIPT: &str = "voilage-receipt-1";

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

/// All that a witness file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// How far the ledger had come.
    pub(crate) seen: Option<Seen>,
    /// What receipts showed that the ledger lacked, in the order in which they came.
    pub(crate) presented: Vec<Seen>,
}

/// A witness file that is locked against other processes until this is dropped.
pub(crate) struct Turn {
    file: File,
    path: PathBuf,
    pub(crate) contents: Contents,
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

    /// What it says, without keeping anybody waiting; nothing when there is no file.
    pub(crate) fn read(&self) -> Result<Contents, LedgerError> {
        match File::open(&self.path) {
            Ok(mut file) => {
                file.lock_shared().map_err(|error| failed(&self.path, &error))?;
                read(&mut file, &self.path)
            }
            Err(error) if error.kind() == IoErrorKind::NotFound => Ok(Contents::default()),
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
        let contents = read(&mut file, &self.path)?;
        Ok(Some(Turn { file, path: self.path.clone(), contents }))
    }
}

impl Turn {
    /// Writes a head over the older slot; durable when this returns.
    pub(crate) fn write(&mut self, ledger: [u8; 16], head: Head) -> Result<(), LedgerError> {
        let turn = self.contents.seen.map_or(0, |seen| seen.turn + 1);
        let seen = Seen { ledger, head, turn };
        let slot = if turn.is_multiple_of(2) { 0 } else { 1 };
        self.put(slot, NAME, seen)?;
        self.contents.seen = Some(seen);
        Ok(())
    }

    /// Adds the head of a receipt behind all slots; durable when this returns.
    pub(crate) fn add(&mut self, ledger: [u8; 16], head: Head) -> Result<(), LedgerError> {
        let turn = self.contents.presented.len() as u64;
        let presented = Seen { ledger, head, turn };
        self.put(FIRST_RECEIPT + turn, RECEIPT, presented)?;
        self.contents.presented.push(presented);
        Ok(())
    }

    fn put(&mut self, slot: u64, name: &str, seen: Seen) -> Result<(), LedgerError> {
        let is_new = self.contents == Contents::default();
        let written = self
            .file
            .seek(SeekFrom::Start(slot * SLOT as u64))
            .and_then(|_| self.file.write_all(&seen.to_slot(name)))
            .and_then(|()| self.file.sync_data());
        written.map_err(|error| failed(&self.path, &error))?;
        if is_new {
            self.file.sync_all().map_err(|error| failed(&self.path, &error))?;
            super::database::sync_folder(&self.path)?;
        }
        Ok(())
    }
}

impl Seen {
    fn to_slot(self, name: &str) -> [u8; SLOT] {
        let text = format!(
            "{name} {} {} {} {}",
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

    fn from_slot(slot: &[u8], name: &str) -> Option<Self> {
        let line = std::str::from_utf8(slot).ok()?.trim_end();
        let (text, checksum) = line.rsplit_once(' ')?;
        if to_hex(&Sha256::digest(text)) != checksum {
            return None;
        }
        let mut words = text.split(' ');
        if words.next() != Some(name) {
            return None;
        }
        let turn = words.next()?.parse().ok()?;
        let ledger = from_hex(words.next()?)?;
        let position = words.next()?.parse().ok()?;
        let hash = EntryHash::parse(words.next()?)?;
        Some(Self { ledger, head: Head { position, hash }, turn })
    }
}

/// The newer slot that is whole, and every receipt. A file without any was begun and never finished,
/// or is damaged.
fn read(file: &mut File, path: &Path) -> Result<Contents, LedgerError> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut bytes))
        .map_err(|error| failed(path, &error))?;
    let (own, receipts) = bytes.split_at(bytes.len().min(FIRST_RECEIPT as usize * SLOT));
    let seen = own
        .chunks(SLOT)
        .filter_map(|slot| Seen::from_slot(slot, NAME))
        .max_by_key(|seen| seen.turn);
    // The last receipt may be cut by a crash, before anybody was told of it.
    let presented: Vec<Seen> =
        receipts.chunks(SLOT).map_while(|slot| Seen::from_slot(slot, RECEIPT)).collect();
    // Where a receipt came before anything else, what stands before it was never written.
    if seen.is_none() && own.iter().any(|byte| *byte != 0) {
        return Err(LedgerError::WitnessFailed {
            path: path.to_owned(),
            why: "it is damaged".to_owned(),
        });
    }
    Ok(Contents { seen, presented })
}

fn failed(path: &Path, error: &std::io::Error) -> LedgerError {
    LedgerError::WitnessFailed { path: path.to_owned(), why: error.to_string() }
}
