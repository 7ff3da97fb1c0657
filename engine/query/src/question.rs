//! A question: analysed, priced, and ready to be paid for.

use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use sha2::{Digest, Sha256};
use voilage_budgets::{Charge, ChargeRequest, DatasetShare, Project, RequestKey};
use voilage_privacy::quantity::Loss;

use crate::analysed::Analysed;
use crate::answer::{Answer, CutUnits};
use crate::door::Parameters;
use crate::error::{QueryError, Refusal, RefusalCode};
use crate::execute::{self, Derived, Failure, Files, Sources};
use crate::explanation::Explanation;
use crate::holder;
use crate::hub::Study;
use crate::interrupt::Interrupt;
use crate::observer::{Stage, StageObserver};
use crate::options::AskOptions;
use crate::ownership::Split;
use crate::plan::{Boundary, Node, PrivatePlan, Relation};
use crate::post;
use crate::price::{Priced, price};
use crate::receipt::Receipt;
use crate::release::{self, Released};
use crate::reuse::{self, Free, Prepared, ReleaseId, TopUp};
use crate::session;
use crate::spend::say_once;
pub use crate::spend::{Spend, SpendOptions};

/// A question that has been analysed and priced. Nothing has been read or charged.
pub struct Question {
    study: Study,
    sql: String,
    above: LogicalPlan,
    plan: PrivatePlan,
    loss: Loss,
    /// What the project's own dataset pays of it, and what each further one pays.
    own_loss: Loss,
    shares: Vec<DatasetShare>,
    files: Files,
    project: Project,
    data_version: String,
    explanation: Explanation,
    renew: bool,
    consistent: bool,
    top_up: Option<TopUp>,
    /// The options beside the SQL.
    stated: AskOptions,
}

/// The boundaries of a question with what their seals say, in the order in which they are drawn.
type ReleasedBoundaries<'a> = Vec<(&'a Boundary, Released)>;

impl std::fmt::Debug for Question {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Question").field("sql", &self.sql).field("loss", &self.loss).finish()
    }
}

impl Question {
    pub(crate) fn prepare(
        study: Study,
        sql: &str,
        spend: &Spend,
        options: &AskOptions,
    ) -> Result<Self, QueryError> {
        let (asked, spend) = Analysed::of(study, sql, options, |parameters, default| {
            stated_spend(spend, parameters, default)
        })?;
        let Split { drafts, derived, above } = asked.split;
        let priced = price(drafts, &asked.project, &spend, &asked.options)?;
        let Priced { mut plan, loss, by_dataset } = priced;
        plan.derived = derived;
        let catalogue = &asked.study.parts().catalogue;
        let mut explanation =
            Explanation::new(&plan, &loss, &asked.project, catalogue, &asked.options)?;
        explanation.name_columns(&post::traced(&above));
        explanation.name_views(asked.views);
        explanation.note_what_is_free(&above, asked.options.consistent);
        let of = |dataset: &str| {
            let none = || Loss::zero(asked.project.accountant);
            by_dataset.get(dataset).cloned().unwrap_or_else(none)
        };
        let own_loss = of(&asked.project.dataset);
        let share = |(dataset, data_version): (String, String)| {
            let loss = of(&dataset);
            DatasetShare { dataset, data_version, loss }
        };
        let shares = asked.further.into_iter().map(share).collect();
        Ok(Self {
            study: asked.study,
            sql: asked.sql,
            above,
            plan,
            loss,
            own_loss,
            shares,
            files: asked.files,
            project: asked.project,
            data_version: asked.data_version,
            explanation,
            renew: false,
            consistent: asked.options.consistent,
            top_up: None,
            stated: options.clone(),
        })
    }

    /// A question that adds precision to a release of its project.
    pub(crate) fn prepare_top_up(
        study: Study,
        sql: &str,
        release: &ReleaseId,
        spend: &Spend,
        options: &AskOptions,
    ) -> Result<Self, QueryError> {
        let Prepared { asked, plan, loss, explanation, top_up } =
            reuse::prepare_top_up(study, sql, release, spend, options)?;
        Ok(Self {
            study: asked.study,
            sql: asked.sql,
            above: asked.split.above,
            plan,
            own_loss: loss.clone(),
            shares: Vec::new(),
            loss,
            files: asked.files,
            project: asked.project,
            data_version: asked.data_version,
            explanation,
            renew: false,
            consistent: asked.options.consistent,
            top_up: Some(top_up),
            stated: options.clone(),
        })
    }

    /// The SQL as it was asked.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// What the question costs and how exact its answer will be.
    pub fn explanation(&self) -> &Explanation {
        &self.explanation
    }

