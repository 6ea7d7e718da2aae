//! What disturbs others: another passphrase and back, a failed self-test, a restart, and what the
//! log has of the run then. Only with `--disruptive`.

use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Check, check, logger};
use crate::device::{Device, Role};
use crate::encoding::base64;
use crate::jwt::hmac_sha256;
use crate::log_file;
use crate::login::Secret;
use crate::verdict::{OrFails, Trouble, Verdict, ensure, equal, fails, not_applicable};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("A8-userkey", "the user's key is changed by a proof of the new one", rotates),
        check("T-5.3", "a failed self-test is 409, even before a wrong scope", locks),
        check("A8-reboot-403", "restart and shutdown want their scopes", wants_scope),
        check("A8-reboot", "after a restart tokens are dead and keys are there", restarts),
        check("T-9-run", "the log has an entry for all that this run did", is_logged),
    ]
}

/// Sets the user's key, with the proof that whoever asks has it.
fn set_key(device: &Device, token: &str, key: &Secret) -> Verdict {
    let config = device.get(CONFIG, Some(token))?.is(200)?;
    let nonce = config.bytes("nonce")?;
    let proof = hmac_sha256(&key.agree(&config.text("spk")?)?, &nonce);
    let body = json!({
        "userkey": base64(&key.public()), "userkey_nonce": base64(&nonce),
        "userkey_hmac": base64(&proof),
    });
    let reply = device.post(CONFIG, Some(token), &body)?.is(200)?;
    equal("updated", &reply.field("updated")?, &Value::Bool(true))
}

fn rotates(device: &Device) -> Verdict {
    disruptive(device)?;
    let challenge = device.challenge()?;
    let own = device.secret(Role::User, &challenge.eid)?;
    let token = device.user("system:config")?;
    let other = Secret::of_passphrase(&SecretString::from("conformance, other"), &challenge.eid);
    match set_key(device, &token, &other) {
        Ok(()) => {}
        trouble => return trouble,
    }
    let seen = old_and_new(device, &other);
    // Back with the token of before: the run goes on with it.
    match set_key(device, &token, own) {
        Ok(()) => seen,
        Err(Trouble::Fails(why) | Trouble::NotApplicable(why)) => {
            fails(format!("the passphrase is now \"conformance, other\": {why}"))
        }
    }
}

fn old_and_new(device: &Device, other: &Secret) -> Verdict {
    let challenge = device.challenge()?;
    let claims = challenge.claims(other, "system:config", challenge.now + 60);
    let body = json!({ "auth": challenge.sign(other, claims)? });
    device.post("/api/auth/token", None, &body)?.is(200)?;
    device.login(Role::User, "system:config", 60)?.refuses(401).map(drop)
}

fn locks(device: &Device) -> Verdict {
    let version = device.get("/api/system/version", None)?.is(200)?;
    if !version.text("fwv")?.contains("-DIAG") {
        return not_applicable("only firmware for diagnosis can be made to fail");
    }
    disruptive(device)?;
    device.user_get("system:wrong", "/api/diag/break_temp")?.is(200)?;
    let wrong = device.user_get("system:wrong", "/api/keymgmt/list");
    let back = restart(device);
    wrong?.refuses(409)?;
    back
}

fn wants_scope(device: &Device) -> Verdict {
    for path in ["/api/system/reboot", "/api/system/shutdown"] {
        device.user_get("keymgmt:gen", path)?.refuses(403)?;
    }
    device.user_get("system:upgrade", "/api/system/shutdown")?.refuses(403).map(drop)
}

fn restarts(device: &Device) -> Verdict {
    disruptive(device)?;
    let [kind, ..] = crate::kinds::KINDS;
    let kid = device.key(kind)?;
    let public = device.public(&kid)?;
    let old = device.user("system:config")?;
    let before = device.challenge()?;
    restart(device)?;
    device.get(CONFIG, Some(&old))?.refuses(401)?;
    let after = device.challenge()?;
    equal("eid", &after.eid, &before.eid)?;
    ensure(after.spk != before.spk, || "spk is the same after a restart".to_owned())?;
    equal("pubkey", &device.public(&kid)?, &public)
}

fn is_logged(device: &Device) -> Verdict {
    disruptive(device)?;
    let Some(expected) = device.ledger.before_restart() else {
        return not_applicable("A8-reboot was not part of the run");
    };
    let ids = logger::ids(device)?;
    let last = ids.iter().rev().nth(1).or_fails(|| "no file of the boot before".to_owned())?;
    let entries = logger::file(device, last)?;
    let missing = log_file::missing(&entries, &expected);
    ensure(missing.is_empty(), || {
        let of = format!("{} of {} kinds of entries", missing.len(), expected.len());
        format!("{of} are missing: {}", missing.join("; "))
    })?;
    let subjects = |name: &str| entries.iter().any(|entry| entry.subject == name);
    ensure(subjects("U"), || "no entry of the user's".to_owned())
}

/// Restarts the device and waits until it serves again.
fn restart(device: &Device) -> Verdict {
    let uptime = || device.get("/api/system/status", None)?.is(200)?.number("uptime");
    let challenge = device.challenge()?;
    device.user_get("system:config", "/api/system/reboot")?.is(200)?;
    device.ledger.restarted();
    device.forget_tokens();
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(500));
        // A new session key: it is the next boot that answers.
        if device.challenge().is_ok_and(|now| now.spk != challenge.spk) {
            return uptime().map(drop);
        }
    }
    fails(format!("no new boot within {} s", PATIENCE.as_secs()))
}

fn disruptive(device: &Device) -> Verdict {
    if device.may.disrupt { Ok(()) } else { not_applicable("without --disruptive") }
}

const CONFIG: &str = "/api/system/config";
const PATIENCE: Duration = Duration::from_secs(90);
