//! Workers that are threads, speak the frames, and behave as a test wants.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "shared by several tests, each of which uses a part; a surprise has to fail them"
)]

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hsm_profiles::transport::frame::{GREETING, Inbox, Outbox};
use hsm_profiles::transport::process::{Launch, Launched};
use hsm_profiles::transport::{Health, Limits};
use hsm_profiles::{
    Answer, ForeignPoint, KeyType, Operation, SecretBytes, SelfTest, System, TokenFault,
    TokenStatus, Vault,
};
use policies::session::{Grant, Sessions};
use policies::{Caller, Kid, Permit, Scope, Subject, Use};
use tokio::sync::watch;

/// The worker's end of the socket.
pub(crate) struct Wire {
    stream: UnixStream,
    inbox: Inbox,
    outbox: Outbox,
    pub(crate) reads: usize,
}

impl Wire {
    pub(crate) fn greet(&mut self) {
        self.answer(GREETING, &Answer::Status(Box::new(status())));
    }

    pub(crate) fn refuse(&mut self, fault: TokenFault) {
        self.answer(GREETING, &Answer::Failed(fault));
    }

    /// The next request; `None` when the daemon has closed the socket.
    pub(crate) fn next(&mut self) -> Option<(u64, Operation)> {
        loop {
            if let Some(request) = self.inbox.take().unwrap() {
                return Some(request);
            }
            match self.stream.read(self.inbox.space()).unwrap_or(0) {
                0 => return None,
                count => self.inbox.filled(count),
            }
            self.reads += 1;
        }
    }

    pub(crate) fn answer(&mut self, id: u64, answer: &Answer) {
        self.outbox.push(id, answer).unwrap();
        // The daemon may have hung up, and then tells its own story.
        drop(self.stream.write_all(self.outbox.bytes()));
        self.outbox.clear();
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes));
    }

    /// Greets, then answers everything as a good worker does.
    pub(crate) fn serve(mut self) {
        self.greet();
        self.go_on();
    }

    pub(crate) fn go_on(&mut self) {
        while let Some((id, operation)) = self.next() {
            self.answer(id, &reply(operation));
        }
    }
}

/// What a good worker answers: an agreement gives the peer back.
pub(crate) fn reply(operation: Operation) -> Answer {
    match operation {
        Operation::AgreeIdentity { peer } => Answer::Secret(SecretBytes::new(peer.to_vec())),
        Operation::AgreeOnce { peer, .. } => {
            Answer::AgreedOnce { public: peer.clone(), secret: SecretBytes::new(peer) }
        }
        Operation::Attest { .. } => Answer::Public(vec![5; 64]),
        Operation::SelfTest => Answer::Tested(SelfTest { known_answers: true, randomness: true }),
        Operation::Agree { peer, .. } => Answer::Secret(SecretBytes::new(peer)),
        Operation::Destroy { .. } | Operation::DestroyCreation { .. } => Answer::Count(1),
        Operation::Employ { counterpart, .. } => {
            Answer::Secret(SecretBytes::new(counterpart.map(|side| side.peer).unwrap_or_default()))
        }
        Operation::GeneratePair { .. } => Answer::Public(vec![2; 33]),
        Operation::Derive { .. }
        | Operation::Exchange(_)
        | Operation::Mailbox(_)
        | Operation::GenerateSealed { .. }
        | Operation::Sealed { .. } => {
            Answer::Failed(TokenFault::Unsupported("a fake seals nothing".into()))
        }
        Operation::GenerateSecret { .. } => Answer::Count(1),
        Operation::List => Answer::Objects(Vec::new()),
        Operation::Mac { .. } => Answer::Public(vec![3; 32]),
        Operation::MakeLogger
        | Operation::Provision
        | Operation::RetireLogger { .. }
        | Operation::Status => Answer::Status(Box::new(status())),
        Operation::ReadAnchors => Answer::Anchors(Vec::new()),
        Operation::SignLog { .. } => Answer::Public(vec![4; 64]),
        Operation::WriteAnchor { .. } => Answer::Count(1),
    }
}

/// Starts `behaviour` for each worker, with its number from 1 on, and counts them.
pub(crate) fn workers(
    behaviour: impl Fn(usize, Wire) + Send + Sync + 'static,
) -> (impl Launch, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let (behaviour, launched) = (Arc::new(behaviour), Arc::clone(&count));
    let launch = move || -> io::Result<Launched> {
        let number = launched.fetch_add(1, Ordering::SeqCst) + 1;
        let (stream, far) = UnixStream::pair()?;
        let behaviour = Arc::clone(&behaviour);
        thread::spawn(move || {
            behaviour(
                number,
                Wire { stream: far, inbox: Inbox::new(), outbox: Outbox::default(), reads: 0 },
            )
        });
        Ok(Launched { stream, process: None })
    };
    (launch, count)
}

/// A vault over such workers.
pub(crate) async fn open(
    limits: Limits,
    behaviour: impl Fn(usize, Wire) + Send + Sync + 'static,
) -> (Vault, System, Arc<AtomicUsize>) {
    let (launch, count) = workers(behaviour);
    let (vault, system, told) = Vault::open_with(launch, limits).await.unwrap();
    assert_eq!(told, status());
    (vault, system, count)
}

/// A caller who may do anything with `kid`.
pub(crate) fn caller(scope: &str) -> Caller {
    let sessions = Sessions::new(&zeroize::Zeroizing::new([7; 32]));
    let grant = Grant {
        scope: Scope::parse(scope).unwrap(),
        subject: Subject::User,
        issued: 0,
        expires: 2,
        nonce: [0; 32],
        context: None,
    };
    sessions.verify(&sessions.issue(&grant).unwrap(), 1).unwrap()
}

pub(crate) fn permit() -> Permit<Use> {
    let kid = Kid::from_bytes([5; 16]);
    caller(&format!("keymgmt:use:{kid}")).may(Use(kid)).unwrap()
}

pub(crate) fn point(number: u8) -> ForeignPoint {
    let mut raw = [9; 32];
    raw[0] = number;
    ForeignPoint::parse(KeyType::Curve25519, &raw).unwrap()
}

/// An agreement with the point of this number; what it gave.
pub(crate) async fn agree(vault: &Vault, number: u8) -> Result<u8, TokenFault> {
    let peer = point(number);
    let secret = vault.agree(permit(), KeyType::Curve25519, &peer, None).await?;
    assert_eq!(secret.expose().len(), 32);
    Ok(secret.expose()[0])
}

pub(crate) async fn until(health: &mut watch::Receiver<Health>, wanted: impl Fn(&Health) -> bool) {
    let found = tokio::time::timeout(Duration::from_secs(60), health.wait_for(|h| wanted(h))).await;
    found.expect("the health never came").unwrap();
}

pub(crate) fn status() -> TokenStatus {
    TokenStatus {
        label: "fake".into(),
        model: "thread".into(),
        serial: "1".into(),
        sealed: Vec::new(),
        groups: Vec::new(),
        attestation: None,
        withdrawn: Vec::new(),
        has_kek: true,
        native: vec![KeyType::Curve25519],
        system: None,
    }
}
