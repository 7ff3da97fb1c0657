//! `voilage run`: all questions of a job, priced together, then asked one by one.

use serde_json::{Value, json};
use voilage_query::{Answer, Question, Study};

use crate::admission::{self, Prospect};
use crate::args::RunArgs;
use crate::console::{Console, Progress};
use crate::error::CliError;
use crate::job::{Job, JobQuestion};
use crate::manifest::{Manifest, ManifestQuestion};
use crate::report::{Report, ReportQuestion, Table};
use crate::verbs::{ask, budget};
use crate::{output, present, report};

/// Runs a job: nothing is charged unless every question is accepted and all fit the budget.
pub(super) fn run(args: &RunArgs, console: &mut Console<'_>) -> Result<(), CliError> {
    let (job, job_bytes) = Job::read(&args.job)?;
    let study = super::open(&args.hub)?.project(&job.project)?;
    writeln!(console.err, "pricing {} questions of {}", job.questions.len(), job.project)?;
    let questions = price(&job, &study, args)?;
    let prospects = admission::prospects(&study, &job, &questions)?;
    if args.dry_run && args.json {
        present::json(&prices_as_json(&job, &prospects, &questions), console)?;
    } else if args.dry_run {
        show_prices(&prospects, &questions, console)?;
    }
    admission::check(&study, &prospects, &questions)?;
    if args.dry_run && args.json {
        return Ok(());
    }
    if args.dry_run {
        writeln!(console.out, "dry run: all of it fits; nothing was charged")?;
        return Ok(());
    }

    let folder = args.out.join(&job.project);
    let mut answered = Vec::with_capacity(questions.len());
    for (index, (asked, question)) in job.questions.iter().zip(&questions).enumerate() {
        let label = format!("[{}/{}] {}", index + 1, questions.len(), asked.name);
        let answer = question
            .run(&Progress::new(label, console.err))
            .map_err(|error| CliError::from(error).in_question(&asked.name))?;
        let table = present::table(&answer)?;
        if !args.json {
            writeln!(console.out, "\n{}", asked.title)?;
            ask::show(&answer, &table, console)?;
        }
        let file = format!("{}.parquet", asked.name);
        let bytes = output::parquet_bytes(&answer.with_intervals()?)?;
        output::write_file(&folder.join(&file), &bytes)?;
        let sha256 = output::sha256_hex(&bytes);
        answered.push(Answered { asked, question, answer, table, file, sha256 });
    }
    let manifest = manifest(&job, &job_bytes, &answered).to_bytes()?;
    output::write_file(&folder.join("run.json"), &manifest)?;
    let page = report::html(&as_report(&study, &answered)?);
    output::write_file(&folder.join("report.html"), page.as_bytes())?;
    match args.json {
        true => present::json(&answers_as_json(&study, &answered)?, console),
        false => summarise(&study, &answered, console),
    }
}

