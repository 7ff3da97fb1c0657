//! A private PostgreSQL cluster from the installed binaries, in a temporary folder, on a unix socket.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, process};

use postgres::{Client, NoTls};

use crate::Location;

/// A running cluster; it ends with this process, however this process ends.
pub(super) struct Cluster {
    pub(super) folder: PathBuf,
    /// Holds the standard input that keeps the script waiting.
    _script: Child,
}

impl Cluster {
    /// The cluster that the tests of this process share; `None` where PostgreSQL is not installed.
    pub(super) fn shared() -> Option<&'static Self> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        CLUSTER.get_or_init(Self::start).as_ref()
    }

    /// A cluster of one's own, to be mistreated.
    pub(super) fn start() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(binaries) = binaries() else {
            println!(
                "SKIPPED on PostgreSQL: no initdb below /usr/lib/postgresql or in /usr/bin; \
                 install Debian's `postgresql`"
            );
            return None;
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // The path of a unix socket has at most 107 bytes.
        let folder = PathBuf::from(format!("/tmp/voilage-pg-{}-{number}", process::id()));
        fs::create_dir(&folder).unwrap();
        let mut script = Command::new("sh")
            .args(["-c", include_str!("cluster.sh"), "cluster.sh"])
            .args([&binaries, &folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "PostgreSQL did not start");
        Some(Self { folder, _script: script })
    }

    /// A connection of one's own to a database.
    pub(super) fn client(&self, database: &str) -> Client {
        Client::connect(&self.url(database), NoTls).unwrap()
    }

    /// A new, empty database.
    pub(super) fn new_database(&self) -> Location {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ledger_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.client("postgres").batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Location::Postgres(self.url(&name))
    }

    fn url(&self, database: &str) -> String {
        let host = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://voilage@{host}/{database}")
    }
}

/// The newest installed server's programs.
pub(super) fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions
        .map(|version| version.path().join("bin"))
        .chain([PathBuf::from("/usr/bin")])
        .filter(|folder| has_initdb(folder))
        .collect();
    found.sort();
    found.pop()
}

fn has_initdb(folder: &Path) -> bool {
    folder.join("initdb").exists()
}
