//! What proves a release: public parameters, hashes and the place in the chain.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use voilage_budgets::{Charge, DatasetShare, EntryHash, Head, Ledger, Proof, PublicKey};
use voilage_privacy::quantity::Loss;

use crate::error::QueryError;
use crate::explanation::{Explanation, share_of};

/// A receipt. The same at every replay of the release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The project that paid.
    pub project: String,
    /// The dataset whose units were asked about.
    pub dataset: String,
    /// The permit's reference.
    pub permit: String,
    /// The charge's position in the ledger's chain.
    pub charge: u64,
    /// When it was charged, in UTC.
    pub charged_at: String,
    /// The request key, in hexadecimal.
    pub request_key: String,
    /// The hash of the canonical private plan, in hexadecimal.
    pub plan_hash: String,
    /// The data holder's random id of the data version.
    pub data_version: String,
    /// The hash of all sealed bytes, in hexadecimal.
    pub output_hash: String,
    /// The loss charged: `rho` and `delta`, or `epsilon`.
    pub loss: BTreeMap<String, String>,
    /// The loss as a share of the project's whole budget, rounded up.
    pub share: String,
    /// What was left of the project's budget after this charge, rounded down.
    pub left: String,
    /// The noisy columns and their mechanisms.
    pub columns: Vec<ReceiptColumn>,
    /// The earlier releases of the same question of which the answer is the mean together with this
    /// one, each weighted by the inverse of its variance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub combined: Vec<ReceiptPart>,
    /// Where the answer was not released itself but follows from what was: how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived: Option<String>,
    /// What further datasets paid of the loss, where the release is about their people too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further_datasets: Vec<ReceiptShare>,
    /// What makes all of this provable without the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<ReceiptProof>,
}

/// The release's place in the ledger, signed together with the rest of the receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptProof {
    /// The ledger's id, in hexadecimal.
    pub ledger: String,
    /// The entry that sealed the release.
    pub entry: u64,
    /// That entry's hash, which covers everything before it.
    pub hash: String,
    /// An ed25519 signature, in hexadecimal.
    pub signature: String,
}

/// A release that is combined with another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptPart {
    /// Its position in the ledger's chain.
    pub charge: u64,
    /// Its request key, in hexadecimal.
    pub request_key: String,
    /// The hash of its sealed bytes, in hexadecimal.
    pub output_hash: String,
    /// What it was charged.
    pub loss: BTreeMap<String, String>,
}

/// What a further dataset paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptShare {
    /// The dataset.
    pub dataset: String,
    /// The data holder's random id of its data version.
    pub data_version: String,
    /// Its part of the loss.
    pub loss: BTreeMap<String, String>,
}

/// One noisy column of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptColumn {
    /// Its name in the sealed table.
    pub name: String,
    /// What was measured.
    pub measure: String,
    /// The noise family.
    pub mechanism: String,
    /// The exact scale, in units of the measure.
    pub scale: String,
    /// Groups per unit, times what a unit can change in one group.
    pub sensitivity: String,
}

impl Receipt {
    pub(crate) fn new(
        charge: &Charge,
        explanation: &Explanation,
        sealed: &[Vec<u8>],
        shares: &[DatasetShare],
    ) -> Self {
        let further_datasets = shares.iter().map(ReceiptShare::of).collect();
        let receipt = Self::of(charge, explanation.receipt_columns(), output_hash(sealed));
        Self { further_datasets, ..receipt }
    }

    /// The receipt of what a charge released, or of what follows from it.
    pub(crate) fn of(charge: &Charge, columns: Vec<ReceiptColumn>, output_hash: String) -> Self {
        Self {
            project: charge.project.clone(),
            dataset: charge.dataset.clone(),
            permit: charge.permit_reference.clone(),
            charge: charge.position,
            charged_at: charge.charged_at.to_rfc3339(),
            request_key: charge.request_key.to_string(),
            plan_hash: hex(&charge.plan_hash),
            data_version: charge.data_version.clone(),
            output_hash,
            loss: loss_fields(&charge.loss),
            share: share_of(&charge.loss, &charge.cap, true),
            left: share_of(&charge.left_after, &charge.cap, false),
            columns,
            combined: Vec::new(),
            derived: None,
            further_datasets: Vec::new(),
            proof: None,
        }
    }
}

impl ReceiptShare {
    fn of(share: &DatasetShare) -> Self {
        Self {
            dataset: share.dataset.clone(),
            data_version: share.data_version.clone(),
            loss: loss_fields(&share.loss),
        }
    }
}

impl Receipt {
    /// Adds the ledger's signature; the same one at every replay.
    pub(crate) fn proved(mut self, ledger: &Ledger, charge: &Charge) -> Result<Self, QueryError> {
        let body = serde_json::to_value(&self).map_err(|_| QueryError::bug("an odd receipt"))?;
        let proof = ledger.prove(charge, canonical(&body).as_bytes())?;
        self.proof = Some(ReceiptProof {
            ledger: hex(&proof.ledger),
            entry: proof.head.position,
            hash: proof.head.hash.to_string(),
            signature: hex(&proof.signature),
        });
        Ok(self)
    }
}

/// A receipt as it was given out, ready to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedReceipt {
    /// What was signed, in its canonical form.
    pub body: String,
    /// The signature and what else it covers.
    pub proof: Proof,
}

impl SignedReceipt {
    /// Reads a receipt from its JSON; `None` when it is no receipt with a proof.
    pub fn parse(json: &str) -> Option<Self> {
        let mut receipt: serde_json::Value = serde_json::from_str(json).ok()?;
        let proof = receipt.as_object_mut()?.remove("proof")?;
        let proof: ReceiptProof = serde_json::from_value(proof).ok()?;
        let hash = EntryHash::parse(&proof.hash)?;
        let head = Head { position: proof.entry, hash };
        let proof = Proof {
            ledger: bytes_of(&proof.ledger)?,
            head,
            signature: bytes_of(&proof.signature)?,
        };
        Some(Self { body: canonical(&receipt), proof })
    }

    /// Whether the holder of `key` signed it; needs no ledger and no network.
    pub fn holds(&self, key: &PublicKey) -> bool {
        self.proof.holds(self.body.as_bytes(), key)
    }
}

/// JSON with sorted names and no spaces, so that a receipt that was written anew is the same one.
fn canonical(value: &serde_json::Value) -> String {
    use serde_json::Value;
    let joined = |parts: Vec<String>| parts.join(",");
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let field = |(name, value): (&String, &Value)| {
                format!("{}:{}", Value::from(name.as_str()), canonical(value))
            };
            format!("{{{}}}", joined(fields.into_iter().map(field).collect()))
        }
        Value::Array(items) => format!("[{}]", joined(items.iter().map(canonical).collect())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

/// The hash of all sealed bytes of a release, in hexadecimal.
pub(crate) fn output_hash(sealed: &[Vec<u8>]) -> String {
    let mut output = Sha256::new();
    for bytes in sealed {
        output.update((bytes.len() as u64).to_be_bytes());
        output.update(bytes);
    }
    hex(&output.finalize())
}

/// A loss by the names of its parts, exact to the ledger's unit.
pub(crate) fn loss_fields(loss: &Loss) -> BTreeMap<String, String> {
    let field = |name: &str, value: String| (name.to_owned(), value);
    match loss {
        Loss::Zcdp { rho, delta } => {
            [field("rho", rho.to_string()), field("delta", delta.to_string())].into()
        }
        Loss::Pure { epsilon } => [field("epsilon", epsilon.to_string())].into(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
