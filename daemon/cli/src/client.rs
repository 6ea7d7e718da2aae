//! HTTP with the daemon: one call, one answer, every refusal turned into a [`Failure`].

use std::error::Error;
use std::io::Read;
use std::time::Duration;

use aws_lc_rs::rand;
use bytes::Bytes;
use reqwest::blocking::{Client as Http, Response};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, redirect, tls};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::form::Form;
use crate::server::Server;
use crate::session::{Need, login_line};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// GET, POST, PUT or DELETE.
    pub(crate) method: Method,
    /// Path from the root, such as `/api/keymgmt/create`.
    pub(crate) path: String,
    /// JSON body of a POST.
    pub(crate) body: Option<Value>,
    /// The member of the JSON body that is not to be shown.
    pub(crate) hidden: Option<&'static str>,
    /// The form that is its body, where it has no JSON.
    pub(crate) form: Option<Form>,
    /// Headers of its own.
    pub(crate) headers: Vec<Header>,
    /// The longest answer, in bytes.
    pub(crate) longest: u64,
    /// What it needs of a token.
    pub(crate) need: Need,
    /// 406 means that the key does not exist.
    pub(crate) absent_is_406: bool,
}

impl Call {
    /// A GET without need of a token.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        let (path, need) = (path.into(), Need::default());
        Self {
            method: Method::GET,
            path,
            body: None,
            hidden: None,
            form: None,
            headers: Vec::new(),
            longest: BODY_LIMIT,
            need,
            absent_is_406: false,
        }
    }

    /// A POST with a JSON body, without need of a token.
    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    /// A DELETE without need of a token.
    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    /// The same with one more header.
    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push(Header { name, value: value.into(), is_secret: false });
        self
    }

    /// The same with one more header, which is a secret.
    #[must_use]
    pub(crate) fn secret_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push(Header { name, value: value.into(), is_secret: true });
        self
    }

    /// The same, whose JSON body has a secret in the member `name`.
    #[must_use]
    pub(crate) fn hides(self, name: &'static str) -> Self {
        Self { hidden: Some(name), ..self }
    }

    /// The same with a form for a body.
    #[must_use]
    pub(crate) fn form(self, form: Form) -> Self {
        Self { form: Some(form), ..self }
    }

    /// For answers of up to `bytes`.
    #[must_use]
    pub(crate) fn longest(self, bytes: u64) -> Self {
        Self { longest: bytes, ..self }
    }

    /// Says what the call needs of a token.
    #[must_use]
    pub(crate) fn needs(self, need: Need) -> Self {
        Self { need, ..self }
    }

    fn changes_keys(&self) -> bool {
        self.method == Method::DELETE
            || self.path.ends_with("/create")
            || self.path.ends_with("/import")
    }

    /// For endpoints that answer 406 when the key does not exist.
    #[must_use]
    pub(crate) fn absent_is_406(self) -> Self {
        Self { absent_is_406: true, ..self }
    }
}

/// One header of a call.
#[derive(Clone)]
pub(crate) struct Header {
    /// Its name, in lower case.
    pub(crate) name: &'static str,
    /// Its value.
    pub(crate) value: SecretString,
    /// Whether it is not to be shown.
    pub(crate) is_secret: bool,
}

impl Header {
    fn value(&self) -> Result<HeaderValue, Failure> {
        let mut value =
            HeaderValue::from_bytes(self.value.expose_secret().as_bytes()).map_err(|_| {
                Failure::usage(format!(
                    "the {} holds what no header can: control characters",
                    self.name
                ))
            })?;
        value.set_sensitive(self.is_secret);
        Ok(value)
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A connection to one daemon: TLS 1.3 only, no redirects.
#[derive(Debug)]
pub(crate) struct Client {
    http: Http,
    base: String,
    token: Option<SecretString>,
}

impl Client {
    /// Connects lazily; fails only on an unusable CA file.
    pub(crate) fn new(server: &Server, token: Option<SecretString>) -> Result<Self, Failure> {
        let mut builder = Http::builder()
            .https_only(true)
            .tls_version_min(tls::Version::TLS_1_3)
            // a redirect would carry the token to a place nobody named
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("claviger/", env!("CARGO_PKG_VERSION")));
        if let Some(roots) = server.roots()? {
            builder = builder.tls_certs_only(roots);
        }
        let http = builder.build().map_err(|error| {
            Failure::usage(format!("cannot set up TLS: {}", causes(&error)))
                .hint("is the file of --ca a root certificate in PEM form?")
        })?;
        Ok(Self { http, base: server.url.clone(), token })
    }

    /// Sends the call and reads its answer as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Failure> {
        let body = self.send(call)?;
        serde_json::from_slice(&body).map_err(|error| {
            // only the place, as the text of the error may repeat a value of the answer
            let place = format!("line {}, column {}", error.line(), error.column());
            let path = &call.path;
            Failure::unexpected(format!("the answer to {path} is not as expected, {place}"))
                .hint("is this a Claviger daemon of a version that fits this client?")
        })
    }

    /// Sends the call; the body of the answer may hold a secret and is wiped.
    pub(crate) fn send(&self, call: &Call) -> Result<Zeroizing<Vec<u8>>, Failure> {
        self.answer(call).map(|answer| answer.body)
    }

