//! The way of a request: admit, authenticate, route, authorise, operate, write down, answer.

mod bearer;
mod body;
mod strangers;
mod visit;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Entry, Ext, LogResult, LogType, Receipt, Unopened, Unwritten};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use hyper::body::{Body, Incoming};
use matchit::Router;
use policies::{Caller, Door, Subject};

use self::bearer::Toll;
use self::body::{Bounds, receive};
pub(crate) use self::body::{LargeBodies, LargePlace};
use self::strangers::{Stranger, Strangers};
use self::visit::Visit;
use crate::appliance::Appliance;
use crate::config::Limits;
use crate::fault::Fault;
use crate::hold::Hold;
use crate::inbound::{Inbound, Peer};
use crate::listen::{Doorkeeper, Place};
use crate::owing::Account;
use crate::reply::{Outbound, Reply, answer};
use crate::route::{DEFAULT_BODY_LIMIT, Route};
use crate::surface::{self, Manners};

/// Serves requests by the table. Cloning is shallow.
#[derive(Clone)]
pub struct Pipeline(Arc<Parts>);

struct Parts {
    appliance: Appliance,
    body_time: Duration,
    /// Lets requests with a body in, from their head to their answer.
    doorkeeper: Arc<Doorkeeper>,
    /// Which rows have a path.
    router: Router<Vec<usize>>,
    routes: Vec<Route>,
    strangers: Strangers,
    /// Whether the plain listener serves the rows that the device serves there.
    plain: bool,
}

