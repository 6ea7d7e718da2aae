//! `claviger key list | search`: many keys, page by page.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::args::SearchArgs;
use crate::client::{Call, Client};
use crate::encoding;
use crate::failure::Failure;
use crate::output::{plain, table, utc};
use crate::session::{Need, Session};

/// Lists all keys.
pub(crate) fn list(session: &Session) -> Result<(), Failure> {
    run(session, list_page)
}

/// Finds keys by their description.
pub(crate) fn search(session: &Session, ask: &SearchArgs) -> Result<(), Failure> {
    let pattern = Pattern::parse(&ask.pattern, ask.base64)?;
    run(session, |offset| search_page(&pattern, offset))
}

#[derive(Deserialize)]
struct Page {
    total: u64,
    list: Vec<Entry>,
}

#[derive(Deserialize, Serialize)]
struct Entry {
    kid: String,
    /// Flags and algorithm, joined by commas, the algorithm last.
    #[serde(rename = "type")]
    key_type: String,
    label: String,
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    descr: Option<String>,
    created: u64,
    updated: u64,
}

/// A search pattern as the API takes it, and whether it may be tried without a token.
struct Pattern {
    wire: String,
    anonymous: bool,
}

impl Pattern {
    fn parse(text: &str, base64: bool) -> Result<Self, Failure> {
        let (start, rest) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
        let (end, rest) = rest.strip_suffix('$').map_or((false, rest), |rest| (true, rest));
        if start && end {
            return Err(Failure::usage("a pattern has ^ at its start or $ at its end, not both")
                .hint("with --base64 the text may hold either character"));
        }
        let bytes = if base64 {
            encoding::decode(rest).map_err(|why| Failure::usage(format!("the pattern is {why}")))?
        } else {
            rest.as_bytes().to_vec()
        };
        if bytes.is_empty() || bytes.len() > NEEDLE_MAX {
            return Err(Failure::usage(format!(
                "the text of a pattern is 1 to {NEEDLE_MAX} bytes, this is {}",
                bytes.len()
            )));
        }
        let (before, after) = (if start { "^" } else { "" }, if end { "$" } else { "" });
        let wire = format!("{before}{}{after}", encoding::encode(&bytes));
        Ok(Self { wire, anonymous: start && bytes.len() >= ANONYMOUS_MIN })
    }
}

fn run(session: &Session, page: impl Fn(u64) -> Call) -> Result<(), Failure> {
    let Some(client) = session.client_for(&page(0))? else { return Ok(()) };
    let list = all_pages(&client, page)?;
    let text = if list.is_empty() { String::new() } else { readable(&list) };
    if list.is_empty() {
        session.output.note("no keys");
    }
    session.output.show(&json!({"total": list.len(), "list": list}), &text)
}

/// Asks until `total` is reached, or a page is empty: keys may vanish meanwhile.
fn all_pages(client: &Client, page: impl Fn(u64) -> Call) -> Result<Vec<Entry>, Failure> {
    let mut list = Vec::new();
    let mut offset = 0_u64;
    loop {
        let Page { total, list: mut more } = client.json(&page(offset))?;
        let listed = u64::try_from(more.len()).unwrap_or(u64::MAX);
        offset = offset.saturating_add(listed);
        list.append(&mut more);
        if listed == 0 || offset >= total {
            return Ok(list);
        }
    }
}

fn list_page(offset: u64) -> Call {
    let need = Need { scopes: vec!["keymgmt:list"], ..Need::default() };
    Call::get(format!("/api/keymgmt/list/{offset}")).needs(need)
}

fn search_page(pattern: &Pattern, offset: u64) -> Call {
    let scopes = vec!["keymgmt:search", "keymgmt:list", "auth:ext:pair"];
    let need = Need { scopes, exact: None, optional: pattern.anonymous };
    let body = json!({"descr": pattern.wire, "offset": offset, "limit": PAGE});
    Call::post("/api/keymgmt/search", body).needs(need)
}

fn readable(list: &[Entry]) -> String {
    let head = ["KID", "TYPE", "UPDATED", "LABEL", "DESCRIPTION"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(list.iter().map(row)).collect();
    table(&rows)
}

fn row(entry: &Entry) -> [String; 5] {
    let descr = entry.descr.as_deref().unwrap_or_default();
    let descr = encoding::printable(descr).unwrap_or_else(|| format!("base64:{descr}"));
    let cell = |text: &str| plain(text).replace('\n', "?");
    [cell(&entry.kid), cell(&entry.key_type), utc(entry.updated), cell(&entry.label), cell(&descr)]
}

/// The API's page; larger wishes are cut to it.
const PAGE: u64 = 15;
const NEEDLE_MAX: usize = 64;
/// A prefix of this length may be searched for without a token, if the daemon is set so.
const ANONYMOUS_MIN: usize = 6;

#[cfg(test)]
mod tests {
    use super::{Entry, Pattern, readable, search_page};

    #[test]
    fn patterns_are_text_at_the_start_the_end_or_anywhere() {
        let wire = |text: &str, base64| Pattern::parse(text, base64).map(|p| p.wire).unwrap();
        assert_eq!(wire("^CCTEST", false), "^Q0NURVNU");
        assert_eq!(wire("TEST$", false), "VEVTVA==$");
        assert_eq!(wire("a^b", false), "YV5i");
        assert_eq!(wire("^RVhUQUlE", true), "^RVhUQUlE");
        for bad in ["", "^", "^a$", &"x".repeat(65)] {
            assert!(Pattern::parse(bad, false).is_err(), "{bad}");
        }
        assert!(Pattern::parse("^no base64!", true).is_err());
    }

    #[test]
    fn only_long_prefixes_do_without_a_token() {
        let optional = |text| search_page(&Pattern::parse(text, false).unwrap(), 0).need.optional;
        assert!(optional("^CCTEST"));
        assert!(!optional("^CCTES") && !optional("CCTEST") && !optional("CCTEST$"));
    }

    #[test]
    fn descriptions_are_readable_and_harmless() {
        let entry = |label: &str, descr: Option<&str>| Entry {
            kid: "ab".into(),
            key_type: "ATT,AES256".into(),
            label: label.into(),
            descr: descr.map(str::to_owned),
            created: 0,
            updated: 0,
        };
        let list = [entry("l\u{1b}", Some("dGV4dA==")), entry("m", Some("/w==")), entry("n", None)];
        assert_eq!(
            readable(&list),
            "KID  TYPE        UPDATED               LABEL  DESCRIPTION\n\
             ab   ATT,AES256  1970-01-01T00:00:00Z  l?     text\n\
             ab   ATT,AES256  1970-01-01T00:00:00Z  m      base64:/w==\n\
             ab   ATT,AES256  1970-01-01T00:00:00Z  n"
        );
    }
}
