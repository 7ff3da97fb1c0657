//! The repository keeps its house rules, and each rule finds a violation planted for it.

use std::path::Path;

use voilage_tests::tidy::{Tree, check};

#[test]
fn the_repository_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let tree = Tree::read(root).unwrap();
    assert!(tree.len() > 30, "only {} files below {}", tree.len(), root.display());
    let findings: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn a_sound_tree_has_no_findings() {
    assert_eq!(check(&sound()), []);
}

/// A small tree without violations: two floors of the real house.
fn sound() -> Tree {
    let root = "[workspace]\nmembers = [\"engine/privacy\", \"budgets\", \"engine/query\"]\n";
    Tree::from_files([
        ("Cargo.toml", root.to_owned()),
        ("engine/privacy/Cargo.toml", member("voilage-privacy", "rand_chacha.workspace = true")),
        ("engine/privacy/src/lib.rs", "//! Floor 0.\n".to_owned()),
        ("budgets/Cargo.toml", member("voilage-budgets", "voilage-privacy.workspace = true")),
        ("budgets/src/lib.rs", "//! Floor 1.\n".to_owned()),
        ("engine/query/Cargo.toml", member("voilage-query", "datafusion.workspace = true")),
        ("engine/query/src/lib.rs", "//! Floor 2.\n".to_owned()),
        ("engine/query/src/execute/run.rs", "use datafusion::physical_plan;\n".to_owned()),
        ("README.md", "# Voilage\n".repeat(149)),
    ])
}

fn member(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\n\
         rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\
         [lints]\nworkspace = true\n[dependencies]\n{dependencies}\n"
    )
}

/// Plants one file in the sound tree and expects exactly one finding, in that file.
#[track_caller]
fn finds(path: &str, text: &str, expected: &str) {
    let findings = check(&sound().with(path, text));
    let [finding] = findings.as_slice() else { panic!("one finding expected: {findings:#?}") };
    assert_eq!(finding.path, path);
    assert!(finding.problem.contains(expected), "{finding} should say: {expected}");
}

#[test]
fn imports_from_above_are_found() {
    let upward = member("voilage-privacy", "voilage-budgets.workspace = true");
    finds("engine/privacy/Cargo.toml", &upward, "floor 0 imports voilage-budgets of floor 1");
    let sideways = member("voilage-budgets", "voilage-kernels.workspace = true");
    finds("budgets/Cargo.toml", &sideways, "floor 1 imports voilage-kernels of floor 1");
}

#[test]
fn imports_for_tests_and_single_platforms_count_too() {
    let for_tests = member("voilage-budgets", "[dev-dependencies]\nvoilage-cli.workspace = true");
    finds("budgets/Cargo.toml", &for_tests, "floor 1 imports voilage-cli of floor 4");
    let on_unix =
        member("voilage-budgets", "[target.'cfg(unix)'.dependencies]\ntokio.workspace = true");
    finds("budgets/Cargo.toml", &on_unix, "budgets must not name tokio");
}

#[test]
fn the_python_package_may_call_the_command() {
    let root = "[workspace]\nmembers = [\"python\"]\n";
    let python = member("voilage-python", "voilage-cli.workspace = true");
    let tree = sound().with("Cargo.toml", root).with("python/Cargo.toml", &python);
    assert_eq!(check(&tree), []);
}

#[test]
fn forbidden_crates_are_found() {
    let with_arrow = member("voilage-budgets", "arrow-schema.workspace = true");
    finds("budgets/Cargo.toml", &with_arrow, "budgets must not name arrow-schema");
    let with_sql = member("voilage-budgets", "datafusion-expr.workspace = true");
    finds("budgets/Cargo.toml", &with_sql, "the only room that knows DataFusion");
    let with_dice = member("voilage-query", "getrandom.workspace = true");
    finds("engine/query/Cargo.toml", &with_dice, "the only source of randomness");
}

#[test]
fn versions_and_features_outside_the_root_are_found() {
    for written in [
        "serde = \"1\"",
        "serde = { workspace = true, features = [\"rc\"] }",
        "serde = { path = \"../serde\" }",
    ] {
        finds("budgets/Cargo.toml", &member("voilage-budgets", written), "serde.workspace = true");
    }
}

#[test]
fn manifests_that_leave_the_workspace_are_found() {
    let own_edition =
        member("voilage-budgets", "").replace("edition.workspace = true", "edition = \"2021\"");
    finds("budgets/Cargo.toml", &own_edition, "edition.workspace = true");
    let no_lints = member("voilage-budgets", "").replace("[lints]\nworkspace = true\n", "");
    finds("budgets/Cargo.toml", &no_lints, "[lints] workspace = true");
    let own_profile = member("voilage-budgets", "") + "[profile.dev]\ndebug = 2\n";
    finds("budgets/Cargo.toml", &own_profile, "profiles are set in the root manifest only");
    let other_name = member("voilage-money", "");
    finds("budgets/Cargo.toml", &other_name, "package is called voilage-budgets");
    finds("budgets/Cargo.toml", "[package", "not TOML");
}

#[test]
fn rooms_without_a_floor_are_found() {
    let root = "[workspace]\nmembers = [\"attic\"]\n";
    finds("Cargo.toml", root, "attic has no floor");
    finds("Cargo.toml", "[workspace]\n", "names no members");
}

#[test]
fn long_files_are_found_at_the_first_line_too_many() {
    let lines = |count: usize| format!("//! Long.\n{}", "// line\n".repeat(count - 1));
    assert_eq!(check(&sound().with("budgets/src/ledger.rs", &lines(600))), []);
    finds("budgets/src/ledger.rs", &lines(601), "601 lines");
    finds("README.md", &"line\n".repeat(150), "under 150 lines");
}

#[test]
fn folders_without_an_opening_are_found() {
    finds("budgets/src/lib.rs", "pub mod ledger;\n", "open with //!");
    finds("budgets/src/store/mod.rs", "\n//! Late.\n", "open with //!");
    finds("budgets/src/lib.rs", concat!("//! ", "placeholder\n"), "still empty");
}

#[test]
fn physical_plans_outside_their_rooms_are_found() {
    let text = "use datafusion::physical_plan::ExecutionPlan;\n";
    finds("engine/query/src/price.rs", text, "only execute and post touch physical plans");
}

#[test]
fn forbidden_words_are_found() {
    for word in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("pypi", ".org")] {
        finds("ARCHITECTURE.md", &format!("A map.\n({word}: later)\n"), &format!("line 2: {word}"));
    }
    finds("Makefile", &format!("cd {}\n", concat!("/ro", "ot/x")), "no path of one machine");
    let inside = format!("AU{}S {}x\n", concat!("TO", "DO"), concat!("FIX", "ME"));
    assert_eq!(check(&sound().with("ARCHITECTURE.md", &inside)), []);
}