impl Pipeline {
    /// The pipeline over `routes`.
    ///
    /// # Errors
    /// Says which two rows have paths that contradict each other.
    pub fn new(
        appliance: Appliance,
        routes: Vec<Route>,
        limits: &Limits,
        plain: bool,
    ) -> Result<Self, String> {
        let mut paths: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        for (row, route) in routes.iter().enumerate() {
            paths.entry(route.path).or_default().push(row);
        }
        let mut router = Router::new();
        for (path, rows) in paths {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place where rows become routes"
            )]
            router.insert(path, rows).map_err(|error| format!("{path}: {error}"))?;
        }
        let doorkeeper = Arc::new(Doorkeeper::new(limits.requests, limits.requests_per_address));
        let (body_time, strangers) = (limits.body(), Strangers::new(limits));
        Ok(Self(Arc::new(Parts {
            appliance,
            body_time,
            doorkeeper,
            router,
            routes,
            strangers,
            plain,
        })))
    }

    /// Whether the plain listener serves anything.
    pub fn serves_plain(&self) -> bool {
        self.0.plain
    }

    /// Answers `request`, which came over TLS or, with `plain`, over the plain listener.
    pub async fn serve(
        self,
        mut request: Request<Incoming>,
        plain: bool,
        peer: Option<Peer>,
    ) -> Outbound {
        request.extensions_mut().insert(peer);
        let began = Instant::now();
        let parts = Arc::clone(&self.0);
        let found = self.find(request.method(), request.uri().path());
        let row = found.as_ref().ok().map(|found| found.row);
        let surface = row.and_then(|row| parts.routes.get(row)).map(|route| route.surface);
        let surface = surface.unwrap_or_else(|| surface::at(request.uri().path()));
        let visit = Visit(Arc::new((surface, Manners::of(surface, &request))));
        let mut toll = Toll::None;
        let admitted = self.admit(request, found, (visit.clone(), &mut toll), plain).await;
        let mut response = admitted.unwrap_or_else(|fault| visit.refuse(&fault, None));
        toll.settle(&parts.appliance, &mut response).await;
        visit.dress(parts.appliance.device(), plain, &mut response);
        let status = response.status().as_u16();
        parts.appliance.requests().answered(row, status, began.elapsed());
        response
    }

    /// Everything that comes before an operation, in the order of hem.md A1.
    async fn admit(
        self,
        request: Request<Incoming>,
        found: Result<Found, Fault>,
        (visit, toll): (Visit, &mut Toll),
        plain: bool,
    ) -> Result<Outbound, Fault> {
        let (surface, manners) = visit.of();
        if plain && !(self.0.plain && surface.serves_plain()) {
            return Err(Fault::Plain);
        }
        surface.admit(self.0.appliance.device(), manners)?;
        if request.method() == Method::OPTIONS {
            let nothing_done = self.0.appliance.log().observe(audit::Subject::None).dismiss();
            return Ok(answer(nothing_done, surface.preflight()));
        }
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get().copied().flatten();
        let _inside = self.let_in(&body, peer)?;
        let route = found.as_ref().ok().and_then(|found| self.0.routes.get(found.row));
        let shown = (surface, &parts.headers);
        let (caller, paid) = match bearer::caller(&self.0.appliance, shown, route).await {
            Ok(known) => known,
            Err(fault) => {
                // Read to its end, so that the client gets to see the answer.
                let _ = receive(body, &self.bounds(None, true)).await;
                return Err(fault);
            }
        };
        *toll = paid;
        if surface.wants_length() && parts.method == Method::POST && declared(&parts.headers) == 0 {
            return Err(Fault::LengthRequired);
        }
        let (body, place) = receive(body, &self.bounds(route, caller.is_anonymous())).await?;
        let Found { row, arguments } = found?;
        let route = self.0.routes.get(row).ok_or(Fault::Internal)?;
        self.ready_for(route, plain)?;
        if caller.is_anonymous() && route.door == Door::Bearer {
            return Err(Fault::Unauthenticated("this needs a bearer token".into()));
        }
        let inbound = Inbound {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
            place,
            hold: Hold::default(),
            peer,
            arguments,
            plain,
        };
        let hold = inbound.hold.clone();
        let work = self.clone().operate(caller, inbound, row, visit.clone());
        let response = detach(work, visit).await;
        hold.over().await;
        Ok(response)
    }

    /// A place for a request that has a body, which it keeps until it is answered: strangers who send
    /// theirs slowly, or whose answers are held back, take so much memory and no more.
    ///
    /// # Errors
    /// [`Fault::Busy`] where there are too many, in all or of its address.
    fn let_in(&self, body: &Incoming, peer: Option<Peer>) -> Result<Option<Place>, Fault> {
        if body.is_end_stream() {
            return Ok(None);
        }
        let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| address);
        self.0.doorkeeper.admit(address).map(Some).map_err(|_| Fault::Busy)
    }

    /// Whether the device is in a state to serve the row, and this is the listener for it.
    fn ready_for(&self, route: &Route, plain: bool) -> Result<(), Fault> {
        let appliance = &self.0.appliance;
        if !route.always && !appliance.device().is_initialised() {
            return Err(Fault::Conflict(
                "the device is not initialised: POST /api/auth/init".into(),
            ));
        }
        if !route.in_failure && appliance.examiner().flaws() != 0 {
            return Err(Fault::Conflict(
                "the self-test has failed: nothing is done before the device was started anew"
                    .into(),
            ));
        }
        if plain && !route.plain {
            return Err(Fault::Plain);
        }
        match route.timed && !appliance.checkin().has_time() {
            true => Err(Fault::Forbidden("the clock is not set: check in with the backend".into())),
            false => Ok(()),
        }
    }

    /// What a body for this row may be. A stranger sends a large one only where he may.
    fn bounds(&self, route: Option<&Route>, stranger: bool) -> Bounds {
        let guard = self.0.appliance.device().patience().unwrap_or(self.0.body_time);
        match route {
            Some(row) if row.large && (!stranger || self.0.appliance.key_service().is_open()) => {
                self.0.appliance.large_bodies().bounds()
            }
            _ => {
                let limit = route.map_or(DEFAULT_BODY_LIMIT, |route| route.body_limit);
                Bounds::new(limit, guard.min(self.0.body_time))
            }
        }
    }

    fn find(&self, method: &Method, path: &str) -> Result<Found, Fault> {
        let absent = |_| Fault::NotFound("there is nothing at this path for this method".into());
        let found = self.0.router.at(path).map_err(absent)?;
        let rows = || found.value.iter().filter_map(|row| Some((*row, self.0.routes.get(*row)?)));
        let Some((row, _)) = rows().find(|(_, route)| route.method == *method) else {
            let allow: Vec<_> = rows().map(|(_, route)| route.method.as_str()).collect();
            return Err(Fault::MethodNotAllowed(allow.join(", ")));
        };
        let arguments = found.params.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Ok(Found { row, arguments })
    }

    async fn operate(self, caller: Caller, inbound: Inbound, row: usize, visit: Visit) -> Outbound {
        let Some(route) = self.0.routes.get(row) else {
            return visit.refuse(&Fault::Internal, None);
        };
        let stranger = Stranger::of(&caller, inbound.peer, route);
        if let Err(fault) = self.0.strangers.admit(stranger) {
            return visit.refuse(&fault, None);
        }
        let log = self.0.appliance.log();
        let subject = named(caller.subject());
        let opened = match route.log.kind() {
            None if route.always => Ok(log.observe(subject)),
            // Only then: a scope that is refused has an entry.
            None if route.unlogged && !log.healthy() => Ok(log.observe(subject)),
            kind => log.open(kind, subject),
        };
        let mut entry = match opened {
            Ok(entry) => entry,
            Err(Unopened::Full) => return visit.refuse(&Fault::Busy, None),
            Err(Unopened::Unwritten) => return visit.refuse(&Fault::Unlogged, None),
        };
        let account = Account::new(self.0.appliance.clerk().clone());
        let work = (route.run)(&self.0.appliance, &caller, &inbound, &mut entry);
        let outcome = account.during(work).await;
        let outcome = outcome.map_err(|fault| turn_stranger_away(fault, &caller));
        // As wherever a token lacks: who shows none could fill the log otherwise.
        let turned_away =
            matches!(&outcome, Err(Fault::Unauthenticated(_))) && caller.is_anonymous();
        let filed = match turned_away && route.door == Door::Conditional {
            true => Ok(entry.dismiss()),
            false => file(entry, route, &outcome).await,
        };
        match filed {
            Ok(receipt) => {
                match (&outcome, receipt.index(), stranger) {
                    (Ok(_), Some(_), _) => account.pay(),
                    (Err(_), Some(_), Some(stranger)) => self.0.strangers.refused(stranger),
                    _ => {}
                }
                conclude(route, receipt, outcome, &visit)
            }
            Err(Unwritten) => visit.refuse(&Fault::Unlogged, None),
        }
    }
}

