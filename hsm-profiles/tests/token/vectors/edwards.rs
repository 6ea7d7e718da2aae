//! RFC 8032, sections 7.1 to 7.5: signatures to the byte. Wycheproof's sets have no private keys.

use hsm_profiles::{KeyType, Scheme, SealedTask, SecretBytes, Statement};
use serde::Deserialize;

use super::keys::{Keys, Place};
use super::{at, tally};

#[derive(Deserialize)]
struct Vector {
    section: String,
    alg: String,
    secret: String,
    message: String,
    context: String,
    signature: String,
}

pub(super) fn all(keys: &mut Keys<'_>) {
    let text = include_str!("../../../../tests/vectors/rfc8032.json");
    let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
    let mut tally = tally();
    for vector in vectors {
        let seed = unhex(&vector.secret);
        let kind = if seed.len() == 32 { KeyType::Ed25519 } else { KeyType::Ed448 };
        let message = SecretBytes::new(unhex(&vector.message));
        let statement = Statement { message, context: unhex(&vector.context) };
        let scheme = Scheme::from_name(&vector.alg).unwrap();
        let signature = keys.perform(kind, &seed, SealedTask::Sign { scheme, statement }).unwrap();
        assert_eq!(signature, unhex(&vector.signature), "{} {}", vector.section, vector.alg);
        let set = format!("RFC 8032, {}, {}", vector.section, vector.alg);
        tally.count(&at(Place::Sealed, &set), "signed to the byte");
    }
    let signed = "signed to the byte";
    tally.settle(&[
        ("RFC 8032, 7.1, Ed25519, sealed", 5, &[(signed, 5)]),
        ("RFC 8032, 7.2, Ed25519ctx, sealed", 4, &[(signed, 4)]),
        ("RFC 8032, 7.3, Ed25519ph, sealed", 1, &[(signed, 1)]),
        ("RFC 8032, 7.4, Ed448, sealed", 9, &[(signed, 9)]),
        ("RFC 8032, 7.5, Ed448ph, sealed", 2, &[(signed, 2)]),
    ]);
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|d| u8::from_str_radix(str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}
