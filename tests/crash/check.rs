//! Whether everything is there that was acknowledged, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use audit::{Cause, VerifyingKey};
use serde_json::Value;
use tests::daemon::USER;
use tests::log;
use tests::login::bearer;
use tests::make::{Make, SOFTHSM2, only_on};
use tests::patience::LONG;
use tests::token::Token;

use crate::ledger::{Deed, Fate, Ledger};
use crate::site::{LIST, LOG, Site, agreement, usage};

/// Checks again and again; what a finished log file holds is counted once.
pub(crate) struct Checker {
    logger: VerifyingKey,
    /// Files that nobody writes to any more.
    finished: BTreeSet<PathBuf>,
    /// Successes by type and KID, in finished files.
    counted: BTreeMap<(String, String), usize>,
    /// How many finished files end in the middle of a line.
    pub(crate) torn: usize,
}

impl Checker {
    /// Trusts the logger key that the device shows now, for good.
    pub(crate) fn of(site: &Site) -> Self {
        let key = site.client.get("/api/logger/key", site.token(LOG)).bytes("key");
        let logger = VerifyingKey::from_bytes(&key.try_into().unwrap()).unwrap();
        Self { logger, finished: BTreeSet::new(), counted: BTreeMap::new(), torn: 0 }
    }

    /// Checks everything. What broke off is mended in the background, so it gets a while.
    ///
    /// # Panics
    /// Says what is missing or left over.
    pub(crate) fn check(&mut self, site: &Site, ledger: &Ledger) {
        self.check_log(site, ledger);
        let deadline = std::time::Instant::now() + LONG;
        let whole = || check_keys(site, ledger).and_then(|listed| self.check_told(site, &listed));
        while let Err(why) = whole() {
            assert!(std::time::Instant::now() < deadline, "{why}\n{}", site.home.messages());
            std::thread::sleep(PAUSE);
        }
    }

    /// Every file verifies, and each acknowledged operation has its entry.
    fn check_log(&mut self, site: &Site, ledger: &Ledger) {
        let mut files = log::files(&site.home.at("audit"));
        let current = files.pop().unwrap();
        for file in files {
            if self.finished.insert(file.clone()) {
                let whole = self.verify(&file);
                self.torn += usize::from(!whole);
                let counted = successes(&file);
                counted
                    .into_iter()
                    .for_each(|(of, more)| *self.counted.entry(of).or_default() += more);
            }
        }
        assert!(self.verify(&current), "the file being written has a torn tail");
        let counts = self.counts(&current);
        for ((deed, kid), count) in ledger.counts() {
            let written = counts.get(&(deed.log_type().to_owned(), kid.clone())).copied();
            let written = written.unwrap_or_default();
            let least = count.acknowledged;
            assert!(written >= least, "{deed:?} {kid}: {least} acknowledged, {written} in the log");
            let most = least + count.lost;
            assert!(
                deed != Deed::Agree || written <= most,
                "{deed:?} {kid}: {most} asked for at most, {written} in the log"
            );
        }
    }

    /// Every key that is there has an entry that says where it came from, and every other one that
    /// ever was there has one that says where it went: acknowledged or not.
    fn check_told(&self, site: &Site, listed: &BTreeMap<String, String>) -> Result<(), String> {
        let files = log::files(&site.home.at("audit"));
        let counts = self.counts(files.last().unwrap());
        let told = |kind: &str, kid: &str| counts.contains_key(&(kind.to_owned(), kid.to_owned()));
        let came = |kid: &str| told("KEY_GENERATION", kid) || told("KEY_IMPORT", kid);
        if let Some(kid) = listed.keys().find(|kid| !came(kid)) {
            return Err(format!("{kid} is there and has no entry"));
        }
        let once = counts
            .keys()
            .filter(|(kind, _)| matches!(kind.as_str(), "KEY_GENERATION" | "KEY_IMPORT"));
        let gone = once.map(|(_, kid)| kid).filter(|kid| !listed.contains_key(*kid));
        match gone.into_iter().find(|kid| !told("KEY_DELETE", kid)) {
            Some(kid) => Err(format!("{kid} was there, is gone, and has no entry of that")),
            None => Ok(()),
        }
    }

    /// Successes by type and KID, in all finished files and `current`.
    fn counts(&self, current: &Path) -> BTreeMap<(String, String), usize> {
        let mut counts = self.counted.clone();
        for (of, more) in successes(current) {
            *counts.entry(of).or_default() += more;
        }
        counts
    }

    /// Whether the last line is whole.
    ///
    /// # Panics
    /// Where anything else is wrong.
    fn verify(&self, file: &Path) -> bool {
        let text = std::fs::read(file).unwrap();
        let whole = whole_lines(&text);
        match audit::verify(text.as_slice(), &self.logger) {
            Ok(_) => true,
            Err(finding) => {
                let torn = matches!(finding.cause, Cause::TornTail);
                assert!(torn, "{}: {finding}", file.display());
                audit::verify(whole, &self.logger)
                    .unwrap_or_else(|finding| panic!("{}: {finding}", file.display()));
                false
            }
        }
    }
}