/// A row of the table and what its path leaves open.
struct Found {
    row: usize,
    arguments: Vec<(String, String)>,
}

/// Runs the operation apart from the socket: a caller who hangs up neither stops the token midway
/// nor loses the entry.
async fn detach(work: impl Future<Output = Outbound> + Send + 'static, visit: Visit) -> Outbound {
    match tokio::spawn(work).await {
        Ok(response) => response,
        Err(_) => visit.refuse(&Fault::Internal, None),
    }
}

/// Ends the entry as the row's table has it.
async fn file(
    entry: Entry,
    route: &Route,
    outcome: &Result<Reply, Fault>,
) -> Result<Receipt, Unwritten> {
    match (outcome, route.log.result(outcome)) {
        (Ok(reply), Some(_)) if reply.is_refuting() => {
            entry.close(LogResult::LOG_RESULT_FAILED).await
        }
        (Err(Fault::Denied(denied)), _) => {
            let needed = Ext::Text(denied.needed().to_owned());
            let kind = LogType::LOG_TYPE_FAILED_SCOPE_CHECK;
            entry.close_as(kind, LogResult::LOG_RESULT_FAILED, needed).await
        }
        (Err(Fault::Alarm(alarm)), _) => {
            let kind = LogType::LOG_TYPE_GUESSING;
            let whose = Ext::Text(alarm.whose.clone());
            entry.close_as(kind, LogResult::LOG_RESULT_FAILED, whose).await
        }
        (_, Some(result)) => entry.close(result).await,
        (_, None) => Ok(entry.dismiss()),
    }
}

fn conclude(
    route: &Route,
    receipt: Receipt,
    outcome: Result<Reply, Fault>,
    visit: &Visit,
) -> Outbound {
    let index = receipt.index();
    let response = match (outcome, route.invalid) {
        (Ok(reply), _) => answer(receipt, reply),
        (Err(Fault::Invalid(_)), Some(json)) if !visit.of().1.wants_problem => {
            answer(receipt, Reply::bad_request(json))
        }
        (Err(fault), _) => visit.refuse(&fault, index),
    };
    with_index(response, index)
}

/// Where a caller without a token is not let through, what lacks is a token, not a scope.
fn turn_stranger_away(fault: Fault, caller: &Caller) -> Fault {
    match fault {
        Fault::Denied(denied) if caller.is_anonymous() => {
            Fault::Unauthenticated(denied.to_string().into())
        }
        other => other,
    }
}

/// The response with the index of its entry, if there is one.
fn with_index(mut response: Outbound, index: Option<u64>) -> Outbound {
    if let Some(index) = index {
        response.headers_mut().insert(AUDIT_INDEX, HeaderValue::from(index));
    }
    response
}

/// The subject as the log writes it.
pub(crate) fn named(subject: Subject) -> audit::Subject {
    match subject {
        Subject::Account(id) => audit::Subject::Key(id.0),
        Subject::Anonymous => audit::Subject::None,
        Subject::External(kid) => audit::Subject::Key(*kid.as_bytes()),
        Subject::Master => audit::Subject::Master,
        Subject::User => audit::Subject::User,
    }
}

/// What a request says about the length of its body, in bytes.
fn declared(headers: &HeaderMap) -> u64 {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    declared.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// The index of the answer's entry among all lines of the audit log: what
/// `/api/logger/proof/{index}` takes.
const AUDIT_INDEX: HeaderName = HeaderName::from_static("audit-index");
