//! Lists and searches (A9, T-10.4): their envelope, their pages, their patterns.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Check, check, has_fields};
use crate::device::{Device, Role, descr};
use crate::encoding::base64;
use crate::kinds::KINDS;
use crate::reply::Reply;
use crate::verdict::{OrFails, Verdict, ensure, equal, fails, not_applicable};

/// The checks of this room.
pub(super) fn checks() -> Vec<Check> {
    vec![
        check("A9-list", "pages have at most 15 keys, and total counts all of them", pages),
        check("A9-list-406", "offsets and counts that are no digits are 406", refuses_words),
        check("T-10.4", "searches find by prefix, suffix and part, over bytes", searches),
        check("T-10.4-loop", "a search loop ends, and total is the number of matches", loops),
        check("T-10.4-anonymous", "without a token: `^` and 6 bytes, or 401", searches_openly),
        check("T-10.4-limits", "a needle of more than 64 bytes is 406, none is 400", bounds),
        check("A9-scopes", "list, search, create and others want their scopes", wants_scopes),
    ]
}

/// A key as lists have it.
#[derive(Debug)]
pub(crate) struct Key {
    /// KID, lower-case hex.
    pub(crate) kid: String,
    /// Flags and type, joined by commas.
    pub(crate) kind: String,
    /// The label.
    pub(crate) label: String,
    /// The description, base64, where there is one.
    pub(crate) descr: Option<String>,
    /// Unix seconds.
    pub(crate) created: u64,
    /// Unix seconds.
    pub(crate) updated: u64,
}

impl Key {
    /// What is joined in its type.
    pub(super) fn flags(&self) -> BTreeSet<&str> {
        self.kind.split(',').collect()
    }

    fn of(value: &Value) -> Verdict<Self> {
        let text = |name: &str| {
            let text = value.get(name).and_then(Value::as_str).map(str::to_owned);
            text.or_fails(|| format!("a list without the text {name:?}: {value}"))
        };
        let number = |name: &str| {
            let number = value.get(name).and_then(Value::as_u64);
            number.or_fails(|| format!("a list without the number {name:?}: {value}"))
        };
        let descr = value.get("descr").map(|_| text("descr")).transpose()?;
        ensure(descr.as_deref() != Some(""), || "an empty descr".to_owned())?;
        Ok(Self {
            kid: text("kid")?,
            kind: text("type")?,
            label: text("label")?,
            descr,
            created: number("created")?,
            updated: number("updated")?,
        })
    }
}

/// All keys of the device, by the loop that clients make: until `offset` reaches `total`.
pub(crate) fn listed(device: &Device) -> Verdict<Vec<Key>> {
    let token = device.user("keymgmt:list")?;
    collect(|offset| device.get(&format!("/api/keymgmt/list/{offset}"), Some(&token)))
}

fn collect(page: impl Fn(usize) -> Verdict<Reply>) -> Verdict<Vec<Key>> {
    let mut keys = Vec::new();
    loop {
        let (total, some) = envelope(&page(keys.len())?, keys.len())?;
        let none = some.is_empty();
        keys.extend(some);
        if keys.len() >= total {
            return Ok(keys);
        }
        ensure(!none, || format!("an empty page at {} of {total}", keys.len()))?;
    }
}

/// `total` and the keys of a page that begins at `offset`.
fn envelope(reply: &Reply, offset: usize) -> Verdict<(usize, Vec<Key>)> {
    let reply = reply.clone().is(200)?;
    has_fields("page", &reply.json()?, &["offset", "deleted", "total", "listed", "list"])?;
    let number =
        |name| usize::try_from(reply.number(name)?).or_fails(|| format!("{name} too large"));
    equal("offset", &number("offset")?, &offset)?;
    let list = reply.field("list")?;
    let keys: Vec<_> =
        list.as_array().into_iter().flatten().map(Key::of).collect::<Verdict<_>>()?;
    equal("listed", &number("listed")?, &keys.len())?;
    ensure(keys.len() <= 15, || format!("{} keys on a page", keys.len()))?;
    Ok((number("total")?, keys))
}

fn pages(device: &Device) -> Verdict {
    device.deal()?;
    let all = listed(device)?;
    let get = |path: &str| device.user_get("keymgmt:list", &format!("/api/keymgmt/list{path}"));
    let (total, first) = envelope(&get("")?, 0)?;
    equal("total", &total, &all.len())?;
    equal("a page", &first.len(), &15)?;
    let (_, clamped) = envelope(&get("/0/50")?, 0)?;
    equal("a page of 50", &clamped.len(), &15)?;
    let (total, two) = envelope(&get("/1/2")?, 1)?;
    equal("total of a part", &total, &all.len())?;
    let kids = |keys: &[Key]| keys.iter().map(|key| key.kid.clone()).collect::<Vec<_>>();
    equal(
        "two from the second",
        &kids(&two).as_slice(),
        &kids(&all).get(1..3).unwrap_or_default(),
    )?;
    let (_, beyond) = envelope(&get(&format!("/{total}"))?, total)?;
    equal("keys beyond the end", &beyond.len(), &0)?;
    let unique: BTreeSet<_> = kids(&all).into_iter().collect();
    equal("different KIDs", &unique.len(), &all.len())
}

fn refuses_words(device: &Device) -> Verdict {
    for path in ["/x", "/-1", "/0/x", "/1x/2"] {
        let path = format!("/api/keymgmt/list{path}");
        device.user_get("keymgmt:list", &path)?.refuses(406)?;
    }
    Ok(())
}

