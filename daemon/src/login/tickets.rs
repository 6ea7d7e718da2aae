//! Tokens that are good for an exact number of calls.
//!
//! A token says nothing: it is random, and only its hash is kept, with what it opens under a MAC of
//! the token. Each call takes one use by one conditional UPDATE, which is durable before anything is
//! done; an answer that says the fault is ours gives it back.

use std::sync::Arc;
use std::time::Duration;

use audit::{Ext, Log, LogResult, LogType};
use moka::sync::Cache;
use policies::limited::{self, Limited};
use policies::{Caller, IssueToken, Permit, Subject, TokenName};
use zeroize::Zeroizing;

use crate::clock::now;
use crate::fault::Fault;
use crate::pipeline::named;
use crate::store::{Issued, Mac, Store, StoreFault, Tag, holds};

/// The tokens of limited use. Cloning is shallow.
#[derive(Clone)]
pub struct Tickets(Arc<Parts>);

struct Parts {
    store: Store,
    mac: Arc<dyn Mac>,
    log: Log,
    /// How many that have not ended one identity may have.
    most: u64,
    /// What was verified in this run.
    verified: Cache<TokenName, Arc<Issued>>,
}

/// A token that was issued.
pub struct NewTicket {
    /// The bearer token.
    pub token: Zeroizing<String>,
    /// The first half of its name.
    pub id: [u8; 16],
    /// What it opens.
    pub limited: Limited,
    /// For how many calls.
    pub uses: u64,
}

/// A use that was taken.
pub(crate) struct Fare {
    name: TokenName,
    /// How many are left.
    pub(crate) left: u64,
}

impl Tickets {
    pub(crate) fn new(store: Store, mac: Arc<dyn Mac>, log: Log, most: u64) -> Self {
        let verified = Cache::builder().max_capacity(CACHED).time_to_live(CACHED_FOR).build();
        Self(Arc::new(Parts { store, mac, log, most, verified }))
    }

    /// Issues a token for so many seconds and calls, which opens no more than the one it was asked
    /// with and ends no later.
    ///
    /// # Errors
    /// [`Fault::Throttled`] where the caller has as many as one may have, [`Fault::Conflict`] where
    /// state file or token fail.
    pub async fn issue(
        &self,
        leave: &Permit<IssueToken>,
        seconds: u64,
        uses: u64,
    ) -> Result<NewTicket, Fault> {
        let now = now();
        let limited = leave.heir(now.saturating_add(seconds));
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(random.as_mut_slice()).map_err(|_| Fault::Internal)?;
        let (token, name) = limited::token(&random);
        let issued = Issued { name, limited: limited.clone(), uses };
        let tag = self.0.mac.mac(&issued.seal_text()).await?;
        let added = self.0.store.add_limited(&issued, &tag, (now, self.0.most)).await;
        match added.map_err(broken)? {
            true => Ok(NewTicket { token, id: id(&name), limited, uses }),
            false => Err(Fault::Throttled(TRY_AGAIN)),
        }
    }

    /// The caller who holds `token`, at the price of one use; `None` where it opens nothing, for
    /// whatever reason, and where `stands` says that its owner is let in no more: that costs nothing.
    /// The last use is entered in the log.
    ///
    /// # Errors
    /// [`Fault::Conflict`] and [`Fault::Unlogged`] where state file, token or log fail.
    pub(crate) async fn admit(
        &self,
        token: &str,
        stands: impl FnOnce(&Caller) -> bool,
    ) -> Result<Option<(Caller, Fare)>, Fault> {
        let found = self.caller(token).await?.filter(|(caller, ..)| stands(caller));
        let Some((caller, name, _)) = found else { return Ok(None) };
        let (tickets, subject) = (self.clone(), caller.subject());
        // A caller who hangs up must not stop it between the use and its entry.
        let spent = tokio::spawn(async move { tickets.spend(name, subject).await });
        let left = spent.await.map_err(|_| Fault::Internal)??;
        Ok(left.map(|left| (caller, Fare { name, left })))
    }

    /// The caller who holds `token`, and how many uses are left, of which none is taken.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where state file or token fail.
    pub(crate) async fn look(&self, token: &str) -> Result<Option<(Caller, u64)>, Fault> {
        Ok(self.caller(token).await?.map(|(caller, _, left)| (caller, left)))
    }

    /// Gives a use back, and answers how many are left now. It stays taken where the state file
    /// fails.
    pub(crate) async fn give_back(&self, fare: &Fare) -> u64 {
        let left = match self.0.store.refund_limited(&fare.name).await {
            Ok(()) => self.0.store.uses_left(&fare.name, now()).await,
            Err(fault) => Err(fault),
        };
        match left {
            Ok(left) => left.unwrap_or(0),
            Err(fault) => {
                tracing::error!(%fault, "a use of a token can't be given back");
                fare.left
            }
        }
    }

    /// The caller who holds `token`, by which name, and how many uses are left. What opens nothing is
    /// one look at the state file, whether it was ever a token or not: time must not tell.
    async fn caller(&self, token: &str) -> Result<Option<(Caller, TokenName, u64)>, Fault> {
        let Some(name) = limited::name(token) else { return Ok(None) };
        let row = self.0.store.limited(&name, now()).await.map_err(broken)?;
        let Some((issued, tag, left)) = row else { return Ok(None) };
        if !self.is_ours(&issued, &tag).await? {
            tracing::error!("a token of limited use was changed outside the daemon: it is refused");
            return Ok(None);
        }
        let caller = issued.limited.caller(token, &name, now()).ok();
        Ok(caller.map(|caller| (caller, name, left)))
    }

    /// Whether the row of a token is as it was issued, by its MAC, unless it was asked in this run.
    async fn is_ours(&self, issued: &Issued, tag: &Tag) -> Result<bool, Fault> {
        if self.0.verified.get(&issued.name).is_some_and(|known| *known == *issued) {
            return Ok(true);
        }
        let holds = holds(&*self.0.mac, &issued.seal_text(), tag).await?;
        if holds {
            self.0.verified.insert(issued.name, Arc::new(issued.clone()));
        }
        Ok(holds)
    }

    async fn spend(&self, name: TokenName, subject: Subject) -> Result<Option<u64>, Fault> {
        let left = self.0.store.spend_limited(&name, now()).await.map_err(broken)?;
        if left == Some(0) && !self.enter_end(&name, subject).await {
            self.give_back(&Fare { name, left: 0 }).await;
            return Err(Fault::Unlogged);
        }
        Ok(left)
    }

    /// Enters that a token has had its last use.
    async fn enter_end(&self, name: &TokenName, subject: Subject) -> bool {
        let kind = LogType::LOG_TYPE_TOKEN_EXHAUSTED;
        let Ok(entry) = self.0.log.open(Some(kind), named(subject)) else { return false };
        let ext = Ext::Text(hex(&id(name)));
        entry.close_as(kind, LogResult::LOG_RESULT_OK, ext).await.is_ok()
    }
}

impl NewTicket {
    /// What the log says of it: its name, then `<uses> <Unix time of its end> <scopes>`.
    pub fn entry(&self) -> String {
        let Limited { scope, expires, .. } = &self.limited;
        format!("{} {} {expires} {scope}", hex(&self.id), self.uses)
    }
}

fn id(name: &TokenName) -> [u8; 16] {
    name.first_chunk().copied().unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn broken(fault: StoreFault) -> Fault {
    fault.into()
}

const CACHED: u64 = 10_000;
const CACHED_FOR: Duration = Duration::from_secs(600);
/// How long to wait where one has as many as one may have.
const TRY_AGAIN: Duration = Duration::from_secs(60);
