//! Key agreement (docs/key-agreement.md): a key that client and daemon share for one login.

pub(crate) mod der;
mod derivation;
mod peer;
mod references;
mod scheme;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use hsm_profiles::{Group, SecretBytes, TokenFault, Vault};
use policies::{Open, Permit};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use uuid::{Builder, Uuid};

use self::derivation::Transcript;
pub use self::peer::PeerKey;
use self::references::References;
pub use self::scheme::Scheme;
use crate::config::KeyAgreement;
use crate::fault::Fault;
use crate::listen::Doorkeeper;

/// Agrees on keys and keeps them until they serve. Cloning is shallow.
#[derive(Clone)]
pub struct Agreements(Arc<Parts>);

struct Parts {
    vault: Vault,
    /// Those in which the token can make a key pair and agree.
    groups: Vec<Group>,
    identifier: Vec<u8>,
    references: References,
    /// Lets in who waits for a turn.
    doorkeeper: Arc<Doorkeeper>,
    turns: Semaphore,
}

/// What a client offers.
pub struct Offer<'a> {
    /// Where it is, as far as that is counted.
    pub origin: Option<IpAddr>,
    /// Who it is, in its own words.
    pub identifier: &'a [u8],
    /// Random bytes of its making.
    pub nonce: &'a [u8],
    /// Its public key, checked.
    pub peer: &'a PeerKey,
    /// The schemes that it can do.
    pub schemes: &'a [Scheme],
}

/// What was agreed on.
pub struct Agreed {
    /// The name by which a login calls for the key.
    pub reference: Uuid,
    /// Who we are.
    pub identifier: Vec<u8>,
    /// What shows that we have the key.
    pub proof: [u8; 32],
    /// Our public key, in the form of the client's.
    pub public: Vec<u8>,
    /// How.
    pub scheme: Scheme,
}

impl Agreed {
    /// How the log calls it, where the reference itself would let its readers use it up: the first 16
    /// bytes of its SHA-256, in hexadecimal.
    pub fn name(&self) -> String {
        let hash = Sha256::digest(self.reference.to_string());
        hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Agreements {
    /// Agreements by a token in these groups.
    pub fn new(vault: Vault, groups: Vec<Group>, config: &KeyAgreement) -> Self {
        Self(Arc::new(Parts {
            vault,
            groups,
            identifier: config.identifier.clone().into_bytes(),
            references: References::new(config.references, config.references_per_address),
            doorkeeper: Arc::new(Doorkeeper::new(WAITING, WAITING_PER_ADDRESS)),
            turns: Semaphore::new(AT_ONCE),
        }))
    }

    /// Agrees on a key by a key pair that the token makes for it, and keeps the key.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where no scheme fits the key of the client and the token;
    /// [`Fault::Throttled`] where as many keys are kept as may be, in all or for one address;
    /// [`Fault::Busy`] where as many wait for theirs; that of the token.
    pub async fn agree(&self, leave: &Permit<Open>, offer: Offer<'_>) -> Result<Agreed, Fault> {
        let parts = &*self.0;
        let group = offer.peer.element().group();
        let scheme = Scheme::choose(offer.schemes, group).filter(|_| parts.groups.contains(&group));
        let scheme = scheme.ok_or(Fault::Invalid(NO_SCHEME.into()))?;
        let address = offer.origin.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let _place = parts.doorkeeper.admit(address).map_err(|_| Fault::Busy)?;
        let _turn = parts.turns.acquire().await.map_err(|_| Fault::Internal)?;
        parts.references.admit(offer.origin, Instant::now())?;
        let agreed = parts.vault.agree_once(leave, offer.peer.element()).await;
        let (public, secret) = agreed.map_err(not_the_callers)?;
        let reference = random_uuid()?;
        let transcript = Transcript {
            scheme,
            client: offer.identifier,
            server: &parts.identifier,
            client_public: offer.peer.element().bytes(),
            server_public: &public,
            reference: &reference.to_string(),
            nonce: offer.nonce,
        };
        let (key, proof) = transcript.derive(&secret).ok_or(Fault::Internal)?;
        parts.references.keep((reference, key), offer.origin, Instant::now())?;
        let public = offer.peer.form(&public).ok_or(Fault::Internal)?;
        Ok(Agreed { reference, identifier: parts.identifier.clone(), proof, public, scheme })
    }

    /// The key of a reference, which serves no more after this: of any number of callers one gets
    /// it. `None` where it is unknown, used or older than two minutes.
    pub fn take(&self, reference: &Uuid) -> Option<SecretBytes> {
        self.0.references.take(reference, Instant::now())
    }
}

/// The key was checked: where the token refuses it all the same, the client is not at fault.
fn not_the_callers(fault: TokenFault) -> Fault {
    match Fault::from(fault) {
        Fault::Failed(why) => Fault::Conflict(why),
        other => other,
    }
}

/// A UUID of version 4.
fn random_uuid() -> Result<Uuid, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Fault::Internal)?;
    Ok(Builder::from_random_bytes(bytes).into_uuid())
}

/// How many are in the token's queue of what is slow, where keys are made and deleted, too.
const AT_ONCE: usize = 8;
/// How many are there and wait for that.
const WAITING: usize = 256;
const WAITING_PER_ADDRESS: usize = 64;
const NO_SCHEME: &str = "none of supported_schemes fits public_key and the token of this device: \
    name the scheme of the key, and where it is refused take another kind of key";
