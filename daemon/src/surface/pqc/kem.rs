//! `/api/kc` and `/api/kem`: ML-KEM (FIPS 203) with keys of one's own.

use audit::{Entry, Ext};
use hsm_profiles::{KeyType, SecretBytes, Statement, encapsulate as encapsulated, verify_ml_dsa};
use policies::{ExchangeKeys, Kid, Permit};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use zeroize::Zeroizing;

use super::ask::{Ask, Asked, Given, Place};
use super::fields::{Field, Form};
use super::hex::{Hex, SecretHex};
use crate::config::Pqc;
use crate::fault::Fault;
use crate::holdings::Holdings;
use crate::keyring::{Keyring, Purpose};
use crate::reply::Reply;
use crate::route::{Answer, Content, SecretJson};

/// A parameter set.
struct Set {
    name: &'static str,
    kind: KeyType,
    /// Bytes of a ciphertext.
    ciphertext: usize,
}

/// The sets of FIPS 203, with the one in the middle where none is asked for.
const SETS: [Set; 3] = [
    Set { name: "ML-KEM-512", kind: KeyType::MlKem512, ciphertext: 768 },
    Set { name: "ML-KEM-768", kind: KeyType::MlKem768, ciphertext: 1088 },
    Set { name: "ML-KEM-1024", kind: KeyType::MlKem1024, ciphertext: 1568 },
];

/// `GET generate_keys`
pub struct GenerateInQuery;

/// `POST generate_keys`
pub struct Generate;

/// `POST encapsulate_key`
pub struct Encapsulate;

/// `POST decapsulate_key`
pub struct Decapsulate;

impl Ask for GenerateInQuery {
    type Needs = ExchangeKeys;
    const NAME: &'static str = "";
    const PLACE: Place = Place::Query;
    const FIELDS: &'static [Field] = ALGORITHM;

    fn needs(_: Option<&Given>) -> ExchangeKeys {
        ExchangeKeys
    }
}

impl Ask for Generate {
    type Needs = ExchangeKeys;
    const NAME: &'static str = "GenerateKemKeys";
    const PLACE: Place = Place::Either;
    const FIELDS: &'static [Field] = ALGORITHM;

    fn needs(_: Option<&Given>) -> ExchangeKeys {
        ExchangeKeys
    }
}

impl Ask for Encapsulate {
    type Needs = ExchangeKeys;
    const NAME: &'static str = "EncapsulateKemKey";
    const FIELDS: &'static [Field] = &[
        Field::needed("pk", PUBLIC, "For whom: an ML-KEM public key, anybody's."),
        Field::needed("signature", Form::Hex(&[6618]), "The ML-DSA-65 signature of its bytes."),
        Field::needed("verif_key", Form::Hex(&[3904]), "The ML-DSA-65 key that signed it.")
            .or("verification_key"),
    ];

    fn needs(_: Option<&Given>) -> ExchangeKeys {
        ExchangeKeys
    }

    fn concerns(given: &Given) -> Ext {
        names(&given.bytes("pk"))
    }
}

impl Ask for Decapsulate {
    type Needs = ExchangeKeys;
    const NAME: &'static str = "DecapsulateKemKey";
    const FIELDS: &'static [Field] = &[
        Field::needed("cipher", Form::Hex(&[1536, 2176, 3136]), "The ciphertext."),
        Field::needed("pk", PUBLIC, "The public half of the key of one's own that it is for."),
    ];

    fn needs(_: Option<&Given>) -> ExchangeKeys {
        ExchangeKeys
    }

    fn concerns(given: &Given) -> Ext {
        names(&given.bytes("pk"))
    }
}

/// A key that was made, and a signature of its public half.
pub struct Generated {
    kid: Kid,
    body: GeneratedBody,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "GeneratedKemKey")]
struct GeneratedBody {
    /// The public half.
    pk: Hex,
    /// The caller's ML-DSA-65 key for such signatures.
    verification_key: Hex,
    /// Its signature of the bytes of `pk`, without a context.
    verification_signature: Hex,
    /// The same signature.
    signature: Hex,
}

impl Answer for Generated {
    fn reply(self) -> Reply {
        Reply::json(&self.body)
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<GeneratedBody>())
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_ext(Ext::Kid(*self.kid.as_bytes()));
    }
}

/// What `encapsulate_key` answers.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "EncapsulatedKemKey")]
pub struct Encapsulated {
    /// The ciphertext, for the owner of the key.
    cipher: Hex,
    /// The secret in it, 32 bytes.
    shared_key: SecretHex,
}

/// What `decapsulate_key` answers.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "DecapsulatedKemKey")]
pub struct Decapsulated {
    /// The secret, 32 bytes.
    shared_key: SecretHex,
}

