//! Job files: a project and the questions to ask of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};
use voilage_query::question::SpendOptions;
use voilage_query::weights::Weights;
use voilage_query::{AskOptions, Spend};

use crate::error::CliError;

const JOB_KEYS: &[&str] = &["project", "question"];
const QUESTION_KEYS: &[&str] =
    &["name", "title", "epsilon", "rho", "share", "error", "weights", "sql"];
/// The longest name that every file system takes with an ending.
const NAME_LENGTH_MAX: usize = 100;

/// A whole job.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    /// Who pays.
    pub(crate) project: String,
    /// In the order of asking.
    #[serde(rename = "question")]
    pub(crate) questions: Vec<JobQuestion>,
}

/// One question of a job.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobQuestion {
    /// The name of its file; unique in the job.
    pub(crate) name: String,
    /// The heading of its table.
    pub(crate) title: String,
    epsilon: Option<Amount>,
    rho: Option<Amount>,
    share: Option<Amount>,
    /// The error that is wanted instead of a price, at 95%: for all columns, or by their names.
    error: Option<Targets>,
    /// How the price is split between the columns, such as `n = 2, cost = 1`.
    weights: Option<String>,
    /// The question.
    pub(crate) sql: String,
}

/// A quantity as text or as a TOML number, which is taken by its shortest decimal text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Amount {
    Text(String),
    Integer(i64),
    Float(f64),
}

/// The errors that are wanted.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Targets {
    /// The same for every column.
    Every(f64),
    /// By the names of the columns.
    Named(BTreeMap<String, f64>),
}

impl Amount {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
        }
    }
}

impl Job {
    /// Reads the job file at `path`; also returns its bytes, for the manifest's hash.
    pub(crate) fn read(path: &Path) -> Result<(Self, Vec<u8>), CliError> {
        let bytes = std::fs::read(path).map_err(|error| CliError::file("read", path, error))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            CliError::input(
                format!("{} is not UTF-8 text", path.display()),
                "give the path of a job file in TOML, saved as UTF-8",
            )
        })?;
        let job = Self::parse(text, &path.display().to_string())?;
        Ok((job, bytes))
    }

    /// Parses the text of a job file; `file` is named in messages.
    pub(crate) fn parse(text: &str, file: &str) -> Result<Self, CliError> {
        let table: Table = text.parse().map_err(|error| not_toml(file, &error))?;
        check_keys(&table, JOB_KEYS, file, "the job")?;
        let questions = table.get("question").and_then(Value::as_array);
        for (index, question) in questions.into_iter().flatten().enumerate() {
            if let Some(question) = question.as_table() {
                let place = format!("question {}", index + 1);
                check_keys(question, QUESTION_KEYS, file, &place)?;
            }
        }
        let job: Self = toml::from_str(text).map_err(|error| not_toml(file, &error))?;
        job.check(file)?;
        Ok(job)
    }

    fn check(&self, file: &str) -> Result<(), CliError> {
        check_name(&self.project, file, "project")?;
        if self.questions.is_empty() {
            return Err(CliError::input(
                format!("{file}: the job asks nothing"),
                "add a [[question]] with name, title, epsilon and sql",
            ));
        }
        let mut seen = BTreeSet::new();
        for question in &self.questions {
            check_name(&question.name, file, "question")?;
            // Some file systems hold one file for both spellings.
            if !seen.insert(question.name.to_lowercase()) {
                return Err(CliError::input(
                    format!("{file}: two questions are called {:?}", question.name),
                    "give each question a name of its own; it becomes a file's name",
                ));
            }
            let amounts = [&question.epsilon, &question.rho, &question.share];
            let given = amounts.into_iter().flatten().count();
            if given + usize::from(question.error.is_some()) > 1 {
                return Err(CliError::input(
                    format!(
                        "{file}: question {:?} may have only one of epsilon, rho, share and error",
                        question.name
                    ),
                    "write for example epsilon = \"0.5\" or share = \"5%\", and no other; or \
                     none, where the question's OPTIONS or the dataset's default_spend decide",
                ));
            }
        }
        Ok(())
    }
}

impl JobQuestion {
    /// The errors that are wanted instead of a price.
    pub(crate) fn targets(&self) -> Option<&Targets> {
        self.error.as_ref()
    }

