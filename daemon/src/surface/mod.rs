//! The published APIs, each with its own way to say no.

pub mod e2e;
pub mod hem;
pub mod key_service;
pub mod pqc;
pub mod rest;

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, HeaderName, ORIGIN};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use schemars::{Schema, SchemaGenerator};

use crate::device::Device;
use crate::fault::Fault;
use crate::reply::{Outbound, Reply};
use crate::{accept, problem};

/// A published API: what it asks of every request, how it says no, and what all its answers carry.
pub trait Surface: Send + Sync {
    /// Its name in the configuration and in the description.
    fn name(&self) -> &'static str;

    /// Where its paths start. A path that is in no row is refused in the manner of the surface whose
    /// prefix fits, else in that of the HEM API.
    fn prefixes(&self) -> &'static [&'static str];

    /// How it says no. A client that takes `application/problem+json` gets that body instead; headers
    /// that say what to do for another answer are put in for every surface alike.
    fn refuse(&self, fault: &Fault, manners: &Manners) -> Refusal;

    /// The body that goes with a refusal of this status; `None` where it is empty.
    fn refused(&self, _: u16, _: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    /// The media types beside JSON that such a body may have.
    fn refused_in(&self) -> &'static [&'static str] {
        &[]
    }

    /// The chapter of the description that a path of its own belongs to.
    fn tag(&self, _: &'static str) -> &'static str {
        self.name()
    }

    /// Whether a request to this address says in it which form its answer has, so that `Accept` does not
    /// count.
    fn knows_form(&self, _: &Uri) -> bool {
        false
    }

    /// Whether any of it is served without TLS, where the configuration has that.
    fn serves_plain(&self) -> bool {
        false
    }

    /// What it asks of every request before anything else.
    ///
    /// # Errors
    /// Whatever it finds wrong.
    fn admit(&self, _: &Device, _: &Manners) -> Result<(), Fault> {
        Ok(())
    }

    /// What `OPTIONS` gets.
    fn preflight(&self) -> Reply {
        Reply::bare(StatusCode::NO_CONTENT)
    }

    /// Adds the headers that all its answers have.
    fn dress(&self, _: &Device, _: &Manners, _: &mut Outbound) {}

    /// Whether a 401 says that a bearer token is wanted.
    fn asks_for_tokens(&self) -> bool {
        true
    }

    /// Whether a POST without a body is refused.
    fn wants_length(&self) -> bool {
        false
    }

    /// Whether a token is looked at where none is needed, so that a bad one is refused.
    fn minds_needless_tokens(&self) -> bool {
        true
    }

    /// The bearer token in an `Authorization` header; `None` where there is none in it.
    fn bearer<'a>(&self, authorization: &'a str) -> Option<&'a str> {
        after_scheme(authorization, "bearer")
    }
}

/// The surface whose manners fit `path`.
pub(crate) fn at(path: &str) -> &'static dyn Surface {
    let fits = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut all = ALL.iter().copied();
    all.find(|surface| surface.prefixes().iter().any(|prefix| fits(prefix)))
        .unwrap_or(&hem::SURFACE)
}

/// Every surface but the HEM API, whose manners are those of all other paths.
pub(crate) const ALL: &[&dyn Surface] =
    &[&pqc::SURFACE, &e2e::SURFACE, &rest::SURFACE, &key_service::SURFACE];

impl fmt::Debug for dyn Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What of a request matters for any answer to it.
#[derive(Default)]
pub struct Manners {
    /// Its `Accept`, the lines joined.
    pub accept: Option<String>,
    /// Its `Accept-Language`.
    pub language: Option<HeaderValue>,
    /// The page it comes from.
    pub origin: Option<HeaderValue>,
    /// Path and query.
    pub uri: Uri,
    /// Whether it takes `application/problem+json`.
    pub wants_problem: bool,
}

impl Manners {
    pub(crate) fn of<B>(surface: &dyn Surface, request: &Request<B>) -> Self {
        let headers = request.headers();
        let cloned = |name: HeaderName| headers.get(name).cloned();
        let accept = accept::text(headers);
        let uri = request.uri().clone();
        let wants_problem = accept.as_deref().is_some_and(problem::is_wanted);
        Self {
            wants_problem: wants_problem && !surface.knows_form(&uri),
            accept,
            language: cloned(ACCEPT_LANGUAGE),
            origin: cloned(ORIGIN),
            uri,
        }
    }
}

/// A no: nothing was done, or nothing of it is told.
#[derive(Debug)]
pub struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<(Bytes, &'static str)>,
}

impl Refusal {
    /// A status alone.
    pub fn bare(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: None }
    }

    /// A status with a body of a media type.
    pub fn told(status: StatusCode, body: Bytes, media_type: &'static str) -> Self {
        Self { body: Some((body, media_type)), ..Self::bare(status) }
    }

    /// The same with one more header.
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

/// What follows `scheme` in an `Authorization` header.
pub(crate) fn after_scheme<'a>(authorization: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, token) = authorization.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| token.trim())
}

/// The status of a fault for which a surface has none of its own.
pub(crate) fn status(fault: &Fault) -> StatusCode {
    match fault {
        Fault::Alarm(alarm) => status(&alarm.fault),
        Fault::Coded(coded) => status(&coded.fault),
        Fault::Dressed(dressed) => status(&dressed.fault),
        Fault::Busy | Fault::Conflict(_) | Fault::Unlogged => StatusCode::SERVICE_UNAVAILABLE,
        Fault::Denied(_) | Fault::Forbidden(_) | Fault::ForeignOrigin => StatusCode::FORBIDDEN,
        Fault::Failed(_) | Fault::Invalid(_) => StatusCode::BAD_REQUEST,
        Fault::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Fault::LengthRequired => StatusCode::LENGTH_REQUIRED,
        Fault::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
        Fault::NotFound(_) => StatusCode::NOT_FOUND,
        Fault::Plain => StatusCode::IM_A_TEAPOT,
        Fault::Slow => StatusCode::REQUEST_TIMEOUT,
        Fault::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        Fault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Fault::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
    }
}
