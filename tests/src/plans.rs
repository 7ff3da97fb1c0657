//! Random questions over a small hostile hub, from a seed.
//!
//! The grammar writes what is likely to be accepted and now and then what is not: a refusal is as
//! good an outcome as an answer, and a difference between neighbours is never one.

use crate::chance::Chance;

/// The hub that random questions are asked of: every type, with and without declarations.
pub const HUB: &str = r#"
[hub]
ledger = "ledger.sqlite"

[datasets.hostile]
cap = { epsilon = "1000", delta = "1e-2" }
default_spend = { rho = "0.05" }

[datasets.hostile.tables.events]
file = "events.parquet"
unit = "who"
max_groups = 2
max_rows_per_group = 3
max_groups_ceiling = 5
max_rows_per_group_ceiling = 7

[datasets.hostile.tables.events.columns]
who   = { type = "int64" }
kind  = { type = "int64", values = [1, 2, 3], source = "test" }
label = { type = "utf8", values = ["a", "b"], source = "test" }
flag  = { type = "bool", values = [false, true], source = "test" }
cost  = { type = "float64", bounds = ["0", "100"], source = "test" }
size  = { type = "int64", bounds = ["-5", "60"], source = "test" }
code  = { type = "int64" }
note  = { type = "utf8" }
raw   = { type = "float64" }
day   = { type = "date" }
at    = { type = "timestamp" }

[datasets.hostile.tables.people]
file = "people.parquet"
unit = "who"
max_groups = 1
max_rows_per_group = 1

[datasets.hostile.tables.people.columns]
who  = { type = "int64" }
sex  = { type = "utf8", values = ["f", "m"], source = "test" }
born = { type = "int64", bounds = ["1900", "2025"], source = "test" }

[public.codes]
file = "codes.parquet"
provenance = "written for this test"

[public.codes.columns]
code = { type = "int64" }
name = { type = "utf8" }
"#;

/// One random question.
pub fn question(seed: u64) -> String {
    Plan { chance: Chance::new(seed), depth: 0 }.statement()
}

/// A question without keys about one table, whose expressions the choices make.
pub fn ungrouped(chance: &mut Chance) -> String {
    let mut plan = Plan { chance: chance.clone(), depth: 0 };
    let source = Source::events();
    let (whole, number) = (plan.whole(&source), plan.number(&source));
    let test = plan.condition(&source);
    format!(
        "SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(rho = 0.000001) SUM(clamp({whole}, -9, 9)) AS a, \
         AVG(clamp({number}, -2, 2)) AS b, COUNT(*) AS c FROM events AS e WHERE {test}"
    )
}

struct Plan {
    chance: Chance,
    depth: usize,
}

/// What FROM reads, and the prefix of the columns of `events` in it.
struct Source {
    text: String,
    events: &'static str,
    people: Option<&'static str>,
    codes: Option<&'static str>,
    /// A feature per person, an integer.
    feature: Option<&'static str>,
}

impl Source {
    fn events() -> Self {
        Self {
            text: "events AS e".to_owned(),
            events: "e",
            people: None,
            codes: None,
            feature: None,
        }
    }
}

impl Plan {
    fn statement(&mut self) -> String {
        let source = self.source();
        let keys = self.keys(&source);
        let aggregates: Vec<String> = (0..1 + self.chance.below(3))
            .map(|number| format!("{} AS a{number}", self.aggregate(&source)))
            .collect();
        let names: Vec<String> = (0..keys.len()).map(|number| format!("k{number}")).collect();
        let mut items: Vec<String> =
            keys.iter().zip(&names).map(|(key, name)| format!("{key} AS {name}")).collect();
        items.extend(aggregates);
        let clause = self.clause();
        let mut sql = format!("SELECT {clause}{} FROM {}", items.join(", "), source.text);
        if self.chance.percent(60) {
            sql += &format!(" WHERE {}", self.filter(&source));
        }
        if !keys.is_empty() {
            sql += &format!(" GROUP BY {}", keys.join(", "));
            if self.chance.percent(15) {
                sql += " HAVING COUNT(*) >= 2";
            }
        }
        if self.chance.percent(15) {
            sql += " ORDER BY a0 DESC LIMIT 3";
        }
        sql
    }

    fn clause(&mut self) -> String {
        if !self.chance.percent(25) {
            return String::new();
        }
        let groups = 1 + self.chance.below(6);
        let rows = 1 + self.chance.below(8);
        let loss = self.chance.pick(&["rho = 0.01", "epsilon = 1", "share = '0.1%'", "rho = 2"]);
        match self.chance.below(3) {
            0 => format!("WITH DIFFERENTIAL_PRIVACY OPTIONS({loss}) "),
            1 => format!(
                "WITH DIFFERENTIAL_PRIVACY OPTIONS({loss}, max_groups_contributed = {groups}) "
            ),
            _ => format!(
                "WITH DIFFERENTIAL_PRIVACY OPTIONS({loss}, max_groups_contributed = {groups}, \
                 max_rows_per_group = {rows}) "
            ),
        }
    }