/// A last use of keys that were made on the way: what is listed works.
///
/// # Panics
/// Where it does not.
pub(crate) fn use_again(site: &Site, ledger: &Ledger) {
    let fates = ledger.fates();
    let kept = fates.iter().filter(|(_, fate)| **fate == Fate::There).map(|(kid, _)| kid);
    let listed = listed(site);
    let able = kept
        .filter(|kid| listed[*kid].contains("PKEY,ECDH") && listed[*kid].ends_with("SECP256R1"));
    let able: Vec<_> = able.take(SAMPLE).collect();
    assert!(able.len() >= site.anchors.len());
    for kid in able {
        let token = bearer(&site.client, USER, &usage(kid));
        assert_eq!(
            site.client.post("/api/crypto/ecdh", &token, &agreement(kid)).status,
            200,
            "{kid}"
        );
    }
}

/// Object files in the token's store that show as no object. SoftHSM leaves them when it is killed
/// while it begins one; nothing can be reached through them.
pub(crate) fn husks(site: &Site) -> usize {
    if !only_on(&SOFTHSM2, "husks", "the token keeps its objects in one file, with transactions") {
        return 0;
    }
    let folders = std::fs::read_dir(site.home.at("tokens")).unwrap();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let objects = names.filter(|name| name.ends_with(".object") && name != "token.object").count();
    objects.saturating_sub(Token::of(&site.home).list().len())
}

/// Records, token and ledger say the same. Answers what is listed.
fn check_keys(site: &Site, ledger: &Ledger) -> Result<BTreeMap<String, String>, String> {
    let listed = listed(site);
    for (kid, fate) in ledger.fates() {
        match (fate, listed.contains_key(&kid)) {
            (Fate::There, false) => {
                return Err(format!("{kid} was acknowledged and is not listed"));
            }
            (Fate::Gone, true) => return Err(format!("{kid} was deleted and is still listed")),
            _ => {}
        }
    }
    // What was made in the token has its object; what was imported, and what is sealed because the
    // token can't do all that is asked of it, has none.
    let made_in_token = |listed: &str| {
        let (_, kind) = listed.rsplit_once(',').unwrap();
        listed.starts_with("ATT,") && Make::current().holds(kind)
    };
    let with_object = listed.iter().filter(|(_, kind)| made_in_token(kind));
    let mut lacking: BTreeMap<&String, usize> =
        with_object.map(|(kid, kind)| (kid, objects(kind))).collect();
    for object in Token::of(&site.home).list() {
        let system = object.label == "claviger-system:log-anchor";
        if system || object.id.starts_with(b"claviger-system:") {
            continue;
        }
        let id: String = object.id.iter().map(|byte| format!("{byte:02x}")).collect();
        let sound = matches!(object.class.as_str(), "private" | "secret")
            && object.label.starts_with("claviger:")
            && object.sensitive == Some(true)
            && object.extractable == Some(false);
        let left = lacking.get_mut(&id).filter(|left| sound && **left > 0);
        *left.ok_or(format!("an object that no key owns, or that is half made: {object:?}"))? -= 1;
    }
    lacking.retain(|_, left| *left > 0);
    match lacking.is_empty() {
        true => Ok(listed),
        false => Err(format!("listed, and not in the token: {lacking:?}")),
    }
}

/// How many objects a key has: an AES key one for each width up to its own.
fn objects(kind: &str) -> usize {
    match kind.rsplit(',').next() {
        Some("AES192") => 2,
        Some("AES256") => 3,
        _ => 1,
    }
}

/// All keys with their types as listed.
fn listed(site: &Site) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    let mut offset = 0;
    loop {
        let path = format!("/api/keymgmt/list/{offset}");
        let page = site.client.get(&path, site.token(LIST)).json();
        let list = page["list"].as_array().unwrap();
        let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
        keys.extend(list.iter().map(|key| (text(key, "kid"), text(key, "type"))));
        offset += list.len();
        if list.is_empty() || Some(offset) == page["total"].as_u64().and_then(|t| t.try_into().ok())
        {
            return keys;
        }
    }
}

/// Successes by type and KID.
fn successes(file: &Path) -> BTreeMap<(String, String), usize> {
    let text = std::fs::read(file).unwrap();
    let mut counts = BTreeMap::new();
    for row in audit::rows(whole_lines(&text)) {
        let entry = log::Entry::from(row.unwrap());
        if entry.result == "OK" {
            *counts.entry((entry.kind, entry.ext)).or_default() += 1;
        }
    }
    counts
}

fn whole_lines(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &text[..end]
}

const PAUSE: Duration = Duration::from_millis(50);
/// Keys that are used once more at the end.
const SAMPLE: usize = 12;
