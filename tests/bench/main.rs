//! What keys cost over REST, beside what the token or the worker alone costs, from one run.
//!
//! Every round measures the raw operation and the daemon at each number of connections, one after the
//! other, because the speed of a shared machine wanders: ratios within a round mean something,
//! microseconds on their own mean little. `docs/performance.md` says how to read it.

mod deed;
mod errand;
mod host;
mod load;
mod question;
mod raw;
mod report;
mod row;
mod subject;
mod trip;
mod trouble;
mod unlogged;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use deed::Deed;
use errand::Errand;
use report::Report;
use row::{Round, Row};
use subject::Subject;
use tests::daemon::Home;
use trip::Trip;
use trouble::Trouble;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((word, rest)) if word == raw::WORD => raw::child(rest),
        _ => Settings::parse(&arguments).and_then(|settings| match &settings.unlogged {
            Some(other) => unlogged::compare(&settings, other),
            None => measure(&settings),
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("bench: {trouble:?}");
            ExitCode::FAILURE
        }
    }
}

struct Settings {
    /// What answers wait for (`audit.ack`), if not the default.
    ack: Option<String>,
    json: Option<PathBuf>,
    keys: usize,
    /// Nothing else is measured.
    only: Option<String>,
    rounds: usize,
    /// A daemon that was built to write no log: what that costs is measured, and nothing else.
    unlogged: Option<PathBuf>,
    /// How long each cell of a round is measured.
    window: Duration,
}

impl Settings {
    fn parse(arguments: &[String]) -> Result<Self, Trouble> {
        let window = Duration::from_secs(3);
        let (ack, json, only, unlogged) = (None, None, None, None);
        let mut settings = Self { ack, json, keys: 100, only, rounds: 4, unlogged, window };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().ok_or_else(|| format!("{name} needs a value\n{USAGE}"))?;
            match name.as_str() {
                "--ack" => settings.ack = Some(value.clone()),
                "--json" => settings.json = Some(value.into()),
                "--keys" => settings.keys = value.parse()?,
                "--only" if is_name(value) => settings.only = Some(value.clone()),
                "--only" => return Err(format!("--only {value}: no such name\n{USAGE}").into()),
                "--rounds" => settings.rounds = value.parse()?,
                "--unlogged" => settings.unlogged = Some(value.into()),
                "--seconds" => settings.window = Duration::try_from_secs_f64(value.parse()?)?,
                _ => return Err(format!("there is no option {name}\n{USAGE}").into()),
            }
        }
        if settings.rounds == 0 || settings.keys == 0 || settings.window.is_zero() {
            return Err(format!("--rounds, --keys and --seconds must be above 0\n{USAGE}").into());
        }
        Ok(settings)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == name)
    }

    /// Rounds, and how long a cell is measured.
    fn span(&self, name: &str) -> (usize, Duration) {
        match self.only.is_some() || name == Deed::Agree.name() {
            true => (self.rounds, self.window),
            false => (2, Duration::from_secs(1)),
        }
    }
}

fn is_name(word: &str) -> bool {
    Deed::from_name(word).is_some() || Errand::ALL.iter().any(|errand| errand.name() == word)
}

fn measure(settings: &Settings) -> Result<(), Trouble> {
    eprintln!("making a token with {} keys", settings.keys);
    let home = subject::furnish(settings.keys)?;
    if let Some(ack) = &settings.ack {
        home.configure("[audit]\n", &format!("[audit]\nack = \"{ack}\"\n"));
    }
    // Nothing is taken out again: the limits of what waits are not what is measured.
    let many = ["references", "references_per_address", "logins"]
        .map(|name| format!("{name} = 10000000\n"));
    home.configure("[key-agreement]\n", &format!("[key-agreement]\n{}", many.concat()));
    let room = "messages = 10000000\nkey_bytes = 10000000000\ntotal_bytes = 10000000000\n\
        sendings = 10000000\n";
    home.configure("readings = 6000\n", "readings = 10000000\n");
    home.configure("[key-service]\n", &format!("[key-service]\n{room}"));
    home.configure("[e2e]\n", "[e2e]\nsessions = 10000000\n");
    let starts = subject::time_starts(&home, STARTS)?;
    let subject = Subject::start(&home)?;
    let memory = subject.memory()?;
    let mut rows = Vec::new();
    for deed in Deed::ALL.into_iter().filter(|deed| settings.wants(deed.name())) {
        rows.push(row(settings, &subject, deed)?);
    }
    subject.daemon.stop();
    let trips = trips(settings, &home)?;
    let report = Report { keys: settings.keys, starts, memory, rows, trips };
    print!("{}", report.text());
    if let Some(path) = &settings.json {
        report.save(path)?;
    }
    Ok(())
}

fn row(settings: &Settings, subject: &Subject, deed: Deed) -> Result<Row, Trouble> {
    let (times, window) = settings.span(deed.name());
    let request = question::question(subject, deed)?.into();
    let mut token = raw::Token::start(deed, subject::SESSIONS, settings.keys)?;
    let mut rounds = Vec::new();
    for number in 1..=times {
        eprintln!("{}, round {number} of {times}", deed.title());
        rounds.push(round(subject, (deed, &request), &mut token, window)?);
    }
    Ok(Row { deed, rounds })
}

/// The other surfaces, all on one daemon, whose token has a meter before it.
fn trips(settings: &Settings, home: &Home) -> Result<Vec<Trip>, Trouble> {
    let errands = Errand::ALL.into_iter().filter(|errand| settings.wants(errand.name()));
    let mut errands = errands.peekable();
    if errands.peek().is_none() {
        return Ok(Vec::new());
    }
    let subject = Subject::start_metered(home)?;
    let mut trips = Vec::new();
    for errand in errands {
        trips.extend(trip(settings, &subject, errand)?);
    }
    Ok(trips)
}

fn trip(settings: &Settings, subject: &Subject, errand: Errand) -> Result<Option<Trip>, Trouble> {
    let Some(request) = errand.request(subject)? else {
        eprintln!("{}: this token does not do it", errand.title());
        return Ok(None);
    };
    let (request, (times, window)) = (request.into(), settings.span(errand.name()));
    let mut cells = Vec::new();
    for number in 1..=times {
        eprintln!("{}, round {number} of {times}", errand.title());
        cells.push(load::measure(subject, &request, trip::CONNECTIONS, window)?);
    }
    Ok(Some(Trip { errand, cells }))
}

/// What is raw is measured before and after the daemon, half as long each time: what the machine
/// does in between meets both.
fn round(
    subject: &Subject,
    (deed, request): (Deed, &Arc<[u8]>),
    token: &mut raw::Token,
    window: Duration,
) -> Result<Round, Trouble> {
    let before = token.measure(window / 2)?;
    let mut cells = Vec::new();
    for connections in deed.connections() {
        cells.push(load::measure(subject, request, *connections, window)?);
    }
    let after = token.measure(window / 2)?;
    Ok(Round { raw: before.and(after), cells })
}

const STARTS: usize = 5;
const USAGE: &str = "usage: bench [--rounds N] [--seconds S] [--keys N] [--only NAME]
  [--ack WORD] [--json FILE] [--unlogged PROGRAM]
  4 rounds, 3 seconds, 100 keys; NAME is ecdh, hmac, ecdsa, ed25519, aes-gcm, ml-kem or
  ml-dsa, SCHEME-AES1, SCHEME-AES2, SCHEME-EC-AES1, SCHEME-EC-AES2, login, e2e-key, encapsulate,
  decapsulate, sign, send-message or read-message.
  Without --only, --rounds and --seconds are those of ecdh, and the others have 2 rounds of 1 s.";