    /// What it changes about how its price is split.
    pub(crate) fn options(&self) -> Result<AskOptions, CliError> {
        let weights = self.weights.as_deref().map(Weights::parse).transpose()?;
        Ok(AskOptions { weights, ..AskOptions::default() })
    }

    /// What it may cost.
    pub(crate) fn spend(&self) -> Result<Spend, CliError> {
        if self.error.is_some() {
            return Err(CliError::input(
                "it says which error is wanted, and not yet what that may cost",
                "run `voilage allocate` on the job, and write the prices it finds in place of the errors",
            ));
        }
        let text = |amount: &Option<Amount>| amount.as_ref().map(Amount::text);
        let (epsilon, rho, share) = (text(&self.epsilon), text(&self.rho), text(&self.share));
        Ok(Spend::from_options(SpendOptions {
            epsilon: epsilon.as_deref(),
            rho: rho.as_deref(),
            share: share.as_deref(),
        })?)
    }
}

fn not_toml(file: &str, error: &toml::de::Error) -> CliError {
    CliError::input(
        format!("{file} is not a job file: {}", error.to_string().trim_end()),
        "a job has project = \"..\" and [[question]] entries with name, title, sql and one of \
         epsilon, rho or share",
    )
}

fn check_keys(table: &Table, known: &[&str], file: &str, place: &str) -> Result<(), CliError> {
    let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&key.to_lowercase(), name), *name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 3)
        .min();
    let fix = match nearest {
        Some((_, name)) => format!("did you mean {name:?}?"),
        None => format!("remove it; the keys are {}", known.join(", ")),
    };
    Err(CliError::input(format!("{file}: {place} has an unknown key {key:?}"), fix))
}

fn check_name(name: &str, file: &str, what: &str) -> Result<(), CliError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && name.len() <= NAME_LENGTH_MAX && name.chars().all(allowed) {
        return Ok(());
    }
    Err(CliError::input(
        format!("{file}: {what} name {name:?} cannot be a file's name"),
        format!(
            "begin with a letter or digit and use only ASCII letters, digits, '-', '_' and '.', \
             {NAME_LENGTH_MAX} characters at most"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "project = 'p'\n[[question]]\nname = 'a'\ntitle = 'A'\nepsilon = 0.1\n\
                        sql = 'SELECT 1'\n";

    fn refusal(text: &str) -> String {
        Job::parse(text, "job.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_float_is_taken_by_its_shortest_decimal_text() {
        let text = |job: &Job| job.questions[0].epsilon.as_ref().unwrap().text();
        assert_eq!(text(&Job::parse(GOOD, "job.toml").unwrap()), "0.1");
        let small = GOOD.replace("0.1", "1e-7");
        assert_eq!(text(&Job::parse(&small, "job.toml").unwrap()), "0.0000001");
        let whole = GOOD.replace("0.1", "2");
        assert_eq!(text(&Job::parse(&whole, "job.toml").unwrap()), "2");
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        assert!(refusal(&GOOD.replace("epsilon", "epsilom")).contains("did you mean \"epsilon\"?"));
        assert!(refusal(&GOOD.replace("project", "projekt")).contains("did you mean \"project\"?"));
        assert!(refusal(&format!("{GOOD}colour = 1\n")).contains("unknown key \"colour\""));
    }

    #[test]
    fn names_are_files_and_unique() {
        for bad in ["../a", "", ".hidden", "a/b", "ä", "a b"] {
            let text = GOOD.replace("name = 'a'", &format!("name = '{bad}'"));
            assert!(refusal(&text).contains("cannot be a file's name"), "{bad}");
        }
        let (_, question) = GOOD.split_once('\n').unwrap();
        let twice = format!("{GOOD}{}", question.replace("'a'", "'A'"));
        assert!(refusal(&twice).contains("two questions are called"));
    }

    #[test]
    fn a_price_is_given_at_most_once() {
        let both = GOOD.replace("epsilon = 0.1", "epsilon = 0.1\nshare = '1%'");
        assert!(refusal(&both).contains("only one"));
    }

    #[test]
    fn a_job_asks_something() {
        assert_eq!(Job::parse("project = 'p'\n", "job.toml").unwrap_err().exit_code(), 2);
        assert!(refusal("project = 'p'\nquestion = []\n").contains("asks nothing"));
        assert!(refusal("project = ").contains("is not a job file"));
    }
}