    /// Whether the answer follows from what the project has released, with a wider interval and for
    /// nothing. Reads no owned row, charges nothing and shows no released value.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn free(&self) -> Result<Free, QueryError> {
        let mut free = self.study.free(&self.sql, &self.stated)?;
        if let Free::Offered(offer) = &mut free {
            offer.compare(&self.explanation);
        }
        Ok(free)
    }

    /// What will be charged, unless the answer has been released before.
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// Whether to pay again when three attempts under the charge have failed.
    #[must_use]
    pub fn renew(mut self, renew: bool) -> Self {
        self.renew = renew;
        self
    }

    /// Charges the question, executes it and returns the sealed answer; or replays it for free.
    ///
    /// *Guarantee*: no owned row is read before the charge is durable, and only bytes read back
    /// from the seal are returned.
    ///
    /// # Errors
    /// When the budget or the permit refuses, or the data cannot be read. A charge is never lost:
    /// asking again continues under it.
    pub fn run(&self, observer: &dyn StageObserver) -> Result<Answer, QueryError> {
        self.run_until(observer, &Interrupt::new())
    }

    /// As [`Self::run`], but stops reading data once `interrupt` is raised.
    ///
    /// # Errors
    /// Also [`QueryError::Interrupted`]: the charge stands, and asking again continues under it.
    pub fn run_until(
        &self,
        observer: &dyn StageObserver,
        interrupt: &Interrupt,
    ) -> Result<Answer, QueryError> {
        let hub = self.study.parts();
        let charge = hub.ledger.admit(&self.request()?)?;
        observer.reached(Stage::Charged);
        let replayed = charge.replayed && charge.sealed;
        let context = session::planning(&hub.catalogue)?;
        let (sealed, mut released) =
            self.sealed_or_executed(&charge, &context, observer, interrupt)?;
        let mut receipt = Receipt::new(&charge, &self.explanation, &sealed, &self.shares);
        if let Some(top_up) = &self.top_up {
            released = top_up.combined(&released)?;
            receipt.combined = top_up.parts();
        }
        if self.consistent {
            post::adjust(&mut released);
        }
        let shown =
            hub.block_on(post::run(&context, &hub.catalogue, &self.files, &self.above, &released))?;
        observer.reached(Stage::PostProcessed);
        let receipt = receipt.proved(&hub.ledger, &charge)?;
        let cut = released.iter().enumerate();
        let cut = cut.filter_map(|(index, (boundary, table))| CutUnits::of(index, boundary, table));
        let (table, intervals) = (shown.table, shown.intervals);
        Ok(Answer { table, intervals, cut: cut.collect(), receipt, replayed })
    }

    /// The sealed bytes of every boundary, and what they say. A later boundary may read what
    /// earlier ones have released, and does so from their seals.
    fn sealed_or_executed(
        &self,
        charge: &Charge,
        context: &SessionContext,
        observer: &dyn StageObserver,
        interrupt: &Interrupt,
    ) -> Result<(Vec<Vec<u8>>, ReleasedBoundaries<'_>), QueryError> {
        let hub = self.study.parts();
        let mut attempt = None;
        let mut sealed = Vec::with_capacity(self.plan.boundaries.len());
        let mut released: Vec<(&Boundary, Released)> = Vec::with_capacity(sealed.len());
        for (index, boundary) in self.plan.boundaries.iter().enumerate() {
            let index = u32::try_from(index).map_err(|_| QueryError::bug("too many boundaries"))?;
            if let Some(bytes) = hub.ledger.sealed(charge, index)? {
                released.push((boundary, release::from_bytes(boundary, &bytes)?));
                sealed.push(bytes);
                continue;
            }
            let derived = self.derived(&boundary.input, context, &released)?;
            let attempt = match &attempt {
                Some(attempt) => attempt,
                None => {
                    let begun = hub.ledger.begin_attempt(charge)?;
                    observer.reached(Stage::Executing);
                    attempt.insert(begun)
                }
            };
            let rank_key = rank_key(&charge.bounding_key, index);
            let sources = Sources { files: &self.files, derived: &derived };
            let reading = execute::totals(attempt, boundary, rank_key, sources, &hub.resources);
            let totals = hub
                .block_on_all_cores(interrupt.unless_raised(reading))
                .ok_or(QueryError::Interrupted)?
                .map_err(|failure| self.failed(failure))?;
            let mut noise = hub.randomness.noise()?;
            let drawn = match &self.top_up {
                None => release::release(boundary, index, &totals, noise.as_mut())?,
                Some(top_up) => {
                    let known = top_up.known(index)?;
                    release::again(boundary, index, &totals, known, noise.as_mut())?
                }
            };
            let tops_up = self.top_up.as_ref().map(TopUp::entry);
            let bytes = release::to_bytes(boundary, &drawn, tops_up)?;
            observer.reached(Stage::Released);
            let bytes = hub.ledger.seal(attempt, index, &bytes)?;
            released.push((boundary, release::from_bytes(boundary, &bytes)?));
            sealed.push(bytes);
            observer.reached(Stage::Sealed);
        }
        Ok((sealed, released))
    }

    /// The derived tables that a relation reads, from what has been sealed so far.
    fn derived(
        &self,
        relation: &Relation,
        context: &SessionContext,
        released: &[(&Boundary, Released)],
    ) -> Result<Derived, QueryError> {
        let hub = self.study.parts();
        let mut derived = Derived::new();
        let mut tables = Vec::new();
        derived_tables(relation, &mut tables);
        for table in tables {
            let known = self.plan.derived.get(table);
            let known = known.ok_or_else(|| QueryError::bug("an unknown derived table"))?;
            let rows = post::derive(context, &hub.catalogue, &self.files, known, released);
            derived.insert(table, hub.block_on(rows)?);
        }
        Ok(derived)
    }

    /// Analysts learn one bit; the operator's log has the detail.
    fn failed(&self, failure: Failure) -> QueryError {
        match failure {
            Failure::Bug(error) => error,
            Failure::Data(detail) => {
                self.study.parts().tell_operator(&detail);
                QueryError::TryAgain
            }
        }
    }

    pub(crate) fn request(&self) -> Result<ChargeRequest, QueryError> {
        let hub = self.study.parts();
        let unwritten = |_| QueryError::bug("a plan cannot be written");
        let mut canonical = serde_json::to_string(&self.plan).map_err(unwritten)?;
        if !self.plan.derived.is_empty() {
            // How aggregates follow from what is drawn is free, unless a later boundary reads them.
            let outputs = self.plan.boundaries.iter().map(|boundary| &boundary.outputs);
            let outputs: Vec<_> = outputs.collect();
            canonical += &serde_json::to_string(&outputs).map_err(unwritten)?;
        }
        let plan_hash: [u8; 32] = Sha256::digest(canonical.as_bytes()).into();
        let loss = format!("{:?}", crate::receipt::loss_fields(&self.loss));
        let former = self.top_up.as_ref().map(TopUp::terms);
        let mut terms: Vec<&[u8]> = vec![
            self.project.name.as_bytes(),
            self.data_version.as_bytes(),
            &plan_hash,
            loss.as_bytes(),
        ];
        terms.extend(former.iter().flatten().map(Vec::as_slice));
        let bounding_key = match &self.top_up {
            None => hub.randomness.bounding_key()?,
            // Another key would choose other rows, and the mean would be about neither choice.
            Some(top_up) => top_up.bounding_key(),
        };
        let description = match self.top_up.as_ref().map(TopUp::entry) {
            None => self.sql.clone(),
            Some(entry) => format!("top-up of entry {entry}: {}", self.sql),
        };
        // Other people's data have versions of their own: what was released about one is not an
        // answer about the next.
        for share in &self.shares {
            terms.extend([share.dataset.as_bytes(), share.data_version.as_bytes()]);
        }
        Ok(ChargeRequest {
            project: self.project.name.clone(),
            principal: hub.principal.clone(),
            request_key: RequestKey(framed("voilage.request-key", &terms)),
            request_hash: framed("voilage.request-hash", &terms),
            loss: self.own_loss.clone(),
            plan_hash,
            data_version: self.data_version.clone(),
            boundaries: u32::try_from(self.plan.boundaries.len())
                .map_err(|_| QueryError::bug("too many boundaries"))?,
            bounding_key,
            description,
            shares: self.shares.clone(),
            detail: holder::detail(&hub.catalogue, &self.plan, &self.explanation),
            renew: self.renew,
        })
    }
}

