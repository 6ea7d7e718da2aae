//! Seeds, from which everything about a key follows.

use super::{edwards, ml_dsa, ml_kem, montgomery};
use crate::key_type::{Family, KeyType};
use crate::pkcs11::Failure;

/// The bytes of a seed: the private key of RFC 7748 and RFC 8032, d and z of ML-KEM (FIPS 203,
/// section 7.1), xi of ML-DSA (FIPS 204, section 5.1), the key itself for HMAC. `None` for a type
/// that is not sealed.
pub(crate) fn seed_length(kind: KeyType) -> Option<usize> {
    match kind.family() {
        Family::Edwards | Family::Hmac | Family::Montgomery => Some(kind.length()),
        Family::MlDsa => Some(32),
        Family::MlKem => Some(64),
        Family::Aes | Family::Weierstrass => None,
    }
}

/// The raw public key; `None` for a symmetric key.
pub(crate) fn public_half(kind: KeyType, seed: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    match kind.family() {
        Family::Aes | Family::Hmac => Ok(None),
        Family::Edwards => edwards::public_half(kind, seed).map(Some),
        Family::MlDsa => ml_dsa::public_half(kind, seed).map(Some),
        Family::MlKem => ml_kem::public_half(kind, seed).map(Some),
        Family::Montgomery => montgomery::public_half(kind, seed).map(Some),
        Family::Weierstrass => Err(Failure::Type(kind)),
    }
}

/// `seed` at the length that its type has.
pub(super) fn exactly<const N: usize>(seed: &[u8]) -> Result<&[u8; N], Failure> {
    seed.try_into().map_err(|_| Failure::Argument("a seed has not the length of its type"))
}
