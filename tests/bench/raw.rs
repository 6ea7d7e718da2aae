//! What the operation alone costs, in a process that does nothing else: by the token, or by the
//! worker's own code where the key is sealed. A module finds its store by the environment, which is
//! why it is another process. The token is made as that of the daemon is: `CLAVIGER_TEST_PROFILE`
//! says of which make.

mod calls;
mod native;
mod sealed;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tests::make::Make;
use tests::programs;

use crate::deed::Deed;
use crate::trouble::Trouble;

/// The first argument of the process that is the token.
pub(crate) const WORD: &str = "raw-token";

/// What the token did in a window.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(crate) struct Sample {
    /// How many were done.
    pub(crate) operations: u32,
    /// CPU time of the process, all its threads together.
    pub(crate) cpu: Duration,
    /// Wall time.
    pub(crate) wall: Duration,
}

impl Sample {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            operations: self.operations + other.operations,
            cpu: self.cpu + other.cpu,
            wall: self.wall + other.wall,
        }
    }
}

/// The process, with a token of its own.
pub(crate) struct Token {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    _home: TempDir,
}

impl Token {
    /// Starts it for `deed`, with a session and a thread for each of `sessions`, on a token that
    /// holds `keys`.
    pub(crate) fn start(deed: Deed, sessions: usize, keys: usize) -> Result<Self, Trouble> {
        let home = tempfile::tempdir()?;
        let (make, module) = (Make::current(), Make::current().module());
        let mut init = Command::new(programs::path("clavigerd"));
        init.args(["hsm-init", "--quiet", "--profile", make.profile, "--label", LABEL]);
        init.arg("--dir").arg(home.path());
        let made = programs::run(init.arg("--module").arg(&module));
        if made.code != 0 {
            return Err(format!("the raw token can't be made: {}", made.stderr).into());
        }
        let mut process = Command::new(std::env::current_exe()?)
            .args([WORD, deed.name()])
            .args([&module, &home.path().join("pin")])
            .args([sessions.to_string(), keys.to_string()])
            .env(make.variable, home.path().join(make.conf))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.take().ok_or("the token takes no orders")?;
        let answers = process.stdout.take().ok_or("the token gives no answers")?;
        Ok(Self { process, orders, answers: BufReader::new(answers), _home: home })
    }

    /// Lets it work for `window`.
    pub(crate) fn measure(&mut self, window: Duration) -> Result<Sample, Trouble> {
        writeln!(self.orders, "{}", window.as_millis())?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(|e| format!("the raw token failed: {e}"))?)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The process: takes windows in milliseconds on standard input, gives samples on standard output.
pub(crate) fn child(arguments: &[String]) -> Result<(), Trouble> {
    let order = Order::parse(arguments)?;
    let mut threads = match order.deed.is_native() {
        true => native::open(&order)?,
        false => sealed::open(&order)?,
    };
    for window in std::io::stdin().lock().lines() {
        let sample = run(&mut threads, Duration::from_millis(window?.parse()?))?;
        println!("{}", serde_json::to_string(&sample)?);
    }
    Ok(())
}

/// What a thread does once.
type Work = Box<dyn FnMut() -> Result<(), Trouble> + Send>;

/// What the process is told.
struct Order {
    deed: Deed,
    module: PathBuf,
    pin: String,
    sessions: usize,
    keys: usize,
}

impl Order {
    fn parse(arguments: &[String]) -> Result<Self, Trouble> {
        let [deed, module, pin, sessions, keys] = arguments else {
            return Err(format!("{WORD} is for the bench itself").into());
        };
        Ok(Self {
            deed: Deed::from_name(deed).ok_or("there is no such operation")?,
            module: module.into(),
            pin: std::fs::read_to_string(pin)?.trim_end().to_owned(),
            sessions: sessions.parse()?,
            keys: keys.parse()?,
        })
    }
}

fn run(threads: &mut [Work], window: Duration) -> Result<Sample, Trouble> {
    let (start, used) = (Instant::now(), cpu_time()?);
    let counts: Vec<Result<u32, Trouble>> = std::thread::scope(|scope| {
        let begin = |work| scope.spawn(move || repeat(work, window));
        let threads: Vec<_> = threads.iter_mut().map(begin).collect();
        let lost = |_| Err(Trouble::from("a thread of the raw token panicked"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(lost)).collect()
    });
    let (wall, cpu) = (start.elapsed(), cpu_time()?.saturating_sub(used));
    let operations = counts.into_iter().sum::<Result<u32, Trouble>>()?;
    Ok(Sample { operations, cpu, wall })
}

fn repeat(work: &mut Work, window: Duration) -> Result<u32, Trouble> {
    let end = Instant::now() + window;
    let mut count = 0;
    while Instant::now() < end {
        work()?;
        count += 1;
    }
    Ok(count)
}

fn cpu_time() -> Result<Duration, Trouble> {
    let used = getrusage(UsageWho::RUSAGE_SELF)?;
    let total = used.user_time() + used.system_time();
    let (seconds, micros) = (total.tv_sec().try_into()?, total.tv_usec().try_into()?);
    Ok(Duration::from_secs(seconds) + Duration::from_micros(micros))
}

/// `CKA_LABEL` of the token.
const LABEL: &str = "raw";
