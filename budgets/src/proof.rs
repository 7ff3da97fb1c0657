//! What makes a receipt provable offline: the head of the chain it stands in, signed.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::store::chain::Head;

/// Separates these signatures from every other use of the key, and names the encoding.
const DOMAIN: &[u8] = b"voilage receipt, signature 1";

/// The place of a release in its ledger, signed together with what the receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Which ledger.
    pub ledger: [u8; 16],
    /// The entry that sealed the release; its hash covers everything before it.
    pub head: Head,
    /// An ed25519 signature of both and of the receipt's body.
    pub signature: [u8; 64],
}

/// The key that checks receipts; it can be given to everybody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub(crate) [u8; 32]);

impl PublicKey {
    /// A key written as 64 hexadecimal digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = from_hex(text.trim())?;
        VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak())?;
        Some(Self(bytes))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl Proof {
    pub(crate) fn sign(key: &SigningKey, ledger: [u8; 16], head: Head, body: &[u8]) -> Self {
        let signature = key.sign(&message(&ledger, &head, body)).to_bytes();
        Self { ledger, head, signature }
    }

    /// Whether the ledger that holds `key` signed this place for a receipt with this `body`.
    ///
    /// *Guarantee*: needs no ledger and no network.
    pub fn holds(&self, body: &[u8], key: &PublicKey) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&key.0) else { return false };
        let signature = Signature::from_bytes(&self.signature);
        key.verify_strict(&message(&self.ledger, &self.head, body), &signature).is_ok()
    }
}

/// Every part has a fixed length, so no two receipts are written alike.
fn message(ledger: &[u8; 16], head: &Head, body: &[u8]) -> Vec<u8> {
    let mut message = DOMAIN.to_vec();
    message.extend_from_slice(ledger);
    message.extend_from_slice(&head.position.to_le_bytes());
    message.extend_from_slice(head.hash.as_bytes());
    message.extend_from_slice(&Sha256::digest(body));
    message
}

/// The bytes of a lower- or upper-case hexadecimal text of exactly their length.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EntryHash;

    #[test]
    fn a_proof_holds_for_its_own_receipt_only() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = PublicKey(key.verifying_key().to_bytes());
        let head = Head { position: 9, hash: EntryHash::parse(&"ab".repeat(32)).unwrap() };
        let proof = Proof::sign(&key, [3; 16], head, b"body");
        assert!(proof.holds(b"body", &public));
        assert_eq!(proof, Proof::sign(&key, [3; 16], head, b"body"), "signing is deterministic");
        assert!(!proof.holds(b"bodY", &public));
        assert!(!Proof { ledger: [4; 16], ..proof }.holds(b"body", &public));
        let later = Head { position: 10, ..head };
        assert!(!Proof { head: later, ..proof }.holds(b"body", &public));
        let mut signature = proof.signature;
        signature[0] ^= 1;
        assert!(!Proof { signature, ..proof }.holds(b"body", &public));
        let other = PublicKey(SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes());
        assert!(!proof.holds(b"body", &other));
    }

    #[test]
    fn keys_are_parsed_strictly() {
        let key = PublicKey(SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes());
        assert_eq!(PublicKey::parse(&format!("{key}\n")), Some(key));
        for text in ["", "00", &"0".repeat(64), &"g".repeat(64), &format!("{key}00")] {
            assert_eq!(PublicKey::parse(text), None, "{text}");
        }
    }
}
