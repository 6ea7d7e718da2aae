//! One row of the table of routes.
//!
//! The scope column is typed: a row whose handler takes another permit than the column says does
//! not compile, and neither does a handler that asks for no permit at all.
//!
//! ```compile_fail,E0271
//! use clavigerd::fault::Fault;
//! use clavigerd::inbound::Inbound;
//! use clavigerd::route::{Appliance, Empty, LogRule, OPEN, Request, post};
//! use policies::{Kid, Permit, Use};
//! use schemars::{Schema, SchemaGenerator};
//! struct Ask(Kid);
//! impl Request for Ask {
//!     type Needs = Use;
//!     fn decode(_: &Inbound) -> Result<Self, Fault> { Ok(Self(Kid::from_bytes([0; 16]))) }
//!     fn needs(&self, _: &Appliance) -> Use { Use(self.0) }
//!     fn body(_: &mut SchemaGenerator) -> Option<Schema> { None }
//! }
//! async fn handler(_: (), _: Permit<Use>, _: Ask) -> Result<Empty, Fault> { Ok(Empty) }
//! post("/x", OPEN, LogRule::Silent, handler);
//! ```
//!
//! ```compile_fail
//! use clavigerd::fault::Fault;
//! use clavigerd::inbound::Inbound;
//! use clavigerd::route::{Appliance, Empty, LogRule, Request, USE, post};
//! use policies::{Kid, Permit, Use};
//! use schemars::{Schema, SchemaGenerator};
//! struct Ask(Kid);
//! impl Request for Ask {
//!     type Needs = Use;
//!     fn decode(_: &Inbound) -> Result<Self, Fault> { Ok(Self(Kid::from_bytes([0; 16]))) }
//!     fn needs(&self, _: &Appliance) -> Use { Use(self.0) }
//!     fn body(_: &mut SchemaGenerator) -> Option<Schema> { None }
//! }
//! async fn handler(_: (), _: Ask) -> Result<Empty, Fault> { Ok(Empty) }
//! post("/x", USE, LogRule::Silent, handler);
//! ```
//! Nor does a row whose body can't be described:
//!
//! ```compile_fail,E0046
//! use clavigerd::fault::Fault;
//! use clavigerd::inbound::Inbound;
//! use clavigerd::route::{Appliance, Request};
//! use policies::Open;
//! struct Ask;
//! impl Request for Ask {
//!     type Needs = Open;
//!     fn decode(_: &Inbound) -> Result<Self, Fault> { Ok(Self) }
//!     fn needs(&self, _: &Appliance) -> Open { Open }
//! }
//! ```

mod log_rule;

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use audit::{Entry, Ext, LogType};
use http::Method;
use policies::{
    Action, Caller, CreateKey, DeleteKey, DeriveKey, Door, ImportKey, ListKeys, Open,
    PairAuthenticator, Permit, ReadAttestation, ReadConfig, ReadKey, ReadLog, Reboot, Roles,
    RunSelfTest, SearchKeys, Shutdown, UpdateKey, Use, WriteConfig,
};
use schemars::{Schema, SchemaGenerator};

pub use self::log_rule::LogRule;
pub use crate::answer::{Answer, BinaryFile, Empty, Json, SecretJson, StoredText, TextFile};
pub use crate::appliance::{Appliance, Reach};
use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::openapi::Shape;
pub use crate::openapi::{Content, Header};
use crate::reply::Reply;
use crate::surface::{self, Manners, Surface};

/// One row of the table.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path; `{name}` stands for one segment.
    pub path: &'static str,
    /// The API that it belongs to.
    pub surface: &'static dyn Surface,
    /// Who gets in without a token.
    pub door: Door,
    /// The roles that may.
    pub roles: Roles,
    /// The scopes, any one of which is enough.
    pub scopes: &'static [&'static str],
    /// What the log says of it.
    pub log: LogRule,
    /// Every status it may answer.
    pub statuses: &'static [u16],
    /// The longest body, in bytes; where they are large, the configuration says.
    pub body_limit: usize,
    /// Whether its bodies are large: there are a few of them at once.
    pub large: bool,
    /// Whether the plain listener serves it where the configuration allows that.
    pub plain: bool,
    /// Whether it is served before the device is initialised and while the log can't be written.
    pub always: bool,
    /// Whether it is served while the log can't be written, though not in every state.
    pub unlogged: bool,
    /// Whether it needs a time to rely on.
    pub timed: bool,
    /// Whether it is served after the self-test failed.
    pub in_failure: bool,
    /// The JSON text that goes with a 400, where the specification has one.
    pub invalid: Option<&'static str>,
    pub(crate) run: Handler,
    pub(crate) shape: Shape,
}

