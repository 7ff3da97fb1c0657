//! The allow-list as a page for analysts.

use std::fmt::Write;

use super::forms::FORMS;
use super::table::{Entry, TABLE};

/// `docs/functions.md`: every form and function with its types, its range rule and why it cannot
/// fail.
pub fn document() -> String {
    let mut page = String::from(HEAD);
    page.push_str("| form | takes | range | why it cannot fail |\n|---|---|---|---|\n");
    for form in FORMS {
        let cells = [form.written, form.takes, form.range, form.total];
        row(&mut page, &cells.map(str::to_owned));
    }
    page.push_str("\n## Functions and operators\n\n");
    page.push_str("| SQL | takes -> gives | range | why it cannot fail |\n|---|---|---|---|\n");
    for entry in TABLE {
        let also: Vec<&str> =
            entry.sql.iter().copied().filter(|name| !entry.written.contains(name)).collect();
        let also =
            if also.is_empty() { String::new() } else { format!(" (also {})", also.join(", ")) };
        let cells = [
            format!("{}{also}", entry.written),
            types(entry),
            entry.range.text().to_owned(),
            entry.total.to_owned(),
        ];
        row(&mut page, &cells);
    }
    page.push_str(TAIL);
    page
}

fn row(page: &mut String, cells: &[String; 4]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn types(entry: &Entry) -> String {
    let overloads = entry.takes.iter().map(|overload| {
        let takes: Vec<&str> = overload.takes.iter().map(|kind| kind.name()).collect();
        let more = if overload.repeats { ", .." } else { "" };
        format!("{}{more} -> {}", takes.join(", "), overload.gives.name())
    });
    overloads.collect::<Vec<_>>().join("; ")
}

const HEAD: &str = "\
# Expressions over rows of individuals

<!-- Written from the tables in engine/query/src/functions; a test compares them. -->

Whatever a question computes on single rows, in WHERE, ON, GROUP BY or inside an aggregate, is made
of the forms and functions on this page. Each of them is *total*: it has a value or NULL for every row,
so that an error can never tell about one. Above the private aggregate the same names mean the same.

Ranges are inferred from the hub file and from the expression. An aggregate such as SUM needs a range,
`clamp(x, low, high)` gives one to any number. Keys whose values are known beforehand are public: a
finite set, or an interval of at most 4,096 integers or days; several keys together have at most 100,000
combinations. Every NaN in a file is NULL.

## Forms

";

const TAIL: &str = "
Integers are of 64 bits, doubles are IEEE doubles, text is compared byte by byte. `LEAST` and `GREATEST`
skip NULLs, so `LEAST(GREATEST(x, 0), 9)` turns NULL into 0: write `clamp(x, 0, 9)` to keep it NULL.
`CAST` of a double to an integer cuts towards 0. The parts of dates are year, isoyear, quarter, month,
week, day, doy, dow (Sunday is 0), isodow (Monday is 1), hour, minute and second; doy, dow and isodow are read
only, not truncated to or counted. Texts in files of more than 64 KiB are NULL.

Above the aggregate there are also `dp_interval_low(x)` and `dp_interval_high(x)`: the ends of the 95%
interval of a released value, or of a number that is computed from released values.

Not on the list, because they can fail, grow without bound, read a clock or draw randomness: `repeat`,
`lpad`, `rpad`, `regexp_*`, `now`, `current_date`, `random`, `uuid`, arrays, JSON and everything else.
";