fn search(device: &Device, pattern: &str) -> Verdict<Vec<String>> {
    let token = device.user("keymgmt:search")?;
    let keys = collect(|offset| {
        let body = json!({ "descr": pattern, "offset": offset });
        device.post("/api/keymgmt/search", Some(&token), &body)
    })?;
    Ok(keys.into_iter().map(|key| key.kid).collect())
}

fn searches(device: &Device) -> Verdict {
    device.deal()?;
    let [kind, ..] = KINDS;
    let kid = device.key(kind)?;
    let (whole, part) = (descr(kind.name), base64(b"MANCE:SECP256R"));
    let hits = [
        format!("^{whole}"),
        format!("{}$", base64(b":SECP256R1")),
        part.clone(),
        // 13 bytes, which end within a letter of base64.
        format!("^{}", base64(b"CONFORMANCE:SECP256R")),
    ];
    for pattern in hits {
        equal(&pattern, &search(device, &pattern)?, &vec![kid.clone()])?;
    }
    for pattern in [format!("^{part}"), format!("{part}$"), base64(b"nowhere at all")] {
        equal(&pattern, &search(device, &pattern)?, &Vec::new())?;
    }
    let scopes = ["keymgmt:list", "auth:ext:pair"];
    for scope in scopes {
        let body = json!({ "descr": format!("^{whole}") });
        let reply = device.user_post(scope, "/api/keymgmt/search", &body)?;
        equal("total", &envelope(&reply, 0)?.0, &1)?;
    }
    Ok(())
}

fn loops(device: &Device) -> Verdict {
    device.deal()?;
    let found = search(device, &format!("^{}", base64(b"CONFORMANCE:")))?;
    ensure(found.len() >= KINDS.len(), || format!("{} found", found.len()))?;
    let body = json!({ "descr": format!("^{}", base64(b"CONFORMANCE:")), "offset": 1, "limit": 2 });
    let reply = device.user_post("keymgmt:search", "/api/keymgmt/search", &body)?;
    let (total, two) = envelope(&reply, 1)?;
    equal("total", &total, &found.len())?;
    equal("listed", &two.len(), &2)?;
    let none = json!({ "descr": base64(b"nowhere at all") });
    let reply = device.user_post("keymgmt:search", "/api/keymgmt/search", &none)?.is(200)?;
    equal("total of none", &envelope(&reply, 0)?.0, &0)
}

fn searches_openly(device: &Device) -> Verdict {
    device.deal()?;
    let config = device.user_get("system:config", "/api/system/config")?.is(200)?;
    let open = config.field("allow_keysearch")? == Value::Bool(true);
    let ask =
        |pattern: String| device.post("/api/keymgmt/search", None, &json!({ "descr": pattern }));
    for pattern in [base64(b"CONFORMANCE:"), format!("^{}", base64(b"CONFO"))] {
        ask(pattern)?.refuses(401)?;
    }
    let good = format!("^{}", base64(b"CONFOR"));
    if !open {
        ask(good)?.refuses(401)?;
        return not_applicable("allow_keysearch is off; what is left of it holds");
    }
    let (total, _) = envelope(&ask(good)?, 0)?;
    ensure(total >= KINDS.len(), || format!("{total} found"))
}

fn bounds(device: &Device) -> Verdict {
    let ask = |body: Value| device.user_post("keymgmt:search", "/api/keymgmt/search", &body);
    ask(json!({ "descr": format!("^{}", base64(&[7; 64])) }))?.is(200)?;
    ask(json!({ "descr": format!("^{}", base64(&[7; 65])) }))?.refuses(406)?;
    for body in [json!({}), json!({ "descr": 7 })] {
        ask(body)?.refuses(400)?;
    }
    Ok(())
}

/// What wants which scope: method, path, scopes that do, scopes that don't.
const DOORS: [(&str, &str, &[&str], &[&str]); 7] = [
    ("GET", "keymgmt/list", &["keymgmt:list"], &["keymgmt:search", "keymgmt:gen", "system:wrong"]),
    ("POST", "keymgmt/search", &["keymgmt:search", "keymgmt:list"], &["keymgmt:gen", "x"]),
    ("POST", "keymgmt/create", &["keymgmt:gen"], &["keymgmt:imp", "keymgmt"]),
    ("POST", "keymgmt/import", &["keymgmt:imp"], &["keymgmt:gen", "keymgmt"]),
    ("POST", "keymgmt/update", &["keymgmt:upd"], &["keymgmt:gen", "keymgmt:del"]),
    ("GET", "keymgmt/get/00000000000000000000000000000000", &["keymgmt:get"], &["keymgmt:list"]),
    ("GET", "system/config", &["system:config", "logger:get", "auth:ext:pair"], &["system:x"]),
];

fn wants_scopes(device: &Device) -> Verdict {
    let mut scopes: Vec<_> = DOORS.iter().flat_map(|(_, _, good, bad)| [*good, *bad]).collect();
    scopes.push(&["keymgmt:derive"]);
    let scopes: Vec<_> = scopes.concat().into_iter().map(str::to_owned).collect();
    device.log_in(Role::User, &scopes)?;
    for (method, path, good, bad) in DOORS {
        let path = format!("/api/{path}");
        let ask = |scope: &str| match method {
            "GET" => device.user_get(scope, &path),
            _ => device.user_post(scope, &path, &json!({})),
        };
        for scope in good {
            let reply = ask(scope)?;
            if [401, 403].contains(&reply.status) {
                return fails(format!("{path} with {scope}: {}", reply.status));
            }
        }
        for scope in bad {
            // A body without what it needs may be told before the scope is (A15, 25).
            let statuses: &[u16] = if method == "GET" { &[403] } else { &[403, 400] };
            ask(scope)?.one_of(statuses)?.without_body()?;
        }
    }
    Ok(())
}