    /// Sends the call, for answers that say something in their headers.
    pub(crate) fn answer(&self, call: &Call) -> Result<Answer, Failure> {
        let url = format!("{}{}", self.base, call.path);
        let mut request = self.http.request(call.method.clone(), url).header(ACCEPT, ACCEPTED);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, bearer(token)?);
        }
        for header in &call.headers {
            request = request.header(header.name, header.value()?);
        }
        if let Some(form) = &call.form {
            let boundary = fresh_boundary()?;
            let media_type = format!("multipart/form-data; boundary={boundary}");
            let body = Bytes::from_owner(form.body(&boundary));
            request = request.header(CONTENT_TYPE, media_type).body(body);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let mut response = request.send().map_err(|error| unreachable(&self.base, call, &error))?;
        // 304 has no body: there is nothing to be had, which is an answer.
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            let headers = std::mem::take(response.headers_mut());
            let body = read(response, call.longest)
                .map_err(|error| broken_off(&self.base, call, &error))?;
            return Ok(Answer { headers, body });
        }
        Err(refusal(call, response))
    }
}

/// What came back.
pub(crate) struct Answer {
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body, which is wiped.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Names of an RFC 9457 problem document that are shown.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    request_id: Option<String>,
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Failure> {
    let text = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Failure::usage("the token holds characters that no token has"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn read(response: Response, longest: u64) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let told = response.content_length().unwrap_or(0).min(longest);
    let capacity = usize::try_from(told).unwrap_or(0).max(FIRST_CAPACITY);
    let mut body = Zeroizing::new(Vec::with_capacity(capacity));
    response.take(longest).read_to_end(&mut body)?;
    Ok(body)
}

fn fresh_boundary() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Failure::unexpected("this host has no randomness"))?;
    Ok(base16ct::lower::encode_string(&bytes))
}

fn refusal(call: &Call, response: Response) -> Failure {
    let status = response.status();
    let kind = Kind::of_status(status.as_u16(), call.absent_is_406);
    let retry = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let hint = hint(kind, status.as_u16(), call, retry);
    // an empty or foreign body is no problem document; the status speaks then
    let problem: Problem = read(response, BODY_LIMIT)
        .ok()
        .and_then(|body| serde_json::from_slice(&body).ok())
        .unwrap_or_default();
    let reason = problem.detail.or(problem.title).unwrap_or_else(|| meaning(kind).to_owned());
    let message = format!("{} {}: {} ({reason})", call.method, call.path, status.as_u16());
    Failure::new(kind, message).hint(hint).request_id(problem.request_id)
}

fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::Conflict => "not possible in the daemon's present state",
        Kind::Denied => "not allowed",
        Kind::Failed => "the operation failed",
        Kind::NotFound => "not found",
        Kind::Unexpected => "an unexpected answer",
        Kind::Unreachable => "the daemon is not ready, or was asked too often",
        Kind::Usage => "the daemon does not accept these arguments",
    }
}

fn hint(kind: Kind, status: u16, call: &Call, retry: Option<&str>) -> String {
    match kind {
        Kind::Conflict if status == 500 => {
            "`claviger status` shows the state; where that is good, the messages of the daemon have \
             the cause"
                .into()
        }
        Kind::Conflict => "`claviger status` shows the state".into(),
        Kind::Denied if status == 401 => format!(
            "tokens end with their lifetime and with each restart of the daemon: {}",
            login_line(call.need.advice().unwrap_or("SCOPE"))
        ),
        Kind::Denied => match call.need.advice() {
            Some(scope) => format!("the token needs the scope: {}", login_line(scope)),
            None => "the daemon does not allow this to anybody just now: `claviger status`".into(),
        },
        Kind::Failed => "do type and use of the key fit, and is it the right public key? The \
                         daemon's audit log has the entry"
            .into(),
        Kind::NotFound if status == 404 => {
            "the daemon has no such endpoint: is --url really a Claviger daemon?".into()
        }
        Kind::NotFound => "`claviger key list` shows the keys there are".into(),
        Kind::Unexpected => "the daemon's log has the cause; is --url really a Claviger?".into(),
        Kind::Unreachable => match retry {
            Some(seconds) => format!("{}, in {seconds} s", again(call)),
            None => again(call).into(),
        },
        Kind::Usage => "compare the arguments with `claviger COMMAND --help`".into(),
    }
}

/// What to do after no answer, or one that leaves the outcome open.
fn again(call: &Call) -> &'static str {
    if call.changes_keys() {
        "the daemon may have done it nevertheless: look with `claviger key list` before you try again"
    } else {
        "try again"
    }
}

fn unreachable(base: &str, call: &Call, error: &reqwest::Error) -> Failure {
    let causes = causes(error);
    let hint = if causes.contains("certificate expired") {
        "have the daemon's certificate renewed; or does the clock of this host go wrong: `date`?"
    } else if causes.contains("certificate not valid yet") {
        "does the clock of this host go wrong (`date`), or that of whoever made the certificate?"
    } else if causes.contains("certificate") {
        "is --ca the root of this daemon, and is its name the one in --url?"
    } else if error.is_connect() {
        "is the daemon running, and are host and port of --url right?"
    } else {
        again(call)
    };
    Failure::new(Kind::Unreachable, format!("cannot reach {base}: {causes}")).hint(hint)
}

fn broken_off(base: &str, call: &Call, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Unreachable, format!("the answer of {base} broke off: {error}"))
        .hint(again(call))
}

/// The chain of causes, the last being the one that tells.
fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let line = cause.to_string();
        if !text.ends_with(&line) {
            let separator = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{separator}{line}");
        }
        next = cause.source();
    }
    if text.is_empty() && error.is_timeout() { "no answer in time".into() } else { text }
}

const ACCEPTED: &str = "application/problem+json, application/json";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Key generation may take long on a busy token.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Enough for every answer that can hold a secret, so that the buffer does not move while it grows.
const FIRST_CAPACITY: usize = 16 * 1024;
const BODY_LIMIT: u64 = 1024 * 1024;
