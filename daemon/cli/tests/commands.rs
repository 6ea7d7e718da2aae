//! The client as people run it: a process against a TLS server that answers like the daemon.

#[cfg(test)]
mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use support::{Daemon, run};

const KID: &str = "b40ebec2e14056459f6b480063c8fe65";

#[test]
fn failures_have_their_exit_codes() {
    let cases: [(u16, &[&str], i32); 12] = [
        (400, &["key", "create", "--type", "X", "--label", "a"], 2),
        (404, &["status"], 3),
        (406, &["key", "show", KID], 3),
        (406, &["key", "delete", KID, "--yes"], 3),
        (401, &["key", "list"], 4),
        (403, &["key", "list"], 4),
        (409, &["key", "list"], 5),
        (406, &["ecdh", KID, "--pubkey", "AAAA"], 6),
        (406, &["key", "import", "--type", "X", "--label", "a", "--pubkey", "AAAA"], 6),
        (503, &["key", "list"], 7),
        (500, &["key", "list"], 5),
        (302, &["key", "list"], 1),
    ];
    for (status, args, code) in cases {
        let daemon = Daemon::start(move |_| (status, String::new()));
        let ended = daemon.run_with_token(args);
        assert_eq!(ended.code, code, "{status} {args:?} {ended:?}");
        assert_eq!(ended.stdout, "", "{args:?}");
        assert!(ended.stderr.contains("hint: "), "{args:?} {ended:?}");
        assert_eq!(daemon.seen().len(), 1, "one request, and no redirect followed");
    }
}

#[test]
fn json_errors_repeat_what_the_daemon_says() {
    let problem = json!({"type": "about:blank", "title": "Forbidden", "status": 403,
        "detail": "the token's scope is keymgmt:list", "request_id": "req-7"});
    let daemon = Daemon::start(move |_| (403, problem.to_string()));
    let ended = daemon.run_with_token(&["--json", "key", "delete", KID, "--yes"]);
    let error: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(ended.code, 4);
    assert_eq!(error["error"]["code"], "denied");
    assert_eq!(error["error"]["request_id"], "req-7");
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("the token's scope is keymgmt:list"), "{message}");
    assert!(error["error"]["hint"].as_str().unwrap().contains("keymgmt:del"));
    let seen = daemon.seen();
    assert_eq!(seen[0].line, format!("DELETE /api/keymgmt/delete/{KID}"));
    assert!(seen[0].head.contains("\r\naccept: application/problem+json"), "{}", seen[0].head);
    assert!(seen[0].head.contains("\r\nauthorization: bearer t0\r\n"), "{}", seen[0].head);
}

#[test]
fn a_daemon_under_another_root_is_not_trusted() {
    let (daemon, other) = (Daemon::start(answered), Daemon::start(answered));
    let wrong = other.ca();
    let ended = run(
        daemon.home.path(),
        &["--url", &daemon.url, "--ca", wrong.to_str().unwrap(), "status"],
        &[],
    );
    assert_eq!(ended.code, 7, "{ended:?}");
    assert!(ended.stderr.contains("certificate") && ended.stderr.contains("--ca"), "{ended:?}");
    assert!(daemon.seen().is_empty());
    assert_eq!(daemon.run(&["status"]).code, 0, "with the right root it is");
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    let daemon = Daemon::start(answered);
    let url = daemon.url.replace("localhost", "127.0.0.1");
    let ended = run(
        daemon.home.path(),
        &["--url", &url, "--ca", daemon.ca().to_str().unwrap(), "status"],
        &[],
    );
    assert_eq!(ended.code, 7, "{ended:?}");
    assert!(daemon.seen().is_empty());
}

#[test]
fn a_certificate_out_of_its_time_is_told_from_one_that_is_not_trusted() {
    for (from, to, hint) in [(2001, 2002, "renewed"), (2098, 2099, "`date`")] {
        let daemon = Daemon::valid(from, to);
        let ended = daemon.run(&["status"]);
        assert_eq!(ended.code, 7, "{ended:?}");
        assert!(ended.stderr.contains(hint) && !ended.stderr.contains("--ca"), "{ended:?}");
        assert!(daemon.seen().is_empty());
    }
}

#[test]
fn an_unusable_ca_file_is_named() {
    let daemon = Daemon::start(answered);
    for file in [daemon.file("empty.pem", ""), daemon.home.path().join("absent.pem")] {
        let name = file.to_str().unwrap();
        let ended = run(daemon.home.path(), &["--url", &daemon.url, "--ca", name, "status"], &[]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(name), "{ended:?}");
    }
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let home = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let ended = run(home.path(), &["--json", "--url", &url, "status"], &[]);
    assert_eq!(ended.code, 7, "{ended:?}");
    let error: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(error["error"]["code"], "unreachable");
    assert!(error["error"]["message"].as_str().unwrap().contains("refused"), "{error}");
}

#[test]
fn usage_errors_are_two_and_json_when_asked() {
    let home = tempfile::tempdir().unwrap();
    let usage = |args: &[&str]| {
        let ended = run(home.path(), args, &[]);
        assert_eq!(ended.code, 2, "{ended:?}");
        ended.stderr
    };
    usage(&["key", "show", "12"]);
    usage(&["--url", "http://localhost", "status"]);
    assert!(usage(&["status"]).contains("CLAVIGER_URL"));
    let error: Value = serde_json::from_str(&usage(&["--json", "key", "show", "12"])).unwrap();
    assert_eq!(error["error"]["code"], "usage");
    let help = run(home.path(), &["help"], &[]);
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("Exit codes:"), "{help:?}");
    assert!(help.stdout.contains("Options of every command:"), "{help:?}");
}