/// Makes a key of the caller's own and signs its public half.
pub async fn generate<A>(
    (holdings, limits): (Holdings, Pqc),
    leave: Permit<ExchangeKeys>,
    ask: Asked<A>,
) -> Result<Generated, Fault> {
    let given = ask.judge()?;
    let named = given.text("algorithm").unwrap_or("ML-KEM-768");
    let set = SETS.iter().find(|set| set.name == named).ok_or(Fault::Internal)?;
    // The key that signs is there before the one that is signed: there is nothing to undo.
    holdings.standing(&leave, KeyType::MlDsa65, Purpose::Verification).await?;
    let keyring = holdings.keyring();
    let key = keyring.create_exchange(&leave, set.kind, limits.keys).await?;
    let by = (KeyType::MlDsa65, Purpose::Verification);
    let message = SecretBytes::new(key.public.clone());
    let (verifier, signature) = keyring.sign_own(&leave, by, message).await?;
    let body = GeneratedBody {
        pk: key.public.into(),
        verification_key: verifier.public.into(),
        verification_signature: signature.clone().into(),
        signature: signature.into(),
    };
    Ok(Generated { kid: key.kid, body })
}

/// A fresh secret for whoever has the private half of `pk`, once its signature was verified. No key
/// of this device takes part.
pub async fn encapsulate(
    (): (),
    _: Permit<ExchangeKeys>,
    ask: Asked<Encapsulate>,
) -> Result<SecretJson<Encapsulated>, Fault> {
    let given = ask.judge()?;
    let public = given.bytes("pk");
    let set = set_of(&public).ok_or(Fault::Internal)?;
    let statement = Statement { message: SecretBytes::new(public.to_vec()), context: Vec::new() };
    let (by, signature) = (given.bytes("verif_key"), given.bytes("signature"));
    if !verify_ml_dsa(KeyType::MlDsa65, &by, &statement, &signature) {
        let why = "signature is no signature of pk by verif_key: nothing was encapsulated";
        return Err(Fault::Invalid(why.into()).coded("value_error", "body/signature"));
    }
    let mut fresh = Zeroizing::new([0; 32]);
    getrandom::fill(fresh.as_mut_slice()).map_err(|_| Fault::Internal)?;
    let (cipher, secret) = encapsulated(set.kind, &public, &fresh).ok_or_else(|| {
        let why = "pk is no ML-KEM key: a coefficient is out of range";
        Fault::Invalid(why.into()).coded("value_error", "body/pk")
    })?;
    Ok(SecretJson(Encapsulated { cipher: cipher.into(), shared_key: secret.into() }))
}

/// The secret in a ciphertext for a key of the caller's own. One that was made for another key, or
/// changed, gives a secret that nobody else knows (implicit rejection).
pub async fn decapsulate(
    keyring: Keyring,
    leave: Permit<ExchangeKeys>,
    ask: Asked<Decapsulate>,
) -> Result<SecretJson<Decapsulated>, Fault> {
    let given = ask.judge()?;
    let (public, cipher) = (given.bytes("pk"), given.bytes("cipher"));
    let set = set_of(&public).ok_or(Fault::Internal)?;
    if cipher.len() != set.ciphertext {
        let digits = set.ciphertext.saturating_mul(2);
        let why = format!("cipher must be {digits} digits for a pk of {}", set.name);
        return Err(Fault::Invalid(why.into()).coded("value_error", "body/cipher"));
    }
    let key = keyring.claim(&leave, &public)?;
    let secret = keyring.decapsulate_own(key, cipher.to_vec()).await?;
    Ok(SecretJson(Decapsulated { shared_key: secret.into() }))
}

/// The set whose public keys are as long as this one.
fn set_of(public: &[u8]) -> Option<&'static Set> {
    SETS.iter().find(|set| set.kind.length() == public.len())
}

/// The KID of a public key.
fn names(public: &[u8]) -> Ext {
    Ext::Kid(*Kid::of_public_key(public).as_bytes())
}

const ALGORITHM: &[Field] = &[Field::optional(
    "algorithm",
    Form::Word(&["ML-KEM-512", "ML-KEM-768", "ML-KEM-1024"]),
    "The parameter set; ML-KEM-768 if left out.",
)];
const PUBLIC: Form = Form::Hex(&[1600, 2368, 3136]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_those_of_the_sets() {
        let Form::Hex(publics) = PUBLIC else { unreachable!() };
        let lengths: Vec<_> = SETS.iter().map(|set| set.kind.length() * 2).collect();
        assert_eq!(lengths, publics);
        let Form::Hex(ciphers) = &Decapsulate::FIELDS[0].form else { unreachable!() };
        assert_eq!(SETS.map(|set| set.ciphertext * 2), *ciphers);
        let Form::Word(names) = &ALGORITHM[0].form else { unreachable!() };
        assert_eq!(SETS.map(|set| set.name), *names);
    }
}