/// The ways to write a row, one a method: path, scope, log entry, handler.
macro_rules! rows {
    ($($name:ident = $method:ident;)*) => {$(
        #[doc = concat!("A row for `", stringify!($method), " path`.")]
        pub fn $name<T, A, R, S, F, W>(
            path: &'static str,
            scope: Scope<A>,
            log: LogRule,
            run: F,
        ) -> Route
        where
            T: Reach,
            A: Action,
            R: Request<Needs = A>,
            S: Answer,
            F: Fn(T, Permit<A>, R) -> W + Copy + Send + Sync + 'static,
            W: Future<Output = Result<S, Fault>> + Send,
        {
            row(Method::$method, path, scope, log, run)
        }
    )*};
}

rows! {
    delete = DELETE;
    get = GET;
    post = POST;
    put = PUT;
}

impl Route {
    /// The statuses that the row may answer.
    pub fn answers(self, statuses: &'static [u16]) -> Self {
        Self { statuses, ..self }
    }

    /// What it answers to `fault`.
    pub(crate) fn status(&self, fault: &Fault) -> u16 {
        self.surface.refuse(fault, &Manners::default()).status().as_u16()
    }

    /// Serves it after the self-test failed, too.
    pub fn in_failure_too(self) -> Self {
        Self { in_failure: true, ..self }
    }

    /// Answers 403 while there is no time to rely on (hem.md A3).
    pub fn with_time(self) -> Self {
        Self { timed: true, ..self }
    }

    /// Sends this JSON text with every 400.
    pub fn invalid_as(self, json: &'static str) -> Self {
        Self { invalid: Some(json), ..self }
    }

    /// Whether it only asks how things are: of anybody, without a trace in the log. Tokens of limited
    /// use lose none by it.
    pub(crate) fn is_question(&self) -> bool {
        self.method == Method::GET && self.door == Door::Open && self.log == LogRule::Silent
    }

    /// Takes bodies of up to `bytes`.
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }

    /// Takes large bodies, as the configuration has it.
    pub fn large(self) -> Self {
        Self { large: true, ..self }
    }

    /// Serves it on the plain listener too, where the configuration allows that.
    pub fn also_plain(self) -> Self {
        Self { plain: true, ..self }
    }

    /// Serves it while the log can't be written: it changes nothing and has no entry.
    pub fn without_log(self) -> Self {
        Self { unlogged: true, ..self }
    }

    /// Serves it in every state of the device.
    pub fn in_every_state(self) -> Self {
        Self { always: true, ..self }
    }
}

/// A request that says what it asks leave to do.
pub trait Request: Sized + Send + 'static {
    /// The kind of leave.
    type Needs: Action;

    /// Takes as much of the request apart as is needed to know whom it concerns; the rest is the
    /// handler's, after the scope check (hem.md A15, 25).
    ///
    /// # Errors
    /// [`Fault::Invalid`].
    fn decode(inbound: &Inbound) -> Result<Self, Fault>;

    /// The leave that this very request needs.
    fn needs(&self, appliance: &Appliance) -> Self::Needs;

    /// The schema of its body; `None` where it takes none.
    fn body(schemas: &mut SchemaGenerator) -> Option<Schema>;

    /// Whether it has to have the body that [`Request::body`] describes.
    const BODY_NEEDED: bool = true;

    /// The media types that its body may have.
    const MEDIA_TYPES: &'static [&'static str] = &["application/json"];

    /// The headers of its own that it takes.
    const HEADERS: &'static [Header] = &[];

    /// The schema of its query, an object; `None` where it has none.
    fn query(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    /// The type of its log entry, where it is not always that of its row.
    fn kind(&self) -> Option<LogType> {
        None
    }

    /// What its log entry is about.
    fn concerns(&self) -> Ext {
        Ext::None
    }

    /// The same, where it takes a look at the appliance to know.
    fn concerns_in(&self, _: &Appliance) -> Ext {
        self.concerns()
    }
}

/// A request that says nothing beyond its method and path.
pub struct Bare<A>(PhantomData<A>);

impl<A: Action + Default> Request for Bare<A> {
    type Needs = A;

    fn decode(_: &Inbound) -> Result<Self, Fault> {
        Ok(Self(PhantomData))
    }

