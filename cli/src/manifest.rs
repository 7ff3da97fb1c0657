//! `run.json`: what a job asked, what it got and what proves it. No time of writing and no path.

use serde::Serialize;
use voilage_query::Receipt;
use voilage_query::explanation::ExplainedBoundary;

use crate::error::CliError;

/// The format's version.
const VERSION: u32 = 1;

/// A whole manifest.
#[derive(Debug, Serialize)]
pub(crate) struct Manifest<'a> {
    version: u32,
    project: &'a str,
    /// The SHA-256 of the job file.
    job_sha256: String,
    questions: Vec<ManifestQuestion<'a>>,
}

/// One question of a manifest.
#[derive(Debug, Serialize)]
pub(crate) struct ManifestQuestion<'a> {
    pub(crate) name: &'a str,
    pub(crate) title: &'a str,
    pub(crate) sql: &'a str,
    /// The file of the answer, beside the manifest.
    pub(crate) file: String,
    /// The SHA-256 of that file.
    pub(crate) sha256: String,
    pub(crate) receipt: &'a Receipt,
    /// How the answer came about. What is left now stays out: it differs from run to run.
    pub(crate) explanation: &'a [ExplainedBoundary],
}

impl<'a> Manifest<'a> {
    /// The manifest of a job of `project`.
    pub(crate) fn new(
        project: &'a str,
        job_sha256: String,
        questions: Vec<ManifestQuestion<'a>>,
    ) -> Self {
        Self { version: VERSION, project, job_sha256, questions }
    }

    /// Its bytes: the same for the same manifest.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, CliError> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| CliError::Bug(format!("a manifest cannot be written: {error}")))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
