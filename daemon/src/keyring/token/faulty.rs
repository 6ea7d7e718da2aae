//! A token in memory that fails on demand. It makes real public keys, and no private ones: a test
//! agreement is a hash of both public keys, which is the same from either side.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hsm_profiles::{
    Answer, Creation, Family, ForeignPoint, Held, KeyType, NewSealed, Object, Outcome, SealedKey,
    SealedTask, SecretBytes, SecretDigest, Task, TokenFault, Usage,
};
use policies::{CreateKey, DeleteKey, DeriveKey, Kid, Permit, Use};
use sha2::{Digest, Sha256};

use super::{Serving, Token};
use crate::store::{Doing, Mac, Tag};

/// What happens to a changing call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mishap {
    /// It is refused, and certainly did not happen.
    Busy,
    /// It is refused half-way: it happened, and the token says that it can't.
    RefusedAfter,
    /// It did not happen, and nobody can tell.
    UnknownBefore,
    /// It happened, and nobody can tell.
    UnknownAfter,
    /// The process stops before it.
    StopBefore,
    /// The process stops after it.
    StopAfter,
}

/// The token's memory outlives the process that uses it: see [`Faulty::restarted`].
#[derive(Default)]
pub(crate) struct Faulty {
    objects: Arc<Mutex<BTreeMap<Kid, Creation>>>,
    /// Public keys are points of these private scalars.
    made: Arc<AtomicU64>,
    mac_key: [u8; 32],
    mishap: Mutex<Option<Mishap>>,
    frozen: AtomicBool,
    agreements: AtomicU64,
    employments: AtomicU64,
    has_no_kek: AtomicBool,
}

impl Faulty {
    pub(crate) fn with_mac_key(mac_key: [u8; 32]) -> Self {
        Self { mac_key, ..Self::default() }
    }

    /// The same token as the next process sees it.
    pub(crate) fn restarted(&self) -> Self {
        Self {
            objects: Arc::clone(&self.objects),
            made: Arc::clone(&self.made),
            mac_key: self.mac_key,
            ..Self::default()
        }
    }

    /// Lets the next changing call suffer this.
    pub(crate) fn suffer(&self, mishap: Mishap) {
        *self.mishap.lock().unwrap() = Some(mishap);
    }

    /// Lets the process that uses this handle never hear of the token again.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    pub(crate) fn kids(&self) -> Vec<Kid> {
        self.objects.lock().unwrap().keys().copied().collect()
    }

    pub(crate) fn put(&self, kid: Kid) {
        self.objects.lock().unwrap().insert(kid, Creation([0; 16]));
    }

    pub(crate) fn lose(&self, kid: Kid) {
        self.objects.lock().unwrap().remove(&kid);
    }

    pub(crate) fn agreements(&self) -> u64 {
        self.agreements.load(Ordering::SeqCst)
    }

    /// The key that opens sealed ones is lost.
    pub(crate) fn lose_kek(&self) {
        self.has_no_kek.store(true, Ordering::SeqCst);
    }

    pub(crate) fn employments(&self) -> u64 {
        self.employments.load(Ordering::SeqCst)
    }

    /// Does `change` in the way that is planned for it.
    async fn change<T>(&self, change: impl FnOnce() -> T + Send) -> Result<T, TokenFault> {
        if self.frozen.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let mishap = self.mishap.lock().unwrap().take();
        match mishap {
            None => Ok(change()),
            Some(Mishap::Busy) => Err(TokenFault::Busy),
            Some(Mishap::RefusedAfter) => {
                change();
                Err(TokenFault::Unsupported("a token of a test".into()))
            }
            Some(Mishap::UnknownBefore) => Err(TokenFault::OutcomeUnknown),
            Some(Mishap::UnknownAfter) => {
                change();
                Err(TokenFault::OutcomeUnknown)
            }
            Some(Mishap::StopBefore) => std::future::pending().await,
            Some(Mishap::StopAfter) => {
                change();
                std::future::pending().await
            }
        }
    }

    fn make(&self, creation: Creation, kind: KeyType) -> Vec<u8> {
        let public = public_key(kind, self.made.fetch_add(1, Ordering::SeqCst) + 1);
        self.objects.lock().unwrap().insert(Kid::of_public_key(&public), creation);
        public
    }

    fn destroy_where(&self, condemned: impl Fn(&Kid, &Creation) -> bool) -> u32 {
        let mut objects = self.objects.lock().unwrap();
        let before = objects.len();
        objects.retain(|kid, creation| !condemned(kid, creation));
        u32::try_from(before - objects.len()).unwrap()
    }
}

