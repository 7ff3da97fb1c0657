//! What proves a release: public parameters, hashes and the place in the chain.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};
use voilage_budgets::Charge;
use voilage_privacy::quantity::Loss;

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
    pub(crate) fn new(charge: &Charge, explanation: &Explanation, sealed: &[Vec<u8>]) -> Self {
        let mut output = Sha256::new();
        for bytes in sealed {
            output.update((bytes.len() as u64).to_be_bytes());
            output.update(bytes);
        }
        Self {
            project: charge.project.clone(),
            dataset: charge.dataset.clone(),
            permit: charge.permit_reference.clone(),
            charge: charge.position,
            charged_at: charge.charged_at.to_rfc3339(),
            request_key: charge.request_key.to_string(),
            plan_hash: hex(&charge.plan_hash),
            data_version: charge.data_version.clone(),
            output_hash: hex(&output.finalize()),
            loss: loss_fields(&charge.loss),
            share: share_of(&charge.loss, &charge.cap, true),
            left: share_of(&charge.left_after, &charge.cap, false),
            columns: explanation.receipt_columns(),
        }
    }
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
