use super::*;

fn key(text: &str) -> Cell {
    Cell { text: text.to_owned(), value: None, interval: None }
}

fn noisy(value: f64, half: f64) -> Cell {
    let interval = Some((value - half, value + half));
    Cell { text: value.to_string(), value: Some(value), interval }
}

fn column(name: &str, has_interval: bool) -> Column {
    Column { name: name.to_owned(), has_interval, is_number: has_interval }
}

fn report(table: Table) -> Report {
    Report {
        project: "p <1>".to_owned(),
        dataset: "d".to_owned(),
        permit: "P & Q".to_owned(),
        questions: vec![ReportQuestion {
            name: "by-site".to_owned(),
            title: "People \"by\" site".to_owned(),
            sql: "SELECT 1 WHERE a < b".to_owned(),
            table,
            loss: "rho 0.01, delta 0".to_owned(),
            share: "1.00%".to_owned(),
            left: "99.00%".to_owned(),
            charge: 7,
            output_hash: "ab".repeat(32),
        }],
    }
}

fn by_site(rows: Vec<Vec<Cell>>) -> Table {
    Table { columns: vec![column("site", false), column("people", true)], rows }
}

#[test]
fn everything_is_escaped() {
    let page =
        html(&report(by_site(vec![vec![key("<script>alert('1')</script>"), noisy(1.0, 2.0)]])));
    assert!(!page.contains("<script"));
    for expected in ["p &lt;1&gt;", "P &amp; Q", "a &lt; b", "&quot;by&quot;", "&#39;1&#39;"] {
        assert!(page.contains(expected), "{expected}");
    }
    assert_eq!(escape("a\0b\u{1b}\tc\n"), "a\u{fffd}b\u{fffd}\tc\n");
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = html(&report(by_site(vec![vec![key("1"), noisy(100.0, 5.0)]])));
    for outside in ["http:", "https:", "src=", "<link", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("100.0</td><td class=\"number interval\">[95.0, 105.0]</td>"));
    assert!(page.contains("entry 7 of the ledger") && page.contains("1.00% of the budget"));
}

#[test]
fn the_same_report_has_the_same_bytes() {
    let given = report(by_site(vec![vec![key("1"), noisy(-3.0, 5.0)]]));
    assert_eq!(html(&given), html(&given.clone()));
}

#[test]
fn a_chart_is_labelled_by_the_keys_before_its_measure() {
    let table = Table {
        columns: vec![column("site", false), column("plan", false), column("people", true)],
        rows: vec![vec![key("1"), key("free"), noisy(10.0, 1.0)]],
    };
    let (measure, bars) = table.bars().unwrap();
    assert_eq!((measure, bars[0].label.as_str()), ("people", "1, free"));
}

#[test]
fn one_row_without_keys_is_all() {
    let table = Table { columns: vec![column("people", true)], rows: vec![vec![noisy(10.0, 1.0)]] };
    assert_eq!(table.bars().unwrap().1[0].label, "all");
}

#[test]
fn without_intervals_there_is_a_table_and_no_chart() {
    let table = Table { columns: vec![column("site", false)], rows: vec![vec![key("1")]] };
    let page = html(&report(table));
    assert!(!page.contains("<svg") && page.contains("<td>1</td>"));
}

#[test]
fn a_null_is_an_empty_cell_and_no_bar() {
    let table = by_site(vec![vec![key("1"), Cell::default()], vec![key("2"), noisy(4.0, 1.0)]]);
    assert_eq!(table.bars().unwrap().1.len(), 1);
    assert!(html(&report(table)).contains("<td class=\"number\"></td>"));
}

#[test]
fn many_groups_say_that_the_chart_is_cut() {
    let rows = (0..100).map(|n| vec![key(&n.to_string()), noisy(f64::from(n), 1.0)]).collect();
    let page = html(&report(by_site(rows)));
    assert!(page.contains("the first 40 of 100 groups"));
    assert_eq!(page.matches("<tr>").count(), 101);
}
