//! Prices and bounds that a question states itself, in SQL or beside it.

use std::sync::Arc;

use voilage_privacy::quantity::{Accountant, Delta};
use voilage_query::question::SpendOptions;
use voilage_query::{AskOptions, Question, Spend, Study};
use voilage_tests::clinic::{Clinic, orderly_visits};
use voilage_tests::randomness::Tape;

use crate::rho;

fn in_clinic(test: impl Fn(&Clinic, &Study)) {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let study = clinic.study(Arc::new(Tape::recording(1)));
    test(&clinic, &study);
    assert!(study.hub().ledger().charges("study").unwrap().is_empty());
}

fn written(study: &Study, options: &str, rest: &str) -> Result<Question, String> {
    let sql = format!("SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS({options}) {rest}");
    study.question(&sql, &Spend::AsWritten).map_err(|error| error.to_string())
}

const SITES: &str = "site, COUNT(*) AS n FROM visits GROUP BY site";
const REASONS: &str = "reason, COUNT(*) AS n FROM visits GROUP BY reason";

/// The same price is the same price wherever it is said, to the last digit.
#[test]
fn a_price_in_sql_is_the_price_beside_it() {
    in_clinic(|_, study| {
        for (name, text) in [("epsilon", "0.1"), ("rho", "0.000000000000123"), ("share", "0.3%")] {
            let quoted = if name == "share" { format!("'{text}'") } else { text.to_owned() };
            let inside = written(study, &format!("{name} = {quoted}"), SITES).unwrap();
            let given = |of: &str| (of == name).then_some(text);
            let spend = Spend::from_options(SpendOptions {
                epsilon: given("epsilon"),
                rho: given("rho"),
                share: given("share"),
            });
            let beside = study.question(&format!("SELECT {SITES}"), &spend.unwrap()).unwrap();
            assert_eq!(inside.explanation(), beside.explanation(), "{name}");
        }
    });
}

#[test]
fn a_price_is_said_once() {
    in_clinic(|_, study| {
        let sql = format!("SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) {SITES}");
        let twice = study.question(&sql, &rho("0.1")).unwrap_err().to_string();
        assert!(twice.contains("said twice") && twice.contains("column 42"), "{twice}");
        let never = study.question(&format!("SELECT {SITES}"), &Spend::AsWritten).unwrap_err();
        assert!(never.to_string().contains("say once"), "{never}");
        let options = AskOptions { max_groups: Some(1), ..AskOptions::default() };
        let sql = sql.replace("epsilon = 1", "max_groups_contributed = 1");
        let twice = study.question_with(&sql, &rho("0.1"), &options).unwrap_err().to_string();
        assert!(twice.contains("said twice"), "{twice}");
    });
}

#[test]
fn bounds_are_lowered_freely_and_raised_within_the_policy() {
    in_clinic(|_, study| {
        let lower =
            written(study, "rho = 0.1, max_groups_contributed = 1, max_rows_per_group = 2", SITES);
        let lower = lower.unwrap();
        let boundary = &lower.explanation().boundaries[0];
        assert_eq!((boundary.max_groups, boundary.max_rows_per_group), (1, 2));
        assert_eq!(boundary.noisy[0].sensitivity, "1 groups x 2");
        for (options, why) in [
            ("rho = 0.1, max_groups_contributed = 3", "at most 2"),
            ("rho = 0.1, max_rows_per_group = 4", "at most 3"),
            ("rho = 0.1, max_groups_contributed = 0", "whole number from 1"),
            ("rho = 0.1, max_rows_per_group = -1", "whole number from 1"),
            ("rho = 0.1, max_rows_per_group = 1.5", "whole number from 1"),
            ("rho = 0.1, max_rows_per_group = 4294967296", "whole number from 1"),
        ] {
            let refused = written(study, options, SITES).unwrap_err();
            assert!(refused.contains(why), "{options}: {refused}");
        }
        let both =
            written(study, "rho = 0.1, max_groups_contributed = 9, max_rows_per_group = 9", SITES);
        assert_eq!(both.unwrap_err().matches("refused [parameter]").count(), 2);
    });
}

