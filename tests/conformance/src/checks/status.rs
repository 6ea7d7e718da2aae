//! Status, version, check-in, self-test: what a device says of itself (A8).

use rustls::ProtocolVersion;
use serde_json::{Value, json};

use super::{Check, check, has_fields, is_claviger};
use crate::ask::Ask;
use crate::device::Device;
use crate::encoding::unbase64;
use crate::jwt::Opened;
use crate::verdict::{OrFails, Verdict, ensure, equal, fails, not_applicable};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("T-1.2", "TLS 1.3, a trusted chain, the right name (also T-2.3)", speaks_tls13),
        check("A1-tls12", "a client that has TLS 1.2 alone is refused", refuses_tls12),
        check("A8-status", "status has its fields, and no others by TLS", status_is_whole),
        check("A8-status-host", "status names the host where Host is another", names_its_host),
        check("A8-version", "version has what clients look for", version_is_whole),
        check("A8-version-signed", "the firmware's key and signature stand together", is_signed),
        check("A8-checkin", "check-in is offered as a token of the session key", offers_check_in),
        check("T-1.5", "check-in of broken JSON is 400, of a foreign token 401", refuses_check_in),
        check("A8-selftest", "selftest runs with any token, and with none is 401", tests_itself),
        check("A8-attestation", "attestation gives a proof of origin", attests),
        check("T-4.3", "config/provisioning is 403 once initialised", is_provisioned),
        check("A8-upgrade", "EPA hardware has no upgrade and no storage: 404", has_no_upgrade),
        check("A8-diag", "production firmware has no /api/diag: 404", has_no_diagnosis),
    ]
}

fn speaks_tls13(device: &Device) -> Verdict {
    let version = device.wire.protocol().or_fails(|| "the handshake".to_owned())?;
    equal("version", &version, &Some(ProtocolVersion::TLSv1_3))
}

