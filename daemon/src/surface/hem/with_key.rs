//! What the requests of `/api/crypto` have in common (hem.md A10): a key that is named first, bytes
//! in base64, a peer.

use std::borrow::Cow;
use std::marker::PhantomData;

use audit::Ext;
use hsm_profiles::SecretBytes;
use policies::{Action, BadKid, Kid, Use, decode_base64, encode_base64};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::inbound::Inbound;
use crate::keyring::{Peer, Sharing};
use crate::openapi::formats::{Base64, Keyed};
use crate::route::{Appliance, Request};
use crate::surface::hem::body::Deferred;

/// A request whose body names a key: to use it, or what `A` says. Whatever else the body says is
/// judged after the scope check.
pub struct WithKey<T, A = Use> {
    kid: Kid,
    arguments: Deferred<T>,
    needs: PhantomData<A>,
}

#[derive(Deserialize)]
struct Named {
    kid: Kid,
}

impl<T, A> Request for WithKey<T, A>
where
    T: DeserializeOwned + JsonSchema + Send + 'static,
    A: Action + From<Kid>,
{
    type Needs = A;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let Named { kid } = inbound.json()?;
        Ok(Self { kid, arguments: Deferred::of(inbound), needs: PhantomData })
    }

    fn needs(&self, _: &Appliance) -> A {
        A::from(self.kid)
    }

    fn body(schemas: &mut SchemaGenerator) -> Option<Schema> {
        Some(schemas.subschema_for::<Keyed<T>>())
    }

    fn concerns(&self) -> Ext {
        Ext::Kid(*self.kid.as_bytes())
    }
}

impl<T, A> WithKey<T, A> {
    pub(super) fn judge(self) -> Result<T, Fault> {
        self.arguments.judge()
    }
}

/// A request whose path names a key.
pub struct AtKey<A> {
    kid: Kid,
    needs: PhantomData<A>,
}

impl<A: Action + From<Kid>> Request for AtKey<A> {
    type Needs = A;

    fn decode(inbound: &Inbound) -> Result<Self, Fault> {
        let bad = |e: BadKid| Fault::Invalid(e.to_string().into());
        Ok(Self { kid: inbound.argument("kid").parse().map_err(bad)?, needs: PhantomData })
    }

    fn needs(&self, _: &Appliance) -> A {
        A::from(self.kid)
    }

    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    fn concerns(&self) -> Ext {
        Ext::Kid(*self.kid.as_bytes())
    }
}

/// Bytes that came in base64, wiped when they are dropped.
pub(super) struct Octets(SecretBytes);

impl Octets {
    pub(super) fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The bytes, if there are as many as `lengths` says.
    pub(super) fn within(
        self,
        name: &str,
        lengths: std::ops::RangeInclusive<usize>,
    ) -> Result<SecretBytes, Fault> {
        match lengths.contains(&self.expose().len()) {
            true => Ok(self.0),
            false => Err(Fault::Invalid(
                format!("{name} must be base64 of {} to {} bytes", lengths.start(), lengths.end())
                    .into(),
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Base64Text)
    }
}

impl JsonSchema for Octets {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Base64::schema_name()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        Base64::json_schema(schemas)
    }
}

struct Base64Text;

impl Visitor<'_> for Base64Text {
    type Value = Octets;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Octets, E> {
        match decode_base64(text) {
            Some(bytes) => Ok(Octets(SecretBytes::new(bytes))),
            None => Err(E::custom("what should be base64 is not")),
        }
    }
}

/// The peer of an agreement; `None` where the request names none. `ext_kid` wins over `pubkey`.
pub(super) fn peer(ext_kid: Option<&str>, pubkey: Option<&Octets>) -> Result<Option<Peer>, Fault> {
    if let Some(kid) = ext_kid {
        let kid = kid.parse::<Kid>();
        let kid = kid.map_err(|e| Fault::Invalid(format!("ext_kid: {e}").into()))?;
        return Ok(Some(Peer::Stored(kid)));
    }
    Ok(pubkey.map(|raw| Peer::Raw(raw.expose().to_vec())))
}

/// The peer, and the context of at most 64 bytes that goes into the derivation of a key.
pub(super) fn sharing(
    ext_kid: Option<&str>,
    pubkey: Option<&Octets>,
    ctx: Option<Octets>,
) -> Result<Option<Sharing>, Fault> {
    let context = bytes("ctx", ctx, 64)?;
    Ok(peer(ext_kid, pubkey)?.map(|peer| Sharing { peer, context }))
}

/// At most `longest` bytes, none where they are left out.
pub(super) fn bytes(name: &str, given: Option<Octets>, longest: usize) -> Result<Vec<u8>, Fault> {
    match given {
        None => Ok(Vec::new()),
        Some(octets) => Ok(octets.within(name, 0..=longest)?.expose().to_vec()),
    }
}

/// Secret bytes as an answer tells them: in base64, in memory that is wiped.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(super) fn of(secret: &SecretBytes) -> Self {
        Self(Zeroizing::new(encode_base64(secret.expose())))
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl JsonSchema for SecretText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Base64::schema_name()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        Base64::json_schema(schemas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_in_base64_and_within_bounds() {
        let octets = |text: &str| serde_json::from_str::<Octets>(text);
        assert_eq!(octets("\"-_8\"").unwrap().expose(), [0xfb, 0xff]);
        assert_eq!(octets("\"\\u002b/8=\"").unwrap().expose(), [0xfb, 0xff]);
        for bad in ["\"*\"", "7", "null", "[]"] {
            assert!(octets(bad).is_err(), "{bad}");
        }
        assert!(octets("\"AAA=\"").unwrap().within("x", 1..=2).is_ok());
        assert!(octets("\"AAAA\"").unwrap().within("x", 1..=2).is_err());
        assert!(octets("\"\"").unwrap().within("x", 1..=2).is_err());
    }

    #[test]
    fn secrets_of_any_length_are_told_in_base64() {
        for length in [0, 1, 2048] {
            let secret = SecretBytes::new(vec![7; length]);
            let value = serde_json::to_value(SecretText::of(&secret)).unwrap();
            assert_eq!(decode_base64(value.as_str().unwrap()), Some(vec![7; length]));
        }
    }
}