/// What each question would cost and what would become of it, for programs.
fn prices_as_json(job: &Job, prospects: &[Prospect<'_>], questions: &[Question]) -> Value {
    let questions = prospects.iter().zip(questions).map(|(prospect, question)| {
        json!({
            "question": prospect.name,
            "loss": question.explanation().loss,
            "share": question.explanation().share,
            "paid": prospect.is_paid,
            "refused": prospect.refused.as_ref().map(ToString::to_string),
        })
    });
    json!({ "project": job.project, "questions": questions.collect::<Value>(), "dry_run": true })
}

/// What was answered and where it is, for programs.
fn answers_as_json(study: &Study, answered: &[Answered<'_>]) -> Result<Value, CliError> {
    let project = study.project()?;
    let questions = answered.iter().map(|done| {
        json!({
            "question": done.asked.name,
            "file": done.file,
            "sha256": done.sha256,
            "entry": done.answer.receipt.charge,
            "replayed": done.answer.replayed,
        })
    });
    Ok(json!({
        "project": project.name,
        "questions": questions.collect::<Value>(),
        "left": budget::quantities(&project.left),
        "dry_run": false,
    }))
}

/// A question of the job with its answer and its file.
struct Answered<'a> {
    asked: &'a JobQuestion,
    question: &'a Question,
    answer: Answer,
    table: Table,
    file: String,
    sha256: String,
}

/// Analyses and prices all questions; the first refusal ends the job before anything is charged.
fn price(job: &Job, study: &Study, args: &RunArgs) -> Result<Vec<Question>, CliError> {
    let mut questions = Vec::with_capacity(job.questions.len());
    for asked in &job.questions {
        let question = asked
            .spend()
            .and_then(|spend| Ok(study.question_with(&asked.sql, &spend, &asked.options()?)?))
            .inspect_err(|error| {
                if let (CliError::Query(refused), false) = (error, args.dry_run) {
                    study.record_refusal(&asked.sql, refused);
                }
            })
            .map_err(|error| error.in_question(&asked.name))?;
        questions.push(question.renew(args.renew));
    }
    Ok(questions)
}

/// What each question would cost and how exact its answers would be.
fn show_prices(
    prospects: &[Prospect<'_>],
    questions: &[Question],
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let mut table = present::blank();
    table.set_header(["question", "share", "cost", "error at 95%", "would be"]);
    for (prospect, question) in prospects.iter().zip(questions) {
        let explanation = question.explanation();
        let outputs = explanation.boundaries.iter().flat_map(|boundary| &boundary.outputs);
        let errors: Vec<String> =
            outputs.map(|output| format!("{} +-{:.4}", output.kind, output.error_95)).collect();
        table.add_row([
            prospect.name.to_owned(),
            explanation.share.clone(),
            present::loss(&explanation.loss),
            errors.join(", "),
            match (&prospect.refused, prospect.is_paid) {
                (Some(_), _) => "refused".to_owned(),
                (None, true) => "free: paid already".to_owned(),
                (None, false) => "charged".to_owned(),
            },
        ]);
    }
    writeln!(console.out, "{}", table.trim_fmt())?;
    Ok(())
}

fn manifest<'a>(job: &'a Job, job_bytes: &[u8], answered: &'a [Answered<'a>]) -> Manifest<'a> {
    let questions = answered.iter().map(|done| ManifestQuestion {
        name: &done.asked.name,
        title: &done.asked.title,
        sql: &done.asked.sql,
        file: done.file.clone(),
        sha256: done.sha256.clone(),
        receipt: &done.answer.receipt,
        explanation: &done.question.explanation().boundaries,
    });
    Manifest::new(&job.project, output::sha256_hex(job_bytes), questions.collect())
}

fn as_report(study: &Study, answered: &[Answered<'_>]) -> Result<Report, CliError> {
    let project = study.project()?;
    let questions = answered.iter().map(|done| {
        let receipt = &done.answer.receipt;
        ReportQuestion {
            name: done.asked.name.clone(),
            title: done.asked.title.clone(),
            sql: done.asked.sql.clone(),
            table: done.table.clone(),
            loss: present::loss(&receipt.loss),
            share: receipt.share.clone(),
            left: receipt.left.clone(),
            charge: receipt.charge,
            output_hash: receipt.output_hash.clone(),
        }
    });
    Ok(Report {
        project: project.name.clone(),
        dataset: project.dataset.clone(),
        permit: project.permit.reference.clone(),
        questions: questions.collect(),
    })
}

fn summarise(
    study: &Study,
    answered: &[Answered<'_>],
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let replayed = answered.iter().filter(|done| done.answer.replayed).count();
    let new = answered.len() - replayed;
    let project = study.project()?;
    writeln!(
        console.out,
        "\n{}: {new} released now, {replayed} already released; {} of the budget is left",
        project.name,
        budget::share(&project.left, &project.cap),
    )?;
    Ok(())
}