/// A hello without `supported_versions`, which is one of TLS 1.2 (RFC 8446, appendix D.2).
fn refuses_tls12(device: &Device) -> Verdict {
    let ciphers = [0, 4, 0xc0, 0x2b, 0xc0, 0x2f];
    let groups = [0, 10, 0, 4, 0, 2, 0, 0x17];
    let signatures = [0, 13, 0, 6, 0, 4, 4, 3, 8, 4];
    let extensions = [&[0, 18][..], &groups, &signatures].concat();
    let body = [&[3, 3][..], &[7; 32], &[0], &ciphers, &[1, 0], &extensions].concat();
    let length = u8::try_from(body.len()).or_fails(|| "a hello that is too long".to_owned())?;
    let hello = [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat();
    let answer = device.wire.raw(&hello, 7).or_fails(|| "a hello of TLS 1.2".to_owned())?;
    match answer.as_slice() {
        [] | [0x15, _, _, 0, 2, 2, _] => Ok(()),
        other => fails(format!("answered by {other:02x?} instead of a fatal alert")),
    }
}

fn status_is_whole(device: &Device) -> Verdict {
    let status = device.get("/api/system/status", None)?.is(200)?;
    let body = status.json()?;
    has_fields("status", &body, &["uptime", "temp", "fls_state"])?;
    equal("fls_state", &status.number("fls_state")?, &0)?;
    for name in ["inited", "https", "hostname"] {
        ensure(body.get(name).is_none(), || format!("{name:?} is there: {body}"))?;
    }
    let Some(time) = body.get("time") else {
        return if is_claviger(device)? { fails("no time") } else { not_applicable("RTC not set") };
    };
    ensure(time.is_u64(), || format!("time is {time}, expected Unix seconds"))?;
    let ts = status.text("ts")?;
    let form: String = ts.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    equal("the form of ts", &form.as_str(), &"0000-00-00T00:00:00Z")
}

fn names_its_host(device: &Device) -> Verdict {
    let ask = Ask::get("/api/system/status").header("Host", "other.example");
    let named = device.send(&ask)?.is(200)?.text("hostname")?;
    let own = device.wire.host().split(':').next().unwrap_or_default();
    equal("hostname", &named.as_str(), &own)
}

fn version_is_whole(device: &Device) -> Verdict {
    let version = device.get("/api/system/version", None)?.is(200)?;
    for name in ["hwv", "fwv", "fwk", "fws", "blv"] {
        version.text(name)?;
    }
    let hwv = version.text("hwv")?;
    ensure(hwv.contains("PPA") || hwv.contains("EPA"), || format!("hwv {hwv:?}"))?;
    let body = version.json()?;
    let secret = body.get("sd_csd").or_else(|| body.get("sd_cid"));
    ensure(secret.is_none(), || "sd_csd or sd_cid without a token".to_owned())
}

fn is_signed(device: &Device) -> Verdict {
    let version = device.get("/api/system/version", None)?.is(200)?;
    let body = version.json()?;
    if body.get("fwk").is_none_or(|key| key == "") && body.get("fws").is_none_or(|sign| sign == "")
    {
        return not_applicable("this firmware is not signed");
    }
    version.bytes("fwk")?;
    version.bytes("fws").map(drop)
}

fn offers_check_in(device: &Device) -> Verdict {
    let reply = device.get("/api/system/checkin", None)?;
    if reply.status == 404 {
        return not_applicable("needs the vendor's broker; not served here");
    }
    let token = Opened::of(&reply.is(200)?.text("check")?)?;
    ensure(token.header.contains("x25519"), || format!("header {}", token.header))?;
    has_fields("check", &token.claims, &["jti", "iss", "aud"])
}

fn refuses_check_in(device: &Device) -> Verdict {
    let path = "/api/system/checkin";
    let reply = device.send(&Ask::post_text(path, "{\"checked\":\"somedata\""))?;
    if reply.status == 404 {
        return not_applicable("needs the vendor's broker; not served here");
    }
    reply.refuses(400)?;
    let forged = crate::jwt::sign(
        &json!({ "ecdh": "x25519", "typ": "JWT", "alg": "HS256" }),
        &json!({ "jti": "AAAA", "iat": 1_700_000_000, "iss": "AAAA", "aud": "AAAA" }),
        b"nobody's",
    );
    device.post(path, None, &json!({ "checked": forged }))?.one_of(&[400, 401])?;
    Ok(())
}

fn tests_itself(device: &Device) -> Verdict {
    let path = "/api/system/selftest";
    device.get(path, None)?.refuses(401)?;
    let body = device.user_get("system:config", path)?.is(200)?.json()?;
    has_fields("selftest", &body, &["last_selftest_ts", "fls_state", "selftest_ts", "repo_stats"])?;
    let stats = body.get("repo_stats").cloned().unwrap_or_default();
    has_fields("repo_stats", &stats, &["total", "deleted", "invalid", "freeslots"])?;
    equal("fls_state", &body.get("fls_state"), &Some(&Value::from(0)))
}

fn attests(device: &Device) -> Verdict {
    let path = "/api/system/config/attestation";
    let reply = device.user_get("system:config", path)?;
    if reply.status == 404 {
        return not_applicable("needs a secure element; not served here");
    }
    let genuine = reply.is(200)?.text("genuine")?;
    let parts: Vec<_> = genuine.split('.').map(unbase64).collect();
    match parts.as_slice() {
        [Some(id), Some(_), Some(_)] if id.len() == 20 => {
            device.get(path, None)?.refuses(401).map(drop)
        }
        _ => fails("genuine is not <20 bytes>.<time>.<signature>, each in base64"),
    }
}

fn is_provisioned(device: &Device) -> Verdict {
    let reply = device.post("/api/system/config/provisioning", None, &json!({ "a": 1 }))?;
    if reply.status == 404 {
        return not_applicable("a step of the factory; not served here");
    }
    reply.refuses(403).map(drop)
}

fn has_no_upgrade(device: &Device) -> Verdict {
    let version = device.get("/api/system/version", None)?.is(200)?;
    if !version.text("hwv")?.contains("EPA") {
        return not_applicable("the hardware is not EPA");
    }
    for path in ["system/upgrade/check_fw", "storage/unlock", "storage/lock"] {
        device.user_get("system:config", &format!("/api/{path}"))?.refuses(404)?;
    }
    Ok(())
}

fn has_no_diagnosis(device: &Device) -> Verdict {
    let version = device.get("/api/system/version", None)?.is(200)?;
    if version.text("fwv")?.contains("-DIAG") {
        return not_applicable("a build for diagnosis");
    }
    device.get("/api/diag/test", None)?.refuses(404).map(drop)
}
