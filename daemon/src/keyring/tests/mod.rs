//! The keyring on a real state file and a token that fails on demand.

mod agreement;
mod crash;
mod employment;
mod listing;
mod nonces;
mod owed;
mod own;
mod seal;
mod sealed;
mod single;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hsm_profiles::{KeyType, Usage};
use policies::session::{Grant, Sessions};
use policies::{
    Action, Caller, CreateKey, DeleteKey, ImportKey, Kid, ListKeys, Permit, ReadKey, Scope,
    SearchKeys, Subject,
};
use tempfile::TempDir;

use super::token::faulty::{Faulty, public_key};
use super::{Keyring, NewKey, NewPublic, Recovery};
use crate::store::Store;

/// A directory, a token, and the daemon that runs on them.
struct Bench {
    directory: TempDir,
    token: Arc<Faulty>,
    store: Store,
    keyring: Keyring,
    recovery: Recovery,
}

impl Bench {
    async fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap(), Faulty::default()).await
    }

    async fn open(directory: TempDir, token: Faulty) -> Self {
        let store = Store::open(&path(&directory)).await.unwrap();
        let token = Arc::new(token);
        let (keyring, recovery) =
            Keyring::open_with(store.clone(), token.clone(), ticking).await.unwrap();
        Self { directory, token, store, keyring, recovery }
    }

    /// Stops the process without a word and starts the next one.
    async fn restart(self) -> Self {
        self.token.freeze();
        let Self { directory, token, store, keyring, .. } = self;
        drop(keyring);
        store.close().await;
        Self::open(directory, token.restarted()).await
    }

    async fn create(&self, kind: KeyType) -> Kid {
        self.keyring.create(leave(CreateKey), new(kind)).await.unwrap()
    }

    async fn import(&self, number: u64) -> Kid {
        self.keyring.import(leave(ImportKey), public(KeyType::Ed25519, number)).await.unwrap()
    }

    fn read_type(&self, kid: Kid) -> (String, String) {
        let key = self.keyring.read(leave(ReadKey(kid))).unwrap();
        (key.type_listed(), key.type_read())
    }

    fn listed(&self) -> Vec<Kid> {
        let page = self.keyring.list(&leave(ListKeys), 0, 15);
        assert_eq!(page.total, page.keys.len());
        page.keys.into_iter().map(|key| key.kid).collect()
    }

    async fn intents(&self) -> usize {
        self.store.intents().await.unwrap().len()
    }

    /// No orphan in the token, no record without a key, nothing unfinished.
    async fn assert_whole(&self, case: &str) {
        let mut listed = self.listed();
        listed.sort();
        assert_eq!(listed, self.token.kids(), "{case}: keys and objects");
        assert_eq!(self.intents().await, 0, "{case}: intents");
        assert_eq!(self.store.records().await.unwrap().len(), listed.len(), "{case}: rows");
    }
}

fn path(directory: &TempDir) -> PathBuf {
    directory.path().join("state.db")
}

/// A clock that goes on by a second with every other look at it, so that some keys are of the same
/// second.
fn ticking() -> u64 {
    static LOOKS: AtomicU64 = AtomicU64::new(2_000_000_000);
    LOOKS.fetch_add(1, Ordering::SeqCst) / 2
}

fn leave<A: Action>(action: A) -> Permit<A> {
    leave_with(action, "keymgmt:gen")
        .or_else(|| leave_with(action, A::SCOPES.first().copied().unwrap_or("none")))
        .or_else(|| leave_with(action, &action.needed()))
        .unwrap()
}

fn leave_with<A: Action>(action: A, scope: &str) -> Option<Permit<A>> {
    caller(scope).may(action).ok()
}

fn caller(scope: &str) -> Caller {
    let sessions = Sessions::new(&zeroize::Zeroizing::new([7; 32]));
    let grant = Grant {
        scope: Scope::parse(scope).unwrap(),
        subject: Subject::User,
        issued: 0,
        expires: u64::MAX,
        nonce: [0; 32],
        context: None,
    };
    sessions.verify(&sessions.issue(&grant).unwrap(), 0).unwrap()
}

fn new(kind: KeyType) -> NewKey {
    NewKey {
        label: format!("a {kind}"),
        kind,
        usage: Usage { agree: true, sign: true },
        descr: b"CCTEST".to_vec(),
        owner: None,
    }
}

fn public(kind: KeyType, number: u64) -> NewPublic {
    NewPublic {
        label: format!("number {number}"),
        kind,
        public: public_key(kind, number),
        usage: Usage { agree: false, sign: false },
        descr: Vec::new(),
    }
}

fn search(open: bool) -> Permit<SearchKeys> {
    leave(SearchKeys { open })
}

fn delete(kid: Kid) -> Permit<DeleteKey> {
    leave(DeleteKey(kid))
}
