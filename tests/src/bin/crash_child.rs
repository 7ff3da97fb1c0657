//! Asks one question and stops for ever at a stage, so that a test can kill it there.

use std::io::{Read, Write};
use std::path::Path;

use voilage_query::question::SpendOptions;
use voilage_query::{Hub, Spend, Stage, StageObserver};

struct StopAt(String);

impl StageObserver for StopAt {
    fn reached(&self, stage: Stage) {
        if format!("{stage:?}") == self.0 {
            let mut out = std::io::stdout();
            let told = writeln!(out, "reached").and_then(|()| out.flush());
            // The parent never writes: this waits for the kill, or ends when the parent is gone.
            let waited = std::io::stdin().read(&mut [0]);
            drop((told, waited));
            std::process::exit(9);
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, hub, stage, sql] = arguments.as_slice() else {
        std::process::exit(2);
    };
    let spend = Spend::from_options(SpendOptions { rho: Some("0.5"), ..Default::default() });
    let answered = spend.and_then(|spend| {
        Hub::open(Path::new(hub))?
            .project("study")?
            .question(sql, &spend)?
            .run(&StopAt(stage.clone()))
    });
    std::process::exit(i32::from(answered.is_err()));
}