/// A valid public key of a type, a different one for each number.
pub(crate) fn public_key(kind: KeyType, number: u64) -> Vec<u8> {
    let digest = Sha256::digest(number.to_be_bytes());
    match kind {
        KeyType::Secp256r1 => {
            // 02 and a random number is on the curve every other time.
            (0u8..=255)
                .map(|try_| {
                    let x = Sha256::digest([digest.as_slice(), &[try_]].concat());
                    [&[2], x.as_slice()].concat()
                })
                .find(|point| hsm_profiles::public_key::validate(kind, point).is_ok())
                .unwrap()
        }
        KeyType::Ed25519 => (0u8..=255)
            .map(|try_| Sha256::digest([digest.as_slice(), &[try_]].concat()).to_vec())
            .find(|point| hsm_profiles::public_key::validate(kind, point).is_ok())
            .unwrap(),
        _ if kind.family() == Family::Weierstrass => panic!("no test keys of {kind}"),
        _ => digest.iter().copied().cycle().take(kind.length()).map(|byte| byte & 0x07).collect(),
    }
}

impl Mac for Faulty {
    fn mac<'a>(&'a self, text: &'a [u8]) -> Doing<'a, Tag> {
        Box::pin(async {
            if self.frozen.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            Ok(Sha256::digest([self.mac_key.as_slice(), text].concat()).into())
        })
    }
}

