//! Programs in Python, with packages of their own: made once under the target folder, from
//! `tests/python/requirements.txt`.

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

/// The interpreter of an environment with the packages, which is made where it is missing. Others
/// who need it at the same time wait. Another list of packages is another environment.
fn interpreter() -> PathBuf {
    let wanted = std::fs::read(folder().join("requirements.txt")).unwrap();
    let name: String =
        digest(&SHA256, &wanted).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let target = programs::folder();
    let environment = target.join(format!("python-{name}"));
    let lock = File::create(target.join("python.lock")).unwrap();
    lock.lock().unwrap();
    let complete = environment.join("complete");
    if !complete.exists() {
        make(&environment);
        write(&complete, "");
    }
    environment.join("bin/python")
}

fn make(environment: &Path) {
    let _ = std::fs::remove_dir_all(environment);
    let advice = "`.ci/need test` installs python3-venv; the packages come from the index of pip";
    let made = programs::run(Command::new(PYTHON).args(["-m", "venv"]).arg(environment));
    assert_eq!(made.code, 0, "no environment for Python ({advice}): {made:?}");
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--only-binary", ":all:", "--no-deps", "--requirement"]);
    let installed = programs::run(pip.arg(folder().join("requirements.txt")));
    assert_eq!(installed.code, 0, "no packages for Python ({advice}): {installed:?}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

const PYTHON: &str = "/usr/bin/python3";