#[test]
fn a_ceiling_in_the_hub_file_lets_questions_raise_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let hub = std::fs::read_to_string(clinic.hub_file()).unwrap();
    let raised = hub.replacen("max_groups = 2", "max_groups = 2\nmax_groups_ceiling = 3", 1);
    std::fs::write(clinic.hub_file(), raised).unwrap();
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let wide = written(&study, "rho = 0.1, max_groups_contributed = 3", SITES).unwrap();
    assert_eq!(wide.explanation().boundaries[0].max_groups, 3);
    assert!(written(&study, "rho = 0.1, max_groups_contributed = 4", SITES).is_err());
    // The other table of the join has a ceiling of its own, and the smaller one counts.
    let joined = "p.sex, COUNT(*) AS n FROM visits AS v JOIN people AS p ON v.person = p.person \
                  GROUP BY p.sex";
    assert!(written(&study, "rho = 0.1, max_groups_contributed = 3", joined).is_err());
    assert!(written(&study, "rho = 0.1, max_groups_contributed = 2", joined).is_ok());
}

/// A default price belongs to the hub file; a question that states one does not get it.
#[test]
fn plain_sql_costs_the_datasets_default() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = Clinic::build(folder.path(), &orderly_visits());
    let hub = std::fs::read_to_string(clinic.hub_file()).unwrap();
    let cap = "cap = { epsilon = \"1000\", delta = \"1e-2\" }";
    let with = |default: &str| hub.replacen(cap, &format!("{cap}\ndefault_spend = {default}"), 1);
    std::fs::write(clinic.hub_file(), with("{ rho = \"0.01\" }")).unwrap();
    let study = clinic.study(Arc::new(Tape::recording(1)));
    let plain = study.question(&format!("SELECT {SITES}"), &Spend::AsWritten).unwrap();
    let stated = study.question(&format!("SELECT {SITES}"), &rho("0.01")).unwrap();
    assert_eq!(plain.loss(), stated.loss());
    let own = written(&study, "rho = 0.02", SITES).unwrap();
    assert_ne!(plain.loss(), own.loss());
    for wrong in ["{ rho = \"0.01\", epsilon = \"1\" }", "{}", "{ rho = \"NaN\" }", "{ x = \"1\" }"]
    {
        std::fs::write(clinic.hub_file(), with(wrong)).unwrap();
        assert!(voilage_query::Hub::open(&clinic.hub_file()).is_err(), "{wrong}");
    }
}

#[test]
fn delta_pays_for_learned_keys_and_for_nothing_else() {
    in_clinic(|clinic, study| {
        let spent = |options: &str| {
            let question = written(study, options, REASONS).unwrap();
            question.explanation().loss["delta"].parse::<f64>().unwrap()
        };
        let (small, large) = (spent("rho = 0.1, delta = 1e-9"), spent("rho = 0.1, delta = 1e-5"));
        assert!(small <= 1e-9 && large <= 1e-5 && large > 1e-9, "{small} {large}");
        let unused = written(study, "rho = 0.1, delta = 1e-9", SITES).unwrap();
        assert_eq!(unused.explanation().loss["delta"], "0");
        assert!(unused.explanation().warnings[0].contains("delta is not spent"));
        clinic.open_project("pure", Accountant::Pure);
        let pure = clinic.project("pure", Arc::new(Tape::recording(1)));
        let refused = written(&pure, "epsilon = 0.1, delta = 1e-9", REASONS).unwrap_err();
        assert!(refused.contains("a pure project has none"), "{refused}");
    });
    let two = Delta::parse("1e-9").unwrap();
    in_clinic(|_, study| {
        let options = AskOptions { selection_delta: Some(two.clone()), ..AskOptions::default() };
        let sql = "SELECT a.reason, a.n, b.n AS costly FROM \
                   (SELECT reason, COUNT(*) AS n FROM visits GROUP BY reason) AS a JOIN \
                   (SELECT reason, COUNT(*) AS n FROM visits WHERE cost > 50 GROUP BY reason) AS b \
                   ON a.reason = b.reason";
        let question = study.question_with(sql, &rho("0.1"), &options).unwrap();
        let delta = question.explanation().loss["delta"].parse::<f64>().unwrap();
        assert!(delta <= 1e-9 && delta > 1e-11, "{delta}");
    });
}

/// The clause is cut out, so what stands behind it keeps its line and column.
#[test]
fn places_behind_the_clause_are_those_of_the_text() {
    in_clinic(|_, study| {
        let sql = "SELECT WITH DIFFERENTIAL_PRIVACY\n  OPTIONS(rho = 0.1)\n  site, AVG(cots) AS cost,\n  \
                   SUM(person) AS ids\nFROM visits GROUP BY site";
        let refused = study.question(sql, &Spend::AsWritten).unwrap_err().to_string();
        assert!(refused.contains("column cots (line 3, column 13)"), "{refused}");
        let sql = sql.replace("cots", "cost");
        let refused = study.question(&sql, &Spend::AsWritten).unwrap_err().to_string();
        assert!(refused.contains("(line 4, column 7)"), "{refused}");
    });
}