    fn needs(&self, _: &Appliance) -> A {
        A::default()
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// A cell of the scope column.
pub struct Scope<A>(PhantomData<A>);

impl<A: Action> Scope<A> {
    /// The cell of an action.
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// Any token, or nothing on a fresh device.
pub const ATTESTATION: Scope<ReadAttestation> = Scope(PhantomData);
/// `keymgmt:gen`
pub const GENERATE: Scope<CreateKey> = Scope(PhantomData);
/// `keymgmt:del`
pub const DELETE: Scope<DeleteKey> = Scope(PhantomData);
/// `keymgmt:derive`, `keymgmt:gen` or `keymgmt:ecdh`
pub const DERIVE: Scope<DeriveKey> = Scope(PhantomData);
/// `keymgmt:imp`
pub const IMPORT: Scope<ImportKey> = Scope(PhantomData);
/// `keymgmt:list`
pub const LIST: Scope<ListKeys> = Scope(PhantomData);
/// `logger:get`
pub const LOGGER: Scope<ReadLog> = Scope(PhantomData);
/// No scope.
pub const OPEN: Scope<Open> = Scope(PhantomData);
/// `auth:ext:pair` or `system:config`, the user's alone.
pub const PAIR: Scope<PairAuthenticator> = Scope(PhantomData);
/// `keymgmt:get`, `keymgmt:gen`, or the use of the very key.
pub const READ: Scope<ReadKey> = Scope(PhantomData);
/// `system:config`, `logger:get` or `auth:ext:pair`
pub const READ_CONFIG: Scope<ReadConfig> = Scope(PhantomData);
/// `system:config`, `system:upgrade` or `system:shutdown`, or nothing on a fresh device.
pub const REBOOT: Scope<Reboot> = Scope(PhantomData);
/// `keymgmt:search`, `keymgmt:list` or `auth:ext:pair`, or nothing where searching is open.
pub const SEARCH: Scope<SearchKeys> = Scope(PhantomData);
/// Any token, or nothing on a fresh device.
pub const SELF_TEST: Scope<RunSelfTest> = Scope(PhantomData);
/// `system:shutdown` or `system:config`
pub const SHUTDOWN: Scope<Shutdown> = Scope(PhantomData);
/// `keymgmt:upd`
pub const UPDATE: Scope<UpdateKey> = Scope(PhantomData);
/// `keymgmt:use:<KID>`
pub const USE: Scope<Use> = Scope(PhantomData);
/// `system:config`, or nothing on a fresh device.
pub const WRITE_CONFIG: Scope<WriteConfig> = Scope(PhantomData);

pub(crate) type Handler = Box<
    dyn for<'a> Fn(&'a Appliance, &'a Caller, &'a Inbound, &'a mut Entry) -> Work<'a> + Send + Sync,
>;
type Work<'a> = Pin<Box<dyn Future<Output = Result<Reply, Fault>> + Send + 'a>>;

fn row<T, A, R, S, F, W>(
    method: Method,
    path: &'static str,
    _: Scope<A>,
    log: LogRule,
    handler: F,
) -> Route
where
    T: Reach,
    A: Action,
    R: Request<Needs = A>,
    S: Answer,
    F: Fn(T, Permit<A>, R) -> W + Copy + Send + Sync + 'static,
    W: Future<Output = Result<S, Fault>> + Send,
{
    let run: Handler = Box::new(move |appliance, caller, inbound, entry| {
        Box::pin(async move {
            let request = R::decode(inbound)?;
            if let Some(kind) = request.kind() {
                entry.name_kind(kind);
            }
            entry.name_ext(request.concerns_in(appliance));
            let permit = caller.may(request.needs(appliance))?;
            let answer = handler(T::reach(appliance), permit, request).await?;
            answer.note(entry);
            Ok(answer.reply())
        })
    });
    Route {
        method,
        path,
        surface: surface::at(path),
        door: A::DOOR,
        roles: A::ROLES,
        scopes: A::SCOPES,
        log,
        statuses: &[],
        body_limit: DEFAULT_BODY_LIMIT,
        large: false,
        plain: false,
        always: false,
        unlogged: false,
        timed: false,
        in_failure: false,
        invalid: None,
        run,
        shape: Shape::of::<R, S>(),
    }
}

/// The longest JSON body of the HEM API (hem.md A1).
pub const DEFAULT_BODY_LIMIT: usize = 7300;
