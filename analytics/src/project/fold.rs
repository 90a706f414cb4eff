//! Carries a fold along the log.

use std::time::Duration;

use domain::Timestamp;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::place::{self, Place};
use super::{FoldError, SchemaName, Script};

/// Who follows the log looks so often whether there is more.
const FOLLOW_PAUSE: Duration = Duration::from_secs(1);

/// What is to be folded, and where to.
#[derive(Clone, Debug)]
pub struct FoldPlan {
    /// It is made if it is not there.
    pub schema: SchemaName,
    /// What the fold is called in there.
    pub name: String,
    pub script: Script,
    /// Runs the setup again, and begins at the first event.
    pub anew: bool,
    /// The same, if the statements are not those of the last time; else that is an error.
    pub anew_if_changed: bool,
    /// Events of a page, at most.
    pub page: u64,
    /// How long a page may take.
    pub page_limit: Duration,
    /// A position that the log has reached; its end, if absent.
    pub up_to: Option<u64>,
    /// Goes on with what is recorded later, until it is cancelled.
    pub follow: bool,
}

/// What a fold did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FoldReport {
    /// Where it began, this time.
    pub from: u64,
    pub position: u64,
    /// It was cancelled on its way.
    pub is_stopped: bool,
}

/// A fold that nobody else runs.
#[derive(Debug)]
pub struct Fold {
    pool: PgPool,
    plan: FoldPlan,
    owner: String,
    place: Place,
    progress: watch::Sender<u64>,
    exclusive: PgConnection,
}

/// A moment of the log as the views of analysts show it: whoever folds may read nothing else.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    Position(u64),
    Time(Timestamp),
}

impl Moment {
    /// Up to where the log was then.
    pub async fn position(self, pool: &PgPool) -> Result<u64, FoldError> {
        if !place::is_installed(pool).await? {
            return Err(FoldError::NotInstalled);
        }
        match self {
            Self::Position(position) => {
                let head = place::head(pool).await?;
                if position > head {
                    return Err(FoldError::BeyondLog { position, head });
                }
                Ok(position)
            }
            Self::Time(time) => Ok(place::position_at(pool, time).await?),
        }
    }
}

impl Fold {
    /// Takes the fold, makes what is missing, and finds out where it is. Nothing is changed if the plan does not fit what is
    /// there.
    pub async fn open(pool: &PgPool, plan: FoldPlan) -> Result<Self, FoldError> {
        if !place::is_installed(pool).await? {
            return Err(FoldError::NotInstalled);
        }
        let exclusive = place::lock(pool, &plan).await?;
        match find_place(pool, &plan).await {
            Ok((owner, found)) => Ok(Self {
                pool: pool.clone(),
                plan,
                owner,
                progress: watch::Sender::new(found.position),
                place: found,
                exclusive,
            }),
            Err(error) => {
                place::unlock(exclusive).await;
                Err(error)
            }
        }
    }

    /// Where it is.
    pub fn position(&self) -> u64 {
        self.place.position
    }

    /// Where it goes, as far as can be told now.
    pub async fn end(&self) -> Result<u64, FoldError> {
        match self.plan.up_to {
            Some(up_to) => Ok(up_to),
            None => Ok(place::head(&self.pool).await?),
        }
    }

    /// Follows where it is.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.progress.subscribe()
    }

    /// Takes in pages until it is where it was to be, or until it is cancelled: then the page that was begun is finished.
    pub async fn run(&mut self, cancel: &CancellationToken) -> Result<FoldReport, FoldError> {
        let from = self.place.position;
        let mut pages = 0_u32;
        loop {
            let up_to = self.end().await?;
            while self.place.position < up_to && !cancel.is_cancelled() {
                self.page(up_to).await?;
                pages = pages.saturating_add(1);
                if pages.is_power_of_two() {
                    place::look(&self.pool, &self.plan, &self.owner).await?;
                }
            }
            if !self.plan.follow || cancel.is_cancelled() {
                return Ok(FoldReport {
                    from,
                    position: self.place.position,
                    is_stopped: self.place.position < up_to,
                });
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(FOLLOW_PAUSE) => {}
            }
        }
    }

    async fn page(&mut self, up_to: u64) -> Result<(), FoldError> {
        let after = self.place.position;
        let until = up_to.min(after.saturating_add(self.plan.page.max(1)));
        let name = &self.plan.name;
        let mut transaction = pooling::begin(&self.pool).await?;
        place::enter(&mut transaction, &self.plan, &self.owner).await?;
        // The place first: its row keeps everybody else out until the commit.
        let moved = place::advance(&mut transaction, name, after, until).await?;
        let Some(moved) = moved else {
            let (name, position) = (name.clone(), after);
            return Err(FoldError::Forked { name, position });
        };
        let before = place::transaction_id(&mut transaction).await?;
        let statements = self.plan.script.page(after, until);
        let run = place::run(&mut transaction, &statements).await;
        run.map_err(|source| FoldError::Page { after, source })?;
        // Statements that end the transaction have committed a part of the page already, with the place after it.
        if place::transaction_id(&mut transaction).await? != before {
            return Err(FoldError::OwnTransaction { name: name.clone() });
        }
        transaction.commit().await?;
        self.place = moved;
        self.progress.send_replace(until);
        Ok(())
    }

    /// Lets others have the fold.
    pub async fn close(self) {
        place::unlock(self.exclusive).await;
    }
}

/// Whose the schema is, and where the fold is in it, if the plan fits what is there.
async fn find_place(pool: &PgPool, plan: &FoldPlan) -> Result<(String, Place), FoldError> {
    let owner = place::make_schema(pool, &plan.schema).await?;
    let found = prepare(pool, plan, &owner).await?;
    let (name, position) = (plan.name.clone(), found.position);
    if !place::is_in_log(pool, &found).await? {
        return Err(FoldError::Forked { name, position });
    }
    if let Some(up_to) = plan.up_to.filter(|up_to| *up_to < position) {
        return Err(FoldError::Beyond { name, position, up_to });
    }
    Ok((owner, found))
}

/// Finds the place of a fold, or runs its setup and puts it at the beginning.
async fn prepare(pool: &PgPool, plan: &FoldPlan, owner: &str) -> Result<Place, FoldError> {
    let mut transaction = pooling::begin(pool).await?;
    place::enter(&mut transaction, plan, owner).await?;
    place::make_table(&mut transaction).await?;
    let known = place::find(&mut transaction, &plan.name).await?;
    if let Some(known) = known.filter(|_| !plan.anew) {
        if known.sha256 == plan.script.sha256() {
            transaction.commit().await?;
            return Ok(known.place);
        }
        if !plan.anew_if_changed {
            return Err(FoldError::OtherStatements {
                name: plan.name.clone(),
                position: known.place.position,
            });
        }
    }
    let name = &plan.name;
    let before = place::transaction_id(&mut transaction).await?;
    let setup = place::run(&mut transaction, plan.script.setup()).await;
    setup.map_err(|source| FoldError::Setup {
        name: name.clone(),
        source,
    })?;
    if place::transaction_id(&mut transaction).await? != before {
        return Err(FoldError::OwnTransaction { name: name.clone() });
    }
    place::begin(&mut transaction, plan).await?;
    transaction.commit().await?;
    Ok(Place::beginning())
}
