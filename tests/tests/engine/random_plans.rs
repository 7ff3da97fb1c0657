//! Random questions over a small hostile hub: no person changes more than is declared.

use voilage_tests::trial;

/// The longer run is `make random-plans`.
const QUESTIONS: u64 = 300;

#[test]
fn random_questions_change_within_their_sensitivity() {
    let outcome = trial::run(0, QUESTIONS, |_| {});
    assert!(outcome.wrong.is_empty(), "{outcome}");
    assert!(outcome.answered >= QUESTIONS / 20, "the grammar is mostly refused: {outcome}");
}
