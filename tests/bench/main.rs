//! What a key agreement over REST costs, beside what the token alone costs, from one run.
//!
//! Every round measures the raw token and the daemon at each number of connections, one after the
//! other, because the speed of a shared machine wanders: ratios within a round mean something,
//! microseconds on their own mean little. `docs/performance.md` says how to read it.

mod host;
mod load;
mod raw;
mod report;
mod subject;
mod trouble;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use report::{Report, Round};
use subject::Subject;
use trouble::Trouble;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((word, rest)) if word == raw::WORD => raw::child(rest),
        _ => Settings::parse(&arguments).and_then(|settings| measure(&settings)),
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
    rounds: usize,
    /// How long each cell of a round is measured.
    window: Duration,
}

impl Settings {
    fn parse(arguments: &[String]) -> Result<Self, Trouble> {
        let window = Duration::from_secs(3);
        let mut settings = Self { ack: None, json: None, keys: 100, rounds: 4, window };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().ok_or_else(|| format!("{name} needs a value\n{USAGE}"))?;
            match name.as_str() {
                "--ack" => settings.ack = Some(value.clone()),
                "--json" => settings.json = Some(value.into()),
                "--keys" => settings.keys = value.parse()?,
                "--rounds" => settings.rounds = value.parse()?,
                "--seconds" => settings.window = Duration::try_from_secs_f64(value.parse()?)?,
                _ => return Err(format!("there is no option {name}\n{USAGE}").into()),
            }
        }
        if settings.rounds == 0 || settings.keys == 0 || settings.window.is_zero() {
            return Err(format!("--rounds, --keys and --seconds must be above 0\n{USAGE}").into());
        }
        Ok(settings)
    }
}

fn measure(settings: &Settings) -> Result<(), Trouble> {
    eprintln!("making a token with {} keys", settings.keys);
    let home = subject::furnish(settings.keys)?;
    if let Some(ack) = &settings.ack {
        home.configure("[audit]\n", &format!("[audit]\nack = \"{ack}\"\n"));
    }
    let starts = subject::time_starts(&home, STARTS)?;
    let subject = Subject::start(&home)?;
    let memory = subject.memory()?;
    let mut token = raw::Token::start(subject::SESSIONS, settings.keys)?;
    let mut rounds = Vec::new();
    for number in 1..=settings.rounds {
        eprintln!("round {number} of {}", settings.rounds);
        rounds.push(round(settings, &subject, &mut token)?);
    }
    let report = Report { keys: settings.keys, starts, memory, rounds };
    print!("{}", report.text());
    if let Some(path) = &settings.json {
        report.save(path)?;
    }
    Ok(())
}

/// The raw token is measured before and after the daemon, half as long each time: what the machine
/// does in between meets both.
fn round(settings: &Settings, subject: &Subject, token: &mut raw::Token) -> Result<Round, Trouble> {
    let before = token.measure(settings.window / 2)?;
    let mut cells = Vec::new();
    for connections in CONNECTIONS {
        cells.push(load::measure(subject, connections, settings.window)?);
    }
    let after = token.measure(settings.window / 2)?;
    Ok(Round { raw: before.and(after), cells })
}

/// The largest number last, beside the second measurement of the raw token.
const CONNECTIONS: [usize; 3] = [1, 8, 64];
const STARTS: usize = 5;
const USAGE: &str =
    "usage: bench [--rounds N] [--seconds S] [--keys N] [--json FILE] [--ack WORD]   (4, 3, 100)";
