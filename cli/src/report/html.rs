//! The page: heading, and per question a chart, a table, the price and the receipt.

use std::fmt::Write;

use super::chart::{self, BARS_MAX};
use super::{Report, ReportQuestion, Table, escape};

const STYLE: &str = include_str!("style.css");

/// The report as one HTML page that needs nothing else.
pub fn html(report: &Report) -> String {
    let project = escape(&report.project);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{project}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header>\n<h1>{project}</h1>\n<p>Dataset {}, permit {}. Every number in a bar or with an \
         interval was released with differential privacy. The intervals hold the answer over \
         bounded records in 95 of 100 releases; they say nothing about what bounding left \
         out.</p>\n</header>\n",
        escape(&report.dataset),
        escape(&report.permit),
    );
    contents(&mut out, &report.questions);
    for question in &report.questions {
        section(&mut out, question);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn contents(out: &mut String, questions: &[ReportQuestion]) {
    out.push_str("<nav aria-label=\"Questions\">\n<ol>\n");
    for question in questions {
        let (name, title) = (escape(&question.name), escape(&question.title));
        let _ = writeln!(out, "<li><a href=\"#{name}\">{title}</a></li>");
    }
    out.push_str("</ol>\n</nav>\n");
}

fn section(out: &mut String, question: &ReportQuestion) {
    let (name, title) = (escape(&question.name), escape(&question.title));
    let _ = writeln!(out, "<section id=\"{name}\" aria-labelledby=\"{name}-title\">");
    let _ = writeln!(out, "<h2 id=\"{name}-title\">{title}</h2>");
    if let Some((measure, bars)) = question.table.bars() {
        let drawing = chart::svg(&question.title, measure, &bars);
        if !drawing.is_empty() {
            let _ = writeln!(out, "<figure>\n{drawing}<figcaption>{}", escape(measure));
            if bars.len() > BARS_MAX {
                let _ = write!(out, "; the first {BARS_MAX} of {} groups", bars.len());
            }
            out.push_str("; lines are 95% intervals</figcaption>\n</figure>\n");
        }
    }
    table(out, &question.title, &question.table);
    let _ = writeln!(
        out,
        "<dl>\n<div><dt>Cost</dt><dd>{} of the budget ({})</dd></div>\n\
         <div><dt>Left afterwards</dt><dd>{}</dd></div>\n\
         <div><dt>Receipt</dt><dd>entry {} of the ledger</dd></div>\n\
         <div><dt>Released</dt><dd><code>{}</code></dd></div>\n</dl>\n\
         <details><summary>The question</summary>\n<pre><code>{}</code></pre>\n</details>\n\
         </section>",
        escape(&question.share),
        escape(&question.loss),
        escape(&question.left),
        question.charge,
        escape(&question.output_hash),
        escape(question.sql.trim()),
    );
}

fn table(out: &mut String, title: &str, table: &Table) {
    let _ = write!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}: table\">\n\
         <table>\n<caption>{0}</caption>\n<thead><tr>",
        escape(title)
    );
    for column in &table.columns {
        let class = if column.is_number { " class=\"number\"" } else { "" };
        let name = escape(&column.name);
        let _ = write!(out, "<th scope=\"col\"{class}>{name}</th>");
        if column.has_interval {
            out.push_str("<th scope=\"col\" class=\"number\">95% interval</th>");
        }
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (column, cell) in table.columns.iter().zip(row) {
            let class = if column.is_number { " class=\"number\"" } else { "" };
            let (value, interval) = cell.shown();
            let _ = write!(out, "<td{class}>{}</td>", escape(&value));
            if column.has_interval {
                let interval = escape(&interval.unwrap_or_default());
                let _ = write!(out, "<td class=\"number interval\">{interval}</td>");
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}
