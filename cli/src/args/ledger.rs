//! The command lines of whoever keeps a ledger, and of whoever was given a receipt.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::HubArgs;
use super::admin::{ModeArgs, ViewArgs};

/// What to do with a ledger as a whole.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerVerb {
    /// List what a locked ledger lacks, or, with a reason, accept it and go on
    Recover(RecoverArgs),
    /// Write a checked copy of the whole ledger to a new file, while others go on asking
    Backup(CopyArgs),
    /// Put a backup where the hub file names a ledger and none is
    Restore(CopyArgs),
}

/// A copy of a ledger.
#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    #[command(flatten)]
    pub(crate) mode: ModeArgs,
}

/// What an administrator knows about the other branches of a ledger.
#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Another copy of the ledger, a path or a postgres:// URL; may be given several times
    #[arg(long = "branch", value_name = "LEDGER")]
    pub(crate) branches: Vec<String>,
    /// A receipt, or a file with receipts, that the ledger must explain; may be given several times
    #[arg(long = "receipt", value_name = "FILE")]
    pub(crate) receipts: Vec<PathBuf>,
    /// Why, for the audit; without it, what is missing is listed
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Accept that a branch cannot be listed: every dataset is used up to its cap
    #[arg(long, requires = "reason")]
    pub(crate) exhaust: bool,
    /// Where the witness is lost: say that this ledger and its branches are all there ever was
    #[arg(long, requires = "reason", conflicts_with = "exhaust")]
    pub(crate) newest: bool,
    #[command(flatten)]
    pub(crate) mode: ModeArgs,
}

/// What to do with receipts.
#[derive(Debug, Subcommand)]
pub(crate) enum ReceiptVerb {
    /// Check signatures with the ledger's public key; needs no hub, no ledger and no network
    Verify {
        /// Files with a receipt, the answer of `ask --json`, or the run.json of a job
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// The ledger's public key: 64 hexadecimal digits, or a file that holds them
        #[arg(long, value_name = "KEY")]
        key: String,
        /// Print JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Compare with the ledger, which locks itself where it lacks what a receipt proves
    Present {
        /// Files with a receipt, the answer of `ask --json`, or the run.json of a job
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        view: ViewArgs,
    },
}