    fn source(&mut self) -> Source {
        let plain =
            |text: &str, events| Source { text: text.to_owned(), events, ..Source::events() };
        match self.chance.below(12) {
            0..=3 => plain("events AS e", "e"),
            4 => Source {
                people: Some("p"),
                ..plain("events AS e JOIN people AS p ON e.who = p.who", "e")
            },
            5 => Source {
                codes: Some("c"),
                ..plain("events AS e JOIN codes AS c ON e.code = c.code", "e")
            },
            6 => Source {
                people: Some("p"),
                ..plain("people AS p LEFT JOIN events AS e ON p.who = e.who", "e")
            },
            7 => Source {
                codes: Some("c"),
                ..plain("events AS e LEFT JOIN codes AS c ON e.code = c.code", "e")
            },
            8 => {
                let inner = self.inner_filter();
                plain(&format!("(SELECT * FROM events AS e WHERE {inner}) AS e"), "e")
            }
            9 => {
                let value = self.feature();
                Source {
                    feature: Some("f"),
                    ..plain(
                        &format!(
                            "events AS e JOIN (SELECT who, {value} AS n FROM events AS e \
                             GROUP BY who) AS f ON e.who = f.who"
                        ),
                        "e",
                    )
                }
            }
            10 => {
                let (left, right) = (self.inner_filter(), self.inner_filter());
                plain(
                    &format!(
                        "(SELECT * FROM events AS e WHERE {left} UNION ALL \
                         SELECT * FROM events AS e WHERE {right}) AS e"
                    ),
                    "e",
                )
            }
            _ => {
                let order = self.chance.pick(&["day", "cost", "size", "code", "at"]);
                Source {
                    feature: Some("e"),
                    ..plain(
                        &format!(
                            "(SELECT *, ROW_NUMBER() OVER (PARTITION BY who ORDER BY {order}) AS n \
                             FROM events) AS e"
                        ),
                        "e",
                    )
                }
            }
        }
    }

