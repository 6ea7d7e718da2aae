//! `/api/signature`: ML-DSA (FIPS 204) with a key of one's own.

use audit::{Entry, Ext};
use hsm_profiles::{KeyType, Statement, verify_ml_dsa};
use policies::{Kid, Permit, SignText};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use super::ask::{Ask, Asked, Given};
use super::fields::{Field, Form};
use super::hex::Hex;
use crate::fault::Fault;
use crate::holdings::Holdings;
use crate::keyring::Purpose;
use crate::reply::Reply;
use crate::route::{Answer, Content};

/// A parameter set: its name, its type, the bytes of its signatures.
type Set = (&'static str, KeyType, usize);

/// The sets of FIPS 204.
const SETS: [Set; 3] = [
    ("ML-DSA-44", KeyType::MlDsa44, 2420),
    ("ML-DSA-65", KeyType::MlDsa65, 3309),
    ("ML-DSA-87", KeyType::MlDsa87, 4627),
];

/// `POST /api/signature/sign`
pub struct Sign;

/// `POST /api/signature/verify`
pub struct Verify;

impl Ask for Sign {
    type Needs = SignText;
    const NAME: &'static str = "SignText";
    const FIELDS: &'static [Field] = &[
        DATA,
        Field::optional(
            "algorithm",
            Form::Word(&["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]),
            "The parameter set; ML-DSA-65 if left out.",
        ),
    ];

    fn needs(_: Option<&Given>) -> SignText {
        SignText
    }
}

impl Ask for Verify {
    type Needs = SignText;
    const NAME: &'static str = "VerifyText";
    const FIELDS: &'static [Field] = &[
        DATA,
        Field::needed("pk", Form::Hex(&[2624, 3904, 5184]), "The key: anybody's."),
        Field::needed("signature", Form::Hex(&[4840, 6618, 9254]), "The signature."),
    ];

    fn needs(_: Option<&Given>) -> SignText {
        SignText
    }

    fn concerns(given: &Given) -> Ext {
        Ext::Kid(*Kid::of_public_key(&given.bytes("pk")).as_bytes())
    }
}

/// A signature, and the key that made it.
pub struct Signed {
    kid: Kid,
    body: SignedBody,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SignedText")]
struct SignedBody {
    /// The signature.
    signature: Hex,
    /// The caller's key of this set.
    pk: Hex,
}

impl Answer for Signed {
    fn reply(self) -> Reply {
        Reply::json(&self.body)
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<SignedBody>())
    }

    fn note(&self, entry: &mut Entry) {
        entry.name_ext(Ext::Kid(*self.kid.as_bytes()));
    }
}

/// What `verify` answers. One that does not hold is failed in the log.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "VerifiedText")]
pub struct Verified {
    /// Whether it holds.
    verified: bool,
}

impl Answer for Verified {
    fn reply(self) -> Reply {
        let reply = Reply::json(&self);
        if self.verified { reply } else { reply.refuting() }
    }

    fn content(schemas: &mut SchemaGenerator) -> Content {
        Content::Json(schemas.subschema_for::<Self>())
    }
}

/// Signs a text with the caller's own key of the wanted set, which is made at its first use.
pub async fn sign(
    holdings: Holdings,
    leave: Permit<SignText>,
    ask: Asked<Sign>,
) -> Result<Signed, Fault> {
    let given = ask.judge()?;
    let named = given.text("algorithm").unwrap_or("ML-DSA-65");
    let (_, kind, _) = SETS.iter().find(|(name, ..)| *name == named).ok_or(Fault::Internal)?;
    let by = (*kind, Purpose::Signature);
    holdings.standing(&leave, by.0, by.1).await?;
    let signed = holdings.keyring().sign_own(&leave, by, given.message("data")).await?;
    let (key, signature) = signed;
    let body = SignedBody { signature: signature.into(), pk: key.public.into() };
    Ok(Signed { kid: key.kid, body })
}

/// Whether a signature of a text holds. No key of this device takes part.
pub async fn verify((): (), _: Permit<SignText>, ask: Asked<Verify>) -> Result<Verified, Fault> {
    let given = ask.judge()?;
    let (public, signature) = (given.bytes("pk"), given.bytes("signature"));
    let set = SETS.iter().find(|(_, kind, _)| kind.length() == public.len());
    let (name, kind, length) = set.ok_or(Fault::Internal)?;
    if signature.len() != *length {
        let digits = length.saturating_mul(2);
        let why = format!("signature must be {digits} digits for a pk of {name}");
        return Err(Fault::Invalid(why.into()).coded("value_error", "body/signature"));
    }
    let statement = Statement { message: given.message("data"), context: Vec::new() };
    Ok(Verified { verified: verify_ml_dsa(*kind, &public, &statement, &signature) })
}

const DATA: Field =
    Field::needed("data", Form::Text(LONGEST), "The text; its bytes in UTF-8 are signed.")
        .or("message");
/// In bytes.
const LONGEST: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_those_of_the_sets() {
        let digits = |at: usize| match &Verify::FIELDS[at].form {
            Form::Hex(digits) => digits.to_vec(),
            _ => unreachable!(),
        };
        assert_eq!(SETS.map(|(_, kind, _)| kind.length() * 2).to_vec(), digits(1));
        assert_eq!(SETS.map(|(_, _, length)| length * 2).to_vec(), digits(2));
        let Form::Word(names) = &Sign::FIELDS[1].form else { unreachable!() };
        assert_eq!(SETS.map(|(name, ..)| name), *names);
    }
}
