//! The commands in the README work as they stand there.

use std::fmt::Write;
use std::process::Command;

use tests::daemon::Home;
use tests::programs;

#[test]
fn the_transcript_of_the_readme_runs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let text = std::fs::read_to_string(path).expect("README.md is missing: write it");
    let commands = transcript(&text);
    assert!(commands.len() >= 5, "{commands:?}");
    let home = Home::new();
    let daemon = home.start();
    let programs = programs::path("claviger").parent().unwrap().to_owned();
    let search = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut script = String::new();
    for (number, command) in commands.iter().enumerate() {
        let _ = writeln!(script, "{command}\necho \"{MARK} {number} $?\" >&2");
    }
    let ran = programs::run(
        Command::new("bash")
            .args(["-c", &script])
            .env("PATH", search)
            .env("URL", &daemon.ready().url)
            .env("DEV", home.path())
            .env("XDG_STATE_HOME", home.at("state"))
            .env_remove("http_proxy")
            .env_remove("https_proxy"),
    );
    let codes: Vec<_> = ran.stderr.lines().filter_map(|line| line.strip_prefix(MARK)).collect();
    assert_eq!(codes.len(), commands.len(), "{ran:?}");
    for ((number, command), code) in commands.iter().enumerate().zip(codes) {
        assert_eq!(code.trim(), format!("{number} 0"), "$ {command}\n{ran:?}");
    }
    assert!(ran.stdout.contains("uptime"), "the status: {}", ran.stdout);
}

/// The commands of the fenced block between the marks: lines that start with `$ `, and those that
/// go on after a backslash with `> `.
fn transcript(text: &str) -> Vec<String> {
    let (_, rest) = text.split_once("<!-- transcript -->").expect("no <!-- transcript --> in it");
    let (block, _) =
        rest.split_once("<!-- /transcript -->").expect("no <!-- /transcript --> in it");
    let mut commands: Vec<String> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(command.to_owned());
        } else if let (Some(more), Some(last)) = (line.strip_prefix("> "), commands.last_mut()) {
            last.push('\n');
            last.push_str(more);
        }
    }
    commands
}

const MARK: &str = "::done";
