//! Tasks, done in one attempt: by the token, or in memory with what a key has agreed on.

use zeroize::Zeroizing;

use super::software;
use super::token::Seat;
use crate::algorithm::{Cipher, Mode, Scheme, Width};
use crate::key_type::SecretDigest;
use crate::pkcs11::{self, Failure, How, ObjectHandle, Slot};
use crate::protocol::{Answer, SecretBytes};
use crate::sealed::Statement;
use crate::task::{Ciphered, Counterpart, Held, Key, Task};

/// Who computes.
enum Engine {
    /// Nobody but this process: the key is an agreed secret, or was derived from one.
    Memory(Zeroizing<Vec<u8>>),
    /// The token, with an object of its own.
    Token(ObjectHandle),
}

impl Seat {
    /// Does `task` with `key`, or with what it agrees on with a counterpart.
    pub(super) fn employ(
        &self,
        key: &Key,
        counterpart: Option<&Counterpart>,
        task: &Task,
    ) -> Result<Answer, Failure> {
        match task {
            Task::Decapsulate { .. } | Task::Encapsulate { .. } | Task::SignMlDsa(_) => {
                return self.post_quantum(key, task);
            }
            Task::Sign { scheme, message, context } => {
                return self.sign(key, *scheme, message, context).map(Answer::Public);
            }
            _ => {}
        }
        let engine = match (counterpart, &key.held) {
            (Some(counterpart), _) => self.agreed(key, counterpart, task)?,
            (None, Held::Resident) => Engine::Token(self.own_key(key, task)?),
            (None, Held::Sealed(blob)) if Width::of(key.kind).is_some() => {
                fits(key, task)?;
                let mut whole = self.open_aes(key, blob)?;
                whole.truncate(width(task).map_or(usize::MAX, Width::bytes));
                Engine::Memory(whole)
            }
            (None, Held::Sealed(blob)) => return self.employ_sealed(key, blob, task),
        };
        match task {
            Task::Decrypt { cipher, aad, sealed } => {
                self.decrypt(&engine, *cipher, aad, sealed).map(secret)
            }
            Task::Encrypt { cipher, aad, plain } => {
                self.encrypt(&engine, *cipher, aad, plain.expose()).map(Answer::Ciphered)
            }
            Task::Hmac { digest, message } => self.hmac(&engine, *digest, message).map(secret),
            Task::Decapsulate { .. }
            | Task::Encapsulate { .. }
            | Task::Sign { .. }
            | Task::SignMlDsa(_) => Err(Failure::Argument("an agreed secret can't do this")),
            Task::Unwrap { initial, wrapped, .. } => {
                self.unwrap(&engine, *initial, wrapped).map(secret)
            }
            Task::Wrap { initial, plain, .. } => {
                self.wrap(&engine, *initial, plain.expose()).map(Answer::Public)
            }
        }
    }

    /// The raw secret between `key` and `peer`.
    pub(super) fn shared_secret(&self, key: &Key, peer: &[u8]) -> Result<SecretBytes, Failure> {
        match &key.held {
            Held::Sealed(blob) => self.shared_secret_sealed(key, blob, peer),
            Held::Resident => {
                let handle = self.private_key(&key.kid)?;
                let secret = pkcs11::agree(&self.session, handle, key.kind, peer)?;
                Ok(SecretBytes::new(secret.expose().to_vec()))
            }
        }
    }

    fn sign(
        &self,
        key: &Key,
        scheme: Scheme,
        message: &SecretBytes,
        context: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        if !scheme.suits(key.kind) {
            return Err(Failure::Argument("keys of this type don't sign so"));
        }
        match &key.held {
            Held::Sealed(blob) => {
                let statement = Statement { message: message.clone(), context: context.to_vec() };
                self.sign_sealed(key, blob, (scheme, statement))
            }
            Held::Resident => {
                let handle = self.private_key(&key.kid)?;
                let how = (scheme, context);
                pkcs11::sign(&self.session, (handle, key.kind), how, message.expose())
            }
        }
    }

    /// What `task` takes as its key: the raw secret for a MAC, and else as much as its width says
    /// of a derived one.
    fn agreed(&self, key: &Key, counterpart: &Counterpart, task: &Task) -> Result<Engine, Failure> {
        let secret = self.shared_secret(key, &counterpart.peer)?;
        let secret = secret.expose();
        let context = &counterpart.context;
        Ok(Engine::Memory(match task {
            Task::Decrypt { cipher, .. } | Task::Encrypt { cipher, .. } => {
                software::derive(secret, b"encedo-aes", context, cipher.width)?
            }
            Task::Unwrap { width, .. } | Task::Wrap { width, .. } => {
                software::derive(secret, b"encedo-kek", context, *width)?
            }
            Task::Decapsulate { .. }
            | Task::Encapsulate { .. }
            | Task::Hmac { .. }
            | Task::Sign { .. }
            | Task::SignMlDsa(_) => Zeroizing::new(secret.to_vec()),
        }))
    }

    /// The object of a symmetric key, where it is one for `task`.
    fn own_key(&self, key: &Key, task: &Task) -> Result<ObjectHandle, Failure> {
        fits(key, task)?;
        let (own, asked) = (Width::of(key.kind), width(task));
        match self.secret_key((key.kid, asked)) {
            Err(Failure::NotFound) if asked != own && self.secret_key((key.kid, own)).is_ok() => {
                Err(Failure::Argument("this key has no object for a narrower width"))
            }
            other => other,
        }
    }