#[test]
fn without_a_token_the_needed_login_is_said_and_nothing_sent() {
    let daemon = Daemon::start(answered);
    let ended = daemon.run(&["ecdh", KID, "--pubkey", "AAAA"]);
    assert_eq!(ended.code, 4);
    assert!(ended.stderr.contains(&format!("claviger login --scope keymgmt:use:{KID}")));
    assert!(daemon.seen().is_empty());
}

#[test]
fn deleting_is_refused_when_nobody_can_be_asked() {
    let daemon = Daemon::start(answered);
    let ended = daemon.run_with_token(&["key", "delete", KID]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--yes"), "{ended:?}");
    assert!(daemon.seen().is_empty());
}

#[test]
fn a_printed_curl_line_sends_nothing_and_holds_no_token() {
    let daemon = Daemon::start(answered);
    let ended = daemon.run_with_token(&["--print-curl", "ecdh", KID, "--pubkey", "AAAA"]);
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.starts_with("curl ") && ended.stdout.contains("Bearer $TOKEN"));
    assert!(!ended.stdout.contains("T0"), "{}", ended.stdout);
    assert!(daemon.seen().is_empty());
}

#[test]
fn all_pages_become_one_list() {
    let daemon = Daemon::start(|seen| {
        let offset: u64 = seen.line.rsplit('/').next().unwrap().parse().unwrap();
        let listed = 15.min(32 - offset);
        let list: Vec<_> = (offset..offset + listed)
            .map(|n| {
                json!({"kid": format!("{n:032x}"), "type": "ATT,AES256", "label": "k",
                            "descr": "dGV4dA==", "created": n, "updated": n})
            })
            .collect();
        let page = json!({"offset": offset, "deleted": 0, "total": 32, "listed": listed,
                          "list": list});
        (200, page.to_string())
    });
    let ended = daemon.run_with_token(&["--json", "key", "list"]);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["total"], 32);
    let kids: Vec<_> = document["list"].as_array().unwrap().iter().map(|e| &e["kid"]).collect();
    assert_eq!(kids.len(), 32);
    assert_eq!(kids[31], &format!("{:032x}", 31));
    assert_eq!(daemon.seen().len(), 3);
    assert!(daemon.run_with_token(&["key", "list"]).stdout.contains("k      text"));
}

#[test]
fn the_agreed_secret_goes_to_stdout() {
    let daemon = Daemon::start(|_| (200, json!({"ecdh": "c2VjcmV0"}).to_string()));
    let ask = ["ecdh", &KID.to_uppercase(), "--pubkey", "-_-_AQ", "--alg", "sha2-256"];
    let ended = daemon.run_with_token(&ask);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "c2VjcmV0\n", ""));
    let expected = json!({"kid": KID, "pubkey": "+/+/AQ==", "alg": "SHA2-256"});
    assert_eq!(daemon.seen()[0].body, expected);
}

#[test]
fn login_proves_the_passphrase_and_the_stored_token_serves_its_scope() {
    let vector = support::login_vector();
    let phrase = vector["passphrase"].as_str().unwrap().to_owned();
    let daemon = Daemon::start(move |seen| match seen.line.as_str() {
        "GET /api/auth/token" => (200, support::challenge(&vector).to_string()),
        "POST /api/auth/token" if support::proves(&vector, &seen.body) => {
            (200, json!({"token": "T1"}).to_string())
        }
        "POST /api/keymgmt/create" if seen.head.contains("\r\nauthorization: bearer t1\r\n") => {
            (200, json!({"kid": KID}).to_string())
        }
        _ => (401, String::new()),
    });
    let file = daemon.file("wrong", "not the passphrase\n");
    let login =
        |file: &str| daemon.run(&["login", "--passphrase-file", file, "--scope", "keymgmt:gen"]);
    let refused = login(file.to_str().unwrap());
    assert_eq!(refused.code, 4);
    assert!(refused.stderr.contains("wrong passphrase"), "{refused:?}");
    assert!(!daemon.home.path().join("state").exists(), "nothing is stored");

    let file = daemon.file("right", &format!("{phrase}\n"));
    let accepted = login(file.to_str().unwrap());
    assert_eq!((accepted.code, accepted.stdout.as_str()), (0, ""), "{accepted:?}");
    let stored = fs::read_dir(daemon.home.path().join("state/claviger")).unwrap();
    let modes: Vec<_> =
        stored.map(|file| file.unwrap().metadata().unwrap().permissions().mode() & 0o777).collect();
    assert_eq!(modes, [0o600]);

    // neither --url nor --ca: both come from the login
    let create = ["key", "create", "--type", "ED25519", "--label", "a"];
    let made = run(daemon.home.path(), &create, &[]);
    assert_eq!((made.code, made.stdout), (0, format!("{KID}\n")));
    assert_eq!(run(daemon.home.path(), &["key", "list"], &[]).code, 4, "another scope");
    let other = [("CLAVIGER_URL", "https://other.example")];
    let kept = run(daemon.home.path(), &["logout"], &other);
    assert!(kept.stderr.contains("0 stored tokens of https://other.example"), "{kept:?}");
    assert!(kept.stderr.contains("logout --all"), "{kept:?}");
    let all = run(daemon.home.path(), &["--json", "logout", "--all"], &other);
    assert_eq!((all.code, all.stdout.as_str()), (0, "{\"removed\":1}\n"));
    assert_eq!(run(daemon.home.path(), &create, &[]).code, 2, "no daemon is known any more");
}

fn answered(_: &support::Seen) -> support::Answer {
    (200, "{}".into())
}