impl Token for Faulty {
    fn agree<'a>(
        &'a self,
        key: Permit<Use>,
        _: KeyType,
        peer: &'a ForeignPoint,
        digest: Option<SecretDigest>,
    ) -> Doing<'a, SecretBytes> {
        Box::pin(async move {
            if !self.objects.lock().unwrap().contains_key(&key.kid()) {
                return Err(TokenFault::KeyMissing);
            }
            self.agreements.fetch_add(1, Ordering::SeqCst);
            let hashed = digest.map(SecretDigest::name).unwrap_or_default();
            let text = [key.kid().as_bytes(), peer.bytes(), hashed.as_bytes()].concat();
            Ok(SecretBytes::new(Sha256::digest(text).to_vec()))
        })
    }

    /// It has no private keys that could do anything, but it counts. Of a sealed key it tells the
    /// blob, if it is the key's own.
    fn employ<'a>(
        &'a self,
        key: Permit<Use>,
        (_, held): (KeyType, Held),
        _: Option<(&'a ForeignPoint, Vec<u8>)>,
        _: Task,
    ) -> Doing<'a, Answer> {
        self.employments.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(match held {
            Held::Resident => Err(TokenFault::Unsupported("a token of a test".into())),
            Held::Sealed(blob) if blob.ends_with(key.kid().as_bytes()) => {
                Ok(Answer::Secret(SecretBytes::new(blob)))
            }
            Held::Sealed(_) => Err(TokenFault::Unsealable),
        }))
    }

    fn generate_pair<'a>(
        &'a self,
        _: &'a Permit<CreateKey>,
        creation: Creation,
        kind: KeyType,
        _: Usage,
    ) -> Doing<'a, Vec<u8>> {
        Box::pin(self.change(move || self.make(creation, kind)))
    }

    /// ML-KEM and ML-DSA are sealed here, and Ed448 is not served at all.
    fn serves(&self, kind: KeyType) -> Serving {
        match kind.family() {
            Family::MlDsa | Family::MlKem => Serving::Sealed,
            _ if kind == KeyType::Ed448 => Serving::Not,
            _ => Serving::Resident,
        }
    }

    fn opens_sealed(&self) -> bool {
        !self.has_no_kek.load(Ordering::SeqCst)
    }

    fn generate_sealed<'a>(
        &'a self,
        _: &'a Permit<CreateKey>,
        kind: KeyType,
        _: Kid,
    ) -> Doing<'a, NewSealed> {
        Box::pin(self.change(move || {
            let public = public_key(kind, self.made.fetch_add(1, Ordering::SeqCst) + 1);
            let blob = [b"a blob of ".as_slice(), Kid::of_public_key(&public).as_bytes()].concat();
            NewSealed { public: Some(public), blob }
        }))
    }

    /// A key that follows from both public keys and its type, as it should.
    fn derive<'a>(
        &'a self,
        key: Permit<DeriveKey>,
        _: (KeyType, Held),
        peer: &'a ForeignPoint,
        target: KeyType,
    ) -> Doing<'a, (Kid, NewSealed)> {
        let name = [key.kid().as_bytes(), peer.bytes(), target.name().as_bytes()].concat();
        let digest = Sha256::digest(name);
        Box::pin(self.change(move || {
            let (number, _) = digest.split_first_chunk::<8>().unwrap();
            let public =
                target.is_asymmetric().then(|| public_key(target, u64::from_be_bytes(*number)));
            let kid = match &public {
                Some(public) => Kid::of_public_key(public),
                None => Kid::from_bytes(*digest.first_chunk().unwrap()),
            };
            let blob = [b"a blob of ".as_slice(), kid.as_bytes()].concat();
            (kid, NewSealed { public, blob })
        }))
    }

    /// It opens nothing, but takes the key's own blob from others.
    fn perform_sealed(
        &self,
        key: Permit<Use>,
        sealed: SealedKey,
        _: SealedTask,
    ) -> Doing<'_, Outcome> {
        self.employments.fetch_add(1, Ordering::SeqCst);
        let own = sealed.blob.ends_with(key.kid().as_bytes());
        Box::pin(std::future::ready(match own {
            true => Ok(Outcome::Secret(SecretBytes::new(sealed.blob))),
            false => Err(TokenFault::Unsealable),
        }))
    }

    fn generate_secret<'a>(
        &'a self,
        _: &'a Permit<CreateKey>,
        creation: Creation,
        _: KeyType,
        kid: Kid,
    ) -> Doing<'a, ()> {
        Box::pin(self.change(move || {
            self.objects.lock().unwrap().insert(kid, creation);
        }))
    }

    fn destroy(&self, leave: Permit<DeleteKey>) -> Doing<'_, u32> {
        let kid = leave.action().0;
        Box::pin(self.change(move || self.destroy_where(|other, _| *other == kid)))
    }

    fn destroy_creation(&self, creation: Creation) -> Doing<'_, u32> {
        Box::pin(self.change(move || self.destroy_where(|_, other| *other == creation)))
    }

    fn destroy_kid(&self, kid: Kid) -> Doing<'_, u32> {
        Box::pin(self.change(move || self.destroy_where(|other, _| *other == kid)))
    }

    fn list(&self) -> Doing<'_, Vec<Object>> {
        let objects = self.objects.lock().unwrap();
        let list = objects
            .iter()
            .map(|(kid, creation)| Object { id: kid.as_bytes().to_vec(), label: creation.label() })
            .collect();
        Box::pin(std::future::ready(Ok(list)))
    }

    fn health(&self) -> Result<(), TokenFault> {
        Ok(())
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            if self.frozen.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
        })
    }
}
