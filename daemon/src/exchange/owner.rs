//! Whose a session is.

use std::net::IpAddr;

use policies::Subject;
use sha2::{Digest, Sha256};

use crate::store::SealText;

/// What a client and an installation of it call themselves, and where they are.
#[derive(Clone)]
pub struct Visitor {
    /// The client; empty where it does not say.
    pub client: String,
    /// The installation.
    pub installation: String,
    /// Where it is, as far as that is counted.
    pub origin: Option<IpAddr>,
}

/// Whose session it is.
pub struct Owner {
    /// The caller.
    pub(super) subject: Subject,
    /// What the state file calls the session: the caller, the client and its installation, hashed.
    pub(super) name: [u8; 32],
    pub(super) visitor: Visitor,
}

impl Visitor {
    /// As it stands in the log.
    pub fn name(&self) -> String {
        format!("{} {}", self.installation, self.client).trim_end().to_owned()
    }
}

impl Owner {
    /// The caller, with what a client and an installation of it call themselves.
    pub fn new(subject: Subject, visitor: &Visitor) -> Self {
        let text = SealText::new("claviger e2e session v1")
            .bytes(subject.claim().as_bytes())
            .bytes(visitor.client.as_bytes())
            .bytes(visitor.installation.as_bytes())
            .finish();
        Self { subject, name: Sha256::digest(text).into(), visitor: visitor.clone() }
    }
}
