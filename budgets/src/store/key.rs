//! The secret key that signs receipts: one file, readable by its owner alone.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::Path;

use ed25519_dalek::SigningKey;

use super::chain::{self, Kind};
use super::database::Transaction;
use crate::clock::Clock;
use crate::error::LedgerError;
use crate::proof::{PublicKey, from_hex, to_hex};
use crate::settings::Settings;

/// The public key that the ledger names; `None` before it has one.
pub(crate) fn public(transaction: &dyn Transaction) -> Result<Option<PublicKey>, LedgerError> {
    let sql = "SELECT public_key FROM signing_key ORDER BY position DESC LIMIT 1";
    let row = transaction.optional(sql, &[])?;
    row.map(|row| row.get(0).map(PublicKey)).transpose()
}

/// Whether there is a key, or its public half, of this ledger or of one that was here before it.
pub(crate) fn is_left(settings: &Settings) -> bool {
    settings.key.exists() || settings.public_key().exists()
}

/// Makes a key for a ledger that has none, and records its public half.
pub(crate) fn adopt(
    transaction: &dyn Transaction,
    clock: &dyn Clock,
    settings: &Settings,
) -> Result<(), LedgerError> {
    if public(transaction)?.is_some() {
        return Ok(());
    }
    // A key without an entry is left by a crash, or belongs to a ledger that was deleted.
    let key = match read(&settings.key)? {
        Some(key) => key,
        None => write_new(settings)?,
    };
    let public_key = key.verifying_key().to_bytes();
    write_public(settings, &PublicKey(public_key))?;
    let at = chain::now(transaction, clock)?;
    chain::append(transaction, Kind::SigningKey, at, |position| {
        transaction.execute(
            "INSERT INTO signing_key (position, public_key) VALUES (?1, ?2)",
            &[position.into(), (&public_key).into()],
        )
    })?;
    Ok(())
}

/// The secret key, which must be the one that the ledger names.
pub(crate) fn load(settings: &Settings, named: &PublicKey) -> Result<SigningKey, LedgerError> {
    let bad = |why: &str| LedgerError::NoKey { path: settings.key.clone(), why: why.to_owned() };
    let key = read(&settings.key)?.ok_or_else(|| bad("the file is missing"))?;
    if key.verifying_key().to_bytes() != named.0 {
        return Err(bad("it is not the key that this ledger names"));
    }
    Ok(key)
}

fn read(path: &Path) -> Result<Option<SigningKey>, LedgerError> {
    let bad = |why: String| LedgerError::NoKey { path: path.to_owned(), why };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(bad(error.to_string())),
    };
    let seed = from_hex(text.trim()).ok_or_else(|| bad("it holds no key".to_owned()))?;
    Ok(Some(SigningKey::from_bytes(&seed)))
}

fn write_new(settings: &Settings) -> Result<SigningKey, LedgerError> {
    let seed: [u8; 32] =
        voilage_privacy::source::random_bytes().map_err(|_| LedgerError::NoRandomness)?;
    let path = &settings.key;
    let failed =
        |error: std::io::Error| LedgerError::NoKey { path: path.clone(), why: error.to_string() };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(format!("{}\n", to_hex(&seed)).as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    Ok(SigningKey::from_bytes(&seed))
}

fn write_public(settings: &Settings, key: &PublicKey) -> Result<(), LedgerError> {
    let path = settings.public_key();
    fs::write(&path, format!("{key}\n"))
        .map_err(|error| LedgerError::NoKey { path, why: error.to_string() })
}
