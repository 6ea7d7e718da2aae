//! Sessions: begun with what an exchange came to, turned from event to event by frames.

use aws_lc_rs::hmac;
use hsm_profiles::SecretBytes;
use policies::{ExchangeSession, OpenFrame, Permit};
use zeroize::Zeroizing;

use super::event::{self, Event};
use super::frame::{Frame, Opened};
use super::{Exchange, Owner, broken};
use crate::clock::now;
use crate::fault::Fault;
use crate::store::{SealText, SessionRow};

/// In which way a session was begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Version 1: a key and an initialisation vector.
    One,
    /// Version 2: a key for MACs, too.
    Two,
    /// With the exchange key itself, and no other.
    Browser,
}

/// The keys of a session: for AES, 32 bytes; an initialisation vector, 16 bytes; for MACs, 32 bytes
/// where there is one.
pub struct Keys(SecretBytes);

impl Keys {
    pub(super) fn one(key: &[u8], iv: &[u8]) -> Result<Self, Fault> {
        Self::of(SecretBytes::new([key, iv].concat()), 48)
    }

    pub(super) fn two(keys: SecretBytes) -> Result<Self, Fault> {
        Self::of(keys, 80)
    }

    /// Those of a session that has none of its own: what is sealed says nothing.
    pub fn none() -> Result<Self, Fault> {
        let mut random = Zeroizing::new([0; 48]);
        getrandom::fill(random.as_mut_slice()).map_err(|_| Fault::Internal)?;
        Ok(Self(SecretBytes::new(random.to_vec())))
    }

    fn of(keys: SecretBytes, length: usize) -> Result<Self, Fault> {
        match keys.expose().len() == length {
            true => Ok(Self(keys)),
            false => Err(Fault::Internal),
        }
    }

    pub(super) fn cipher(&self) -> &[u8] {
        self.0.expose().get(..32).unwrap_or_default()
    }

    pub(super) fn iv(&self) -> &[u8] {
        self.0.expose().get(32..48).unwrap_or_default()
    }

    fn mac_key(&self) -> &[u8] {
        self.0.expose().get(48..).unwrap_or_default()
    }

    /// Those that have a check digit.
    pub(super) fn checked(&self) -> [&[u8]; 2] {
        [self.cipher(), self.mac_key()]
    }

    pub(super) fn mac(&self, text: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.mac_key()), text)
    }

    pub(super) fn verify(&self, text: &[u8], mac: &[u8]) -> bool {
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, self.mac_key()), text, mac).is_ok()
    }
}

impl Exchange {
    /// Begins a session, in the place of an older one of the same owner.
    ///
    /// # Errors
    /// [`Fault::Throttled`] where the caller has as many as one may have, [`Fault::Conflict`] where
    /// state file or token fail.
    pub async fn begin(
        &self,
        _: Permit<ExchangeSession>,
        owner: &Owner,
        (form, keys): (Form, Keys),
    ) -> Result<Event, Fault> {
        let now = now();
        let (due, expires) = (event::fresh()?, now.saturating_add(LIFE));
        let text = event::shown(form, &keys, &due)?;
        let session = SessionRow {
            name: owner.name,
            subject: owner.subject.claim(),
            form: form.code(),
            keys: self.0.system.seal_session(binding(&owner.name, form, expires), keys.0).await?,
            event: event::name(due.as_bytes()),
            expires,
        };
        let put = self.0.store.put_session(&session, (now, self.0.config.sessions)).await;
        match put.map_err(broken)? {
            true => Ok(Event { text, expires }),
            false => Err(Fault::Throttled(std::time::Duration::from_secs(60))),
        }
    }

    /// What is in a frame that names the event which is due, and the next event. Of several with the
    /// same event, exactly one gets that far.
    ///
    /// # Errors
    /// [`Fault::Invalid`], the same for whatever is wrong with the frame or the session;
    /// [`Fault::Throttled`] after too many failures.
    pub async fn take(
        &self,
        _: &Permit<OpenFrame>,
        owner: &Owner,
        sent: &str,
    ) -> Result<(Opened, Event), Fault> {
        let found = self.0.store.session(&owner.name, now()).await.map_err(broken)?;
        let form = found.as_ref().and_then(|session| Form::from_code(session.form));
        let frame = Frame::read(form.unwrap_or(Form::guess(sent)), sent)?;
        // The MAC of the second form leaves nothing to be guessed.
        let may_guess = matches!(form, Some(Form::One | Form::Browser));
        if may_guess {
            self.0.guesses.admit(owner)?;
        }
        let (keys, expires) = match (&found, form) {
            (Some(session), Some(form)) => {
                let name = binding(&session.name, form, session.expires);
                let keys = self.0.system.unseal_session(name, session.keys.clone()).await?;
                (keys, session.expires)
            }
            _ => (self.decoy().await?, 0),
        };
        let keys = Keys(keys);
        let opened = self.unseal(&frame, &keys).await?;
        let next = event::fresh()?;
        let (due, new) = (opened.event, event::name(next.as_bytes()));
        let turned = self.0.store.turn_event((&owner.name, now()), &due, &new).await;
        match (turned.map_err(broken)?, form) {
            (true, Some(form)) => {
                let text = event::shown(form, &keys, &next)?;
                Ok((opened, Event { text, expires }))
            }
            _ => {
                if may_guess {
                    self.0.guesses.charge(owner);
                }
                Err(stale())
            }
        }
    }

    /// Keys that fit no frame.
    async fn decoy(&self) -> Result<SecretBytes, Fault> {
        let make = || async {
            let mut keys = Zeroizing::new([0; 80]);
            getrandom::fill(keys.as_mut_slice()).map_err(|_| Fault::Internal)?;
            let keys = SecretBytes::new(keys.to_vec());
            Ok::<_, Fault>(self.0.system.seal_session(DECOY.to_vec(), keys).await?)
        };
        let sealed = self.0.decoy.get_or_try_init(make).await?.clone();
        Ok(self.0.system.unseal_session(DECOY.to_vec(), sealed).await?)
    }
}

impl Form {
    fn code(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Browser => 3,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::One, Self::Two, Self::Browser].into_iter().find(|form| form.code() == code)
    }

    /// The form that a frame looks like, where there is no session to say it.
    fn guess(sent: &str) -> Self {
        if sent.contains('.') { Self::Two } else { Self::One }
    }
}

/// What sealed keys are bound to: whose they are, how they are used and until when.
fn binding(name: &[u8; 32], form: Form, expires: u64) -> Vec<u8> {
    SealText::new("e2e").bytes(name).number(form.code().into()).number(expires).finish()
}

/// The one answer to a frame that is replayed, too late, forged or somebody else's.
pub(super) fn stale() -> Fault {
    let why = "the payload is not for the event that is due in a session of this client";
    Fault::Invalid(why.into()).coded("invalidRequest", "body/encryptedPayload")
}

/// How long a session lasts, in seconds.
const LIFE: u64 = 30 * 60;
const DECOY: &[u8] = b"decoy";
