//! The program `claviger-audit`, as an auditor calls it.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests, which the allowance for tests does not reach"
)]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use audit::{Ext, Log, LogResult, LogType, Options, Signer, SignerError, Subject};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::Value;
use tempfile::TempDir;

const KEY: &str = "T61jY1AgV5XUW++eAcQibRDFOl5KjKwLGdo+U0def8A=";

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_claviger-audit")).args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn sample() -> String {
    let sample: Value = serde_json::from_str(include_str!("vectors/auditlog_docs.json")).unwrap();
    let mut file = format!("{}\r\n", sample["first_comment"].as_str().unwrap());
    for line in sample["lines"].as_array().unwrap() {
        file.push_str(line.as_str().unwrap());
        file.push_str("\r\n");
    }
    file
}

fn put(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    path
}

#[test]
fn a_good_file_is_proved_with_the_key_in_any_form() {
    let home = TempDir::new().unwrap();
    let log = put(home.path(), "62310ba5.log", &sample());
    let unpadded = "T61jY1AgV5XUW--eAcQibRDFOl5KjKwLGdo-U0def8A";
    let plain = put(home.path(), "key.txt", &format!("{KEY}\n"));
    let answer = put(home.path(), "key.json", &format!(r#"{{"key":"{KEY}","nonce":"AA=="}}"#));
    for key in [KEY, unpadded, plain.to_str().unwrap(), answer.to_str().unwrap()] {
        let output = run(&["verify", log.to_str().unwrap(), "--key", key]);
        assert_eq!(code(&output), 0, "{key}: {}", err(&output));
        let proved = "7 records from 2022-03-15T21:56:53Z to 2022-03-15T21:58:36Z";
        assert_eq!(out(&output), format!("{}: proved, {proved}\n", log.display()));
        assert_eq!(err(&output), "");
    }
}

#[test]
fn a_directory_is_checked_oldest_first_to_the_end() {
    let home = TempDir::new().unwrap();
    put(home.path(), "62310ba7.log", &sample());
    put(home.path(), "62310ba5.log", &sample().replacen("|1d|0|M|", "|1d|0|U|", 1));
    put(home.path(), "62310ba6.log", sample().trim_end());
    put(home.path(), "notes.txt", "not a log");
    let directory = home.path().to_str().unwrap();
    let whole = out(&run(&["verify", directory, "--key", KEY, "--json"]));
    assert!(whole.contains(r#""cause":"no_checkpoint""#), "{whole}");
    let output = run(&["verify", directory, "--key", KEY, "--json", "--plain"]);
    assert_eq!(code(&output), 8);
    let lines: Vec<Value> =
        out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["cause"], &lines[0]["line"]), (&"bad_tag".into(), &6.into()));
    assert_eq!((&lines[1]["cause"], &lines[1]["line"]), (&"torn_tail".into(), &8.into()));
    assert_eq!((&lines[2]["proved"], &lines[2]["summary"]["records"]), (&true.into(), &7.into()));
}

#[test]
fn outcomes_have_their_exit_codes() {
    let home = TempDir::new().unwrap();
    let directory = home.path().to_str().unwrap();
    let log = put(home.path(), "62310ba5.log", &sample());
    let log = log.to_str().unwrap();
    let empty = TempDir::new().unwrap();
    let foreign = "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=";
    for (expected, arguments) in [
        (0, vec!["--help"]),
        (0, vec!["verify", "--help"]),
        (0, vec!["show", log]),
        (1, vec!["verify", "/nonexistent.log", "--key", KEY]),
        (1, vec!["show", directory]),
        (1, vec!["show", "/nonexistent.log"]),
        (2, vec![]),
        (2, vec!["verify", log]),
        (2, vec!["verify", "--key", KEY]),
        (2, vec!["verify", log, "--key", "/nonexistent.key"]),
        (2, vec!["verify", log, "--key", log]),
        (8, vec!["verify", log, "--key", foreign]),
        (8, vec!["verify", empty.path().to_str().unwrap(), "--key", KEY]),
    ] {
        let output = run(&arguments);
        assert_eq!(code(&output), expected, "{arguments:?}: {}", err(&output));
        let stdout = out(&output);
        match (expected, arguments.last()) {
            (0, _) => assert!(!stdout.is_empty()),
            (8, _) => assert!(stdout.contains("FAULT")),
            _ => assert!(stdout.is_empty() && !err(&output).is_empty(), "{arguments:?}"),
        }
    }
    let help = out(&run(&["--help"]));
    assert!(help.contains("8  the log has a fault"), "{help}");
}

#[test]
fn show_prints_words_and_json() {
    let home = TempDir::new().unwrap();
    let log = put(home.path(), "62310ba5.log", &sample());
    let text = out(&run(&["show", log.to_str().unwrap()]));
    assert_eq!(text.lines().count(), 7);
    assert!(text.contains("LOG_TYPE_RTC_SET LOG_RESULT_OK - 2022-03-15T21:55:01Z"), "{text}");
    assert!(text.contains("LOG_TYPE_DEVICE_INITED LOG_RESULT_OK master -"), "{text}");
    let json = out(&run(&["show", log.to_str().unwrap(), "--json"]));
    let fourth: Value = serde_json::from_str(json.lines().nth(3).unwrap()).unwrap();
    assert_eq!((&fourth["type"], &fourth["sequence"]), (&"LOG_TYPE_RTC_SET".into(), &3.into()));
    let torn = put(home.path(), "62310ba6.log", &format!("{}garbage\r\n", sample()));
    let output = run(&["show", torn.to_str().unwrap()]);
    assert_eq!((code(&output), out(&output).lines().count()), (8, 7));
    assert!(err(&output).contains("line 9: not a log line"), "{}", err(&output));
}

/// A key in software, for a log of a node.
struct SoftKey(SigningKey);

impl Signer for SoftKey {
    fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        Ok(self.0.sign(message).to_bytes())
    }
}

#[test]
fn a_node_is_verified_proved_and_exported() {
    let home = TempDir::new().unwrap();
    let directory = home.path().to_str().unwrap();
    let key = SoftKey(SigningKey::from_bytes(&[7; 32]));
    let log = Log::start(Options::new(home.path(), "Claviger test"), Box::new(key)).unwrap();
    let kind = LogType::LOG_TYPE_STARTUP;
    let receipt = log.append(kind, LogResult::LOG_RESULT_OK, Subject::None, Ext::None).unwrap();
    log.shutdown();
    let index = receipt.index().unwrap().to_string();
    let file = std::fs::read_to_string(log.path_of(log.current())).unwrap();
    let line = file.lines().nth(index.parse().unwrap()).unwrap();
    let vkey = home.path().join("logger.vkey");
    let (vkey, since) = (vkey.to_str().unwrap(), home.path().join("checkpoint"));
    let since = since.to_str().unwrap();

    let verified = run(&["verify", directory, "--key", vkey, "--since", since]);
    assert_eq!(code(&verified), 0, "{}", err(&verified));
    assert!(out(&verified).contains("proved, 2 records in 1 files"), "{}", out(&verified));
    let proof = run(&["proof", directory, &index, "--key", vkey]);
    let proof = put(home.path(), "a.tlog-proof", &out(&proof));
    let proof = proof.to_str().unwrap();
    let checked = run(&["check-proof", proof, line, "--key", vkey]);
    assert!(out(&checked).starts_with(&format!("proved: line {index} of")), "{}", err(&checked));
    assert_eq!(code(&run(&["check-proof", proof, "another line", "--key", vkey])), 8);
    assert_eq!(code(&run(&["proof", directory, "1000", "--key", vkey])), 2);
    let grown = out(&run(&["consistency", directory, "1", "--key", vkey]));
    assert!(grown.starts_with("old 1\nnew "), "{grown}");
    let exported = out(&run(&["export", directory, "--jsonl"]));
    let last: Value = serde_json::from_str(exported.lines().last().unwrap()).unwrap();
    assert_eq!((last["index"].to_string(), &last["type"]), (index, &kind.name().into()));
    let counted = out(&run(&["stats", directory]));
    assert!(counted.contains("1 LOG_TYPE_STARTUP LOG_RESULT_OK -"), "{counted}");
    let tail = out(&run(&["tail", directory, "-n", "1"]));
    assert!(tail.lines().count() == 1 && tail.contains("LOG_TYPE_STARTUP"), "{tail}");

    put(
        home.path(),
        log.path_of(log.current()).to_str().unwrap(),
        &file.replacen("Claviger", "claviger", 1),
    );
    let faulty = run(&["verify", directory, "--key", vkey, "--json"]);
    let told: Value = serde_json::from_str(&out(&faulty)).unwrap();
    assert_eq!(
        (code(&faulty), &told["line"], &told["cause"]),
        (8, &1.into(), &"forged_tag".into())
    );
}

#[test]
fn a_run_goes_on_from_where_the_last_one_ended() {
    let (home, aside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let directory = home.path().to_str().unwrap();
    let entries = |count: usize| {
        let key = SoftKey(SigningKey::from_bytes(&[7; 32]));
        let log = Log::start(Options::new(home.path(), "Claviger test"), Box::new(key)).unwrap();
        for _ in 0..count {
            let (kind, ok) = (LogType::LOG_TYPE_STARTUP, LogResult::LOG_RESULT_OK);
            let _ = log.append(kind, ok, Subject::None, Ext::None).unwrap();
        }
        log.shutdown();
    };
    entries(3);
    let (vkey, state) = (home.path().join("logger.vkey"), aside.path().join("state"));
    let (vkey, state) = (vkey.to_str().unwrap(), state.to_str().unwrap());
    let resume = || run(&["verify", directory, "--key", vkey, "--resume", state]);
    let first = resume();
    assert_eq!(code(&first), 0, "{}", err(&first));
    assert!(!out(&first).contains("earlier runs"), "{}", out(&first));
    entries(4);
    let second = resume();
    assert!(out(&second).contains("9 records in 2 files"), "{}", out(&second));
    assert!(out(&second).contains("by earlier runs"), "{}", out(&second));
    // Nobody looks at a bar that goes to a file.
    assert_eq!(err(&second), "");
    let kept = std::fs::read_to_string(state).unwrap();
    let file = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
    let last = file.filter(|path| path.extension().is_some_and(|e| e == "log")).max().unwrap();
    let text = std::fs::read_to_string(&last).unwrap();
    put(home.path(), last.to_str().unwrap(), &text[..text.len() / 2]);
    let cut = resume();
    assert_eq!(code(&cut), 8, "{}", out(&cut));
    assert!(out(&cut).contains("rolled back"), "{}", out(&cut));
    assert_eq!(std::fs::read_to_string(state).unwrap(), kept, "nothing is kept of a bad log");
    put(home.path(), last.to_str().unwrap(), &text);
    let within = home.path().join("state");
    for wrong in [
        &["--resume", within.to_str().unwrap()][..],
        &["--resume", vkey],
        &["--resume", state, "--since", state],
        &["--resume", state, "--plain"],
        &[directory, "--resume", state],
    ] {
        let arguments = [&["verify", directory, "--key", vkey][..], wrong].concat();
        assert_eq!(code(&run(&arguments)), 2, "{wrong:?}");
    }
    put(aside.path(), "state", "{}");
    let spoilt = resume();
    assert!(code(&spoilt) == 2 && err(&spoilt).contains("take it away"), "{}", err(&spoilt));
}

/// The man page names every command and every option of it.
#[test]
fn the_man_page_has_all_commands_and_options() {
    let page = include_str!("../../docs/man/claviger-audit.1").replace('\\', "");
    let help = out(&run(&["--help"]));
    let (_, commands) = help.split_once("Commands:").unwrap();
    let commands = commands.lines().skip(1).take_while(|line| !line.is_empty());
    let mut count = 0;
    for command in commands.filter_map(|line| line.split_whitespace().next()) {
        if command == "help" {
            continue;
        }
        count += 1;
        let (_, section) =
            page.split_once(&format!(".SS {command}\n")).unwrap_or_else(|| panic!("no {command}"));
        let section = section.split("\n.S").next().unwrap();
        let help = out(&run(&[command, "--help"]));
        for word in help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2)
        {
            let option = word.trim_end_matches([',', '.', ':']);
            let known = option == "--help" || section.contains(option);
            assert!(known, "{option} of {command} is not in the man page");
        }
    }
    assert_eq!(count, 8);
}

#[test]
fn a_directory_that_is_not_there_is_no_fault_of_the_log() {
    let home = TempDir::new().unwrap();
    let nowhere = home.path().join("nowhere");
    let state = home.path().join("state");
    let nowhere = nowhere.to_str().unwrap();
    let verify = ["verify", nowhere, "--key", KEY];
    let resumed = [&verify[..], &["--resume", state.to_str().unwrap()]].concat();
    for line in [&verify[..], &[&verify[..], &["--json"]].concat(), &resumed] {
        let output = run(line);
        assert_eq!(code(&output), 1, "{output:?}");
        assert!(err(&output).contains(nowhere) && err(&output).contains("log directory"));
        assert!(out(&output).is_empty(), "{output:?}");
    }
}