/// The price that is stated once: beside the SQL, in its OPTIONS, or by the dataset's default.
fn stated_spend(
    given: &Spend,
    parameters: &Parameters,
    default: Option<&Spend>,
) -> Result<Spend, QueryError> {
    match (given, &parameters.spend, default) {
        (Spend::AsWritten, Some((written, _)), _) => Ok(written.clone()),
        (Spend::AsWritten, None, Some(default)) => Ok(default.clone()),
        (Spend::AsWritten, None, None) => Err(say_once()),
        (Spend::Epsilon(_) | Spend::Rho(_) | Spend::Share(_), None, _) => Ok(given.clone()),
        (Spend::Epsilon(_) | Spend::Rho(_) | Spend::Share(_), Some((_, place)), _) => {
            Err(Refusal::new(
                RefusalCode::Parameter,
                "the price of the question",
                "it is said twice: in OPTIONS and beside the SQL",
                "say it once: leave it out of OPTIONS, or out of the call",
            )
            .at(*place)
            .into())
        }
    }
}

/// Each boundary bounds by a key of its own, derived from the charge's.
fn rank_key(bounding_key: &[u8; 16], boundary: u32) -> [u8; 16] {
    let hash = framed("voilage.rank-key", &[bounding_key, &boundary.to_be_bytes()]);
    let mut key = [0; 16];
    key.copy_from_slice(&hash[..16]);
    key
}

/// A hash over parts that no other parts share.
fn framed(purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn derived_tables(relation: &Relation, tables: &mut Vec<usize>) {
    if let Node::Derived { table } = &relation.node
        && !tables.contains(table)
    {
        tables.push(*table);
    }
    for input in relation.inputs() {
        derived_tables(input, tables);
    }
}
