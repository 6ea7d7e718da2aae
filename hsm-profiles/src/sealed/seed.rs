//! Seeds, from which everything about a key follows.

use super::{edwards, ml_dsa, ml_kem, montgomery, weierstrass};
use crate::key_type::{Family, KeyType};
use crate::pkcs11::Failure;

/// The bytes of a seed: the private key of RFC 7748 and RFC 8032, d and z of ML-KEM (FIPS 203,
/// section 7.1), xi of ML-DSA (FIPS 204, section 5.1), the key itself for AES and HMAC, and for the
/// SECP curves the private number at the length of a coordinate.
pub(crate) const fn seed_length(kind: KeyType) -> usize {
    match kind.family() {
        Family::Aes | Family::Edwards | Family::Hmac | Family::Montgomery => kind.length(),
        Family::MlDsa => 32,
        Family::MlKem => 64,
        Family::Weierstrass => kind.length().saturating_sub(1),
    }
}

/// Clears the bits of `seed` that its type has no use for: the upper seven of the 528 that make a
/// number of 521 bits. All but one of 128 keys would be out of range otherwise.
pub(crate) fn fit(kind: KeyType, seed: &mut [u8]) {
    if let (KeyType::Secp521r1, Some(top)) = (kind, seed.first_mut()) {
        *top &= 1;
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
        Family::Weierstrass => weierstrass::public_half(kind, seed).map(Some),
    }
}

/// `seed` at the length that its type has.
pub(super) fn exactly<const N: usize>(seed: &[u8]) -> Result<&[u8; N], Failure> {
    seed.try_into().map_err(|_| Failure::Argument("a seed has not the length of its type"))
}