    fn feature(&mut self) -> &'static str {
        self.chance.pick(&[
            "COUNT(*)",
            "COUNT(DISTINCT kind)",
            "SUM(size)",
            "MAX(size)",
            "MIN(code)",
            "COUNT(cost)",
        ])
    }

    fn inner_filter(&mut self) -> String {
        self.condition(&Source::events())
    }

    fn keys(&mut self, source: &Source) -> Vec<String> {
        (0..self.chance.below(3)).map(|_| self.key(source)).collect()
    }

    fn key(&mut self, source: &Source) -> String {
        let e = source.events;
        match self.chance.below(12) {
            0 | 1 => format!("{e}.kind"),
            2 => format!("{e}.label"),
            3 => format!("{e}.flag"),
            4 => format!("{e}.code"),
            5 => format!("{e}.note"),
            6 => self.condition(source),
            7 => source.people.map_or(format!("{e}.kind"), |p| format!("{p}.sex")),
            8 => source.codes.map_or(format!("{e}.label"), |c| format!("{c}.name")),
            9 => source.feature.map_or(format!("{e}.day"), |f| format!("{f}.n")),
            10 => {
                let test = self.condition(source);
                format!("CASE WHEN {test} THEN 'yes' ELSE 'no' END")
            }
            _ => self.whole(source),
        }
    }

    fn aggregate(&mut self, source: &Source) -> String {
        let e = source.events;
        match self.chance.below(12) {
            0 | 1 => "COUNT(*)".to_owned(),
            2 => format!("COUNT(DISTINCT {e}.who)"),
            3 => format!("COUNT({})", self.any(source)),
            4 | 5 => format!("SUM({})", self.whole(source)),
            6 | 7 => format!("SUM({})", self.number(source)),
            8 => format!("AVG({})", self.whole(source)),
            9 => format!("AVG({})", self.number(source)),
            10 => {
                let test = self.condition(source);
                format!("SUM({e}.size) FILTER (WHERE {test})")
            }
            _ => {
                let function = self.chance.pick(&["VAR_POP", "STDDEV", "COUNT(DISTINCT", "SUM"]);
                match function {
                    "COUNT(DISTINCT" => format!("COUNT(DISTINCT {})", self.any(source)),
                    function => format!("{function}({})", self.number(source)),
                }
            }
        }
    }

    fn any(&mut self, source: &Source) -> String {
        let e = source.events;
        match self.chance.below(4) {
            0 => format!("{e}.note"),
            1 => format!("{e}.day"),
            2 => self.whole(source),
            _ => self.number(source),
        }
    }

    /// An expression of integers.
    fn whole(&mut self, source: &Source) -> String {
        let e = source.events;
        let leaf = self.depth > 2;
        self.depth += 1;
        let text = match self.chance.below(if leaf { 5 } else { 17 }) {
            0 | 1 => format!("{e}.size"),
            2 => format!("{e}.kind"),
            3 => source.feature.map_or(format!("{e}.code"), |f| format!("clamp({f}.n, 0, 9)")),
            4 => self
                .chance
                .pick(&["0", "1", "-3", "7", "9223372036854775807", "-9223372036854775808"])
                .to_owned(),
            5 => format!("({} + {})", self.whole(source), self.whole(source)),
            6 => format!("({} - {})", self.whole(source), self.whole(source)),
            7 => format!("({} * {})", self.whole(source), self.whole(source)),
            8 => format!("({} / {})", self.whole(source), self.whole(source)),
            9 => format!("({} % {})", self.whole(source), self.whole(source)),
            10 => format!("clamp({}, -4, 20)", self.whole(source)),
            11 => format!("COALESCE({}, {})", self.whole(source), self.whole(source)),
            12 => format!("GREATEST({}, {})", self.whole(source), self.whole(source)),
            13 => format!("LEAST({}, {})", self.whole(source), self.whole(source)),
            14 => {
                let test = self.condition(source);
                format!(
                    "CASE WHEN {test} THEN {} ELSE {} END",
                    self.whole(source),
                    self.whole(source)
                )
            }
            15 => format!("ABS({})", self.whole(source)),
            _ => {
                let texts = [
                    format!("EXTRACT(YEAR FROM {e}.day)"),
                    format!("TRY_CAST({e}.note AS BIGINT)"),
                    format!("CAST({} AS BIGINT)", self.number(source)),
                    format!("width_bucket({e}.cost, 0, 100, 5)"),
                    format!("LENGTH({e}.note)"),
                    format!("NULLIF({e}.size, 3)"),
                ];
                texts[self.chance.below(texts.len())].clone()
            }
        };
        self.depth -= 1;
        text
    }

    /// An expression of doubles.
    fn number(&mut self, source: &Source) -> String {
        let e = source.events;
        let leaf = self.depth > 2;
        self.depth += 1;
        let text = match self.chance.below(if leaf { 4 } else { 13 }) {
            0 | 1 => format!("{e}.cost"),
            2 => format!("clamp({e}.raw, -1.5, 2.5)"),
            3 => self.chance.pick(&["0.5", "-2.25", "1e3", "1e308"]).to_owned(),
            4 => format!("({} + {})", self.number(source), self.number(source)),
            5 => format!("({} - {})", self.number(source), self.number(source)),
            6 => format!("({} * {})", self.number(source), self.number(source)),
            7 => format!("({} / {})", self.number(source), self.number(source)),
            8 => format!("CAST({} AS DOUBLE)", self.whole(source)),
            9 => format!("COALESCE({}, {e}.cost)", self.number(source)),
            10 => format!("SQRT({})", self.number(source)),
            11 => format!("ROUND({})", self.number(source)),
            _ => {
                let test = self.condition(source);
                format!("CASE WHEN {test} THEN {} END", self.number(source))
            }
        };
        self.depth -= 1;
        text
    }

    fn filter(&mut self, source: &Source) -> String {
        if !self.chance.percent(25) {
            return self.condition(source);
        }
        let e = source.events;
        let inner = self.inner_filter();
        match self.chance.below(4) {
            0 => format!("{e}.who IN (SELECT who FROM people WHERE born > 1950)"),
            1 => format!("{e}.who IN (SELECT e.who FROM events AS e WHERE {inner})"),
            2 => format!("{e}.who NOT IN (SELECT e.who FROM events AS e WHERE {inner})"),
            _ => format!("{e}.code IN (SELECT code FROM codes WHERE name = 'alpha')"),
        }
    }

    fn condition(&mut self, source: &Source) -> String {
        let e = source.events;
        let leaf = self.depth > 2;
        self.depth += 1;
        let compare = self.chance.pick(&["=", "<>", "<", "<=", ">", ">="]);
        let text = match self.chance.below(if leaf { 6 } else { 12 }) {
            0 => format!("{e}.cost {compare} 40"),
            1 => format!("{e}.size {compare} 10"),
            2 => format!("{e}.label = 'a'"),
            3 => format!("{e}.kind IN (1, 3)"),
            4 => format!("{e}.raw IS NOT NULL"),
            5 => format!("{e}.flag"),
            6 => format!("{} {compare} {}", self.whole(source), self.whole(source)),
            7 => format!("{} {compare} {}", self.number(source), self.number(source)),
            8 => format!("({} AND {})", self.condition(source), self.condition(source)),
            9 => format!("({} OR {})", self.condition(source), self.condition(source)),
            10 => format!("NOT ({})", self.condition(source)),
            _ => {
                let texts = [
                    format!("{e}.note LIKE '%a%'"),
                    format!("{e}.day > DATE '2010-01-01'"),
                    format!("{e}.size BETWEEN 0 AND 30"),
                    format!("{e}.note = 'fever'"),
                    format!("{e}.who > 3"),
                    format!("{} IS NULL", self.whole(source)),
                ];
                texts[self.chance.below(texts.len())].clone()
            }
        };
        self.depth -= 1;
        text
    }
}
