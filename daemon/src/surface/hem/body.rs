//! What the bodies of this API are made of.

use std::marker::PhantomData;

use hsm_profiles::{Family, KeyType, Usage};
use policies::{Action, decode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::route::{Appliance, Request};

/// A request that needs the same leave whatever its body says.
pub struct Asked<A, T> {
    body: Deferred<T>,
    needs: PhantomData<A>,
}

impl<A: Action + Default, T: DeserializeOwned + JsonSchema + Send + 'static> Request
    for Asked<A, T>
{
    type Needs = A;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        Ok(Self { body: Deferred::of(inbound), needs: PhantomData })
    }

    fn needs(&self, _: &Appliance) -> A {
        A::default()
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<T>())
    }
}

impl<A, T> Asked<A, T> {
    pub(super) fn judge(self) -> Result<T, Fault> {
        self.body.judge()
    }
}

/// A body that was looked at before the scope check and is judged after it (hem.md A15, 25).
pub(super) struct Deferred<T>(Result<T, Fault>);

impl<T: DeserializeOwned> Deferred<T> {
    pub(super) fn of(inbound: &Inbound) -> Self {
        Self(inbound.json())
    }
}

impl<T> Deferred<T> {
    pub(super) fn judge(self) -> Result<T, Fault> {
        self.0
    }
}

/// A label: 1 to 32 printable ASCII characters (hem.md A9).
pub(super) fn label(text: String) -> Result<String, Fault> {
    let printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    match text.len() {
        1..=MAX_LABEL if printable => Ok(text),
        _ => Err(Fault::Invalid("label must be 1 to 32 printable ASCII characters".into())),
    }
}

/// A description: base64 of at most 128 bytes (hem.md A15, 13).
pub(super) fn description(text: Option<&str>) -> Result<Vec<u8>, Fault> {
    let Some(text) = text else { return Ok(Vec::new()) };
    match decode_base64(text) {
        Some(bytes) if bytes.len() <= MAX_DESCRIPTION => Ok(bytes),
        _ => Err(Fault::Invalid("descr must be base64 of at most 128 bytes".into())),
    }
}

/// What a key of `kind` is for, as `mode` says. It counts for the SECP curves only; everything else
/// has one use. A mode that repeats the type's own name counts as absent (hem.md A9).
pub(super) fn usage(kind: KeyType, mode: Option<&str>) -> Result<Usage, Fault> {
    let only = |agree, sign| Ok(Usage { agree, sign });
    match kind.family() {
        Family::Montgomery => return only(true, false),
        Family::Edwards | Family::MlDsa | Family::Hmac => return only(false, true),
        Family::Aes | Family::MlKem => return only(false, false),
        Family::Weierstrass => {}
    }
    match mode {
        None | Some("ECDH") => only(true, false),
        Some("ExDSA") => only(false, true),
        Some("ECDH,ExDSA") => only(true, true),
        Some(name) if name == kind.name() => only(true, false),
        Some(_) => Err(Fault::Invalid("mode must be ECDH, ExDSA or ECDH,ExDSA".into())),
    }
}

/// A number in a path: decimal digits, anything else fails the operation (hem.md A9, A12).
pub(super) fn number(text: &str) -> Result<usize, Fault> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(Fault::Failed("offset and count must be decimal digits".into())),
    }
}

const MAX_DESCRIPTION: usize = 128;
const MAX_LABEL: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_count_for_the_secp_curves_only() {
        let usage = |kind, mode| usage(kind, mode).ok().map(|u| (u.agree, u.sign));
        assert_eq!(usage(KeyType::Secp256r1, None), Some((true, false)));
        assert_eq!(usage(KeyType::Secp256r1, Some("SECP256R1")), Some((true, false)));
        assert_eq!(usage(KeyType::Secp256r1, Some("ECDH,ExDSA")), Some((true, true)));
        assert_eq!(usage(KeyType::Secp256r1, Some("ExDSA,ECDH")), None);
        assert_eq!(usage(KeyType::Secp256r1, Some("")), None);
        assert_eq!(usage(KeyType::Ed25519, Some("ECDH")), Some((false, true)));
        assert_eq!(usage(KeyType::Curve25519, Some("nonsense")), Some((true, false)));
    }

    #[test]
    fn labels_and_numbers_have_bounds() {
        assert!(label("a".repeat(32)).is_ok());
        for bad in ["".to_owned(), "a".repeat(33), "a\n".into(), "\u{e9}".into()] {
            assert!(label(bad).is_err());
        }
        assert_eq!(number("0012").ok(), Some(12));
        for bad in ["", "-1", "+1", "1a", "99999999999999999999999"] {
            assert!(number(bad).is_err(), "{bad}");
        }
        assert!(description(Some(&policies::encode_base64(&[0; 129]))).is_err());
        assert!(description(Some(&policies::encode_base64(&[0; 128]))).is_ok());
    }
}