    /// From the cache, or from the token and then into the cache.
    fn secret_key(&self, slot: Slot) -> Result<ObjectHandle, Failure> {
        if let Some(handle) = self.token.handle(&slot) {
            return Ok(handle);
        }
        let handle = pkcs11::find_secret(&self.session, &slot.0, slot.1)?;
        self.token.remember(slot, handle);
        Ok(handle)
    }

    fn hmac(
        &self,
        engine: &Engine,
        digest: SecretDigest,
        message: &SecretBytes,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match engine {
            Engine::Memory(key) => software::hmac(digest, key, message.expose()),
            Engine::Token(key) => pkcs11::hmac(&self.session, *key, digest, message.expose()),
        }
    }

    fn encrypt(
        &self,
        engine: &Engine,
        cipher: Cipher,
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Ciphered, Failure> {
        let iv = match cipher.mode {
            Mode::Ecb => [0; 16],
            Mode::Cbc | Mode::Gcm | Mode::Gcm96 => pkcs11::random_block(&self.session)?,
        };
        let iv = iv.get(..iv_length(cipher.mode)).unwrap_or_default();
        let padded = match cipher.mode {
            Mode::Cbc => software::pad(plain),
            Mode::Ecb | Mode::Gcm | Mode::Gcm96 => Zeroizing::new(plain.to_vec()),
        };
        let how = how(cipher.mode, iv, aad)?;
        let mut text = match engine {
            Engine::Memory(key) => software::encrypt(cipher.width, key, how, &padded)?,
            Engine::Token(key) => pkcs11::encrypt(&self.session, *key, how, &padded)?,
        };
        let (iv, tag) = match cipher.mode {
            Mode::Cbc => (iv.to_vec(), Vec::new()),
            Mode::Ecb => (Vec::new(), Vec::new()),
            Mode::Gcm | Mode::Gcm96 => (iv.to_vec(), text.split_off(plain.len().min(text.len()))),
        };
        Ok(Ciphered { text, iv, tag })
    }

    fn decrypt(
        &self,
        engine: &Engine,
        cipher: Cipher,
        aad: &[u8],
        sealed: &Ciphered,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if sealed.iv.len() != iv_length(cipher.mode) {
            return Err(Failure::Argument("the initialisation vector has not the right length"));
        }
        let how = how(cipher.mode, &sealed.iv, aad)?;
        let text = [sealed.text.as_slice(), &sealed.tag].concat();
        let plain = match engine {
            Engine::Memory(key) => software::decrypt(cipher.width, key, how, &text)?,
            Engine::Token(key) => pkcs11::decrypt(&self.session, *key, how, &text)?,
        };
        match cipher.mode {
            Mode::Cbc => software::unpad(plain),
            Mode::Ecb | Mode::Gcm | Mode::Gcm96 => Ok(plain),
        }
    }

    fn wrap(&self, engine: &Engine, initial: [u8; 8], plain: &[u8]) -> Result<Vec<u8>, Failure> {
        match engine {
            Engine::Memory(key) => software::wrap(key, initial, plain),
            Engine::Token(key) => pkcs11::wrap(&self.session, *key, initial, plain),
        }
    }

    fn unwrap(
        &self,
        engine: &Engine,
        initial: [u8; 8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match engine {
            Engine::Memory(key) => software::unwrap(key, initial, wrapped),
            Engine::Token(key) => pkcs11::unwrap(&self.session, *key, initial, wrapped),
        }
    }
}

/// Whether a symmetric key is one for `task`.
fn fits(key: &Key, task: &Task) -> Result<(), Failure> {
    let fits = match task {
        Task::Decrypt { .. } | Task::Encrypt { .. } | Task::Unwrap { .. } | Task::Wrap { .. } => {
            Width::of(key.kind) >= width(task)
        }
        Task::Hmac { digest, .. } => SecretDigest::of(key.kind) == Some(*digest),
        Task::Decapsulate { .. }
        | Task::Encapsulate { .. }
        | Task::Sign { .. }
        | Task::SignMlDsa(_) => false,
    };
    match fits {
        true => Ok(()),
        false => Err(Failure::Argument(
            "a key works at its own width or a narrower one, and with its own hash",
        )),
    }
}

/// The width of the AES key that `task` takes.
fn width(task: &Task) -> Option<Width> {
    match task {
        Task::Decrypt { cipher, .. } | Task::Encrypt { cipher, .. } => Some(cipher.width),
        Task::Unwrap { width, .. } | Task::Wrap { width, .. } => Some(*width),
        Task::Decapsulate { .. }
        | Task::Encapsulate { .. }
        | Task::Hmac { .. }
        | Task::Sign { .. }
        | Task::SignMlDsa(_) => None,
    }
}

fn how<'a>(mode: Mode, iv: &'a [u8], aad: &'a [u8]) -> Result<How<'a>, Failure> {
    let block = || iv.try_into().map_err(|_| Failure::Argument("CBC takes a vector of 16 bytes"));
    Ok(match mode {
        Mode::Cbc => How::Cbc(block()?),
        Mode::Ecb => How::Ecb,
        Mode::Gcm | Mode::Gcm96 => How::Gcm(iv, aad),
    })
}

/// How many bytes the initialisation vector of a mode has.
const fn iv_length(mode: Mode) -> usize {
    match mode {
        Mode::Cbc | Mode::Gcm => 16,
        Mode::Ecb => 0,
        Mode::Gcm96 => 12,
    }
}

fn secret(mut bytes: Zeroizing<Vec<u8>>) -> Answer {
    Answer::Secret(SecretBytes::new(std::mem::take(&mut *bytes)))
}
