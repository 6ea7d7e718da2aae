//! X25519 and X448 (RFC 7748).

use curve25519_dalek::montgomery::MontgomeryPoint;
use x448::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::seed::exactly;
use crate::key_type::KeyType;
use crate::pkcs11::Failure;
use crate::protocol::SecretBytes;

/// The u-coordinate of the public key, 32 or 56 bytes.
pub(super) fn public_half(kind: KeyType, seed: &[u8]) -> Result<Vec<u8>, Failure> {
    match kind {
        KeyType::Curve25519 => {
            let secret = Zeroizing::new(*exactly::<32>(seed)?);
            Ok(MontgomeryPoint::mul_base_clamped(*secret).to_bytes().to_vec())
        }
        KeyType::Curve448 => Ok(PublicKey::from(&x448(seed)?).as_bytes().to_vec()),
        _ => Err(no_agreement()),
    }
}

/// The shared secret, 32 or 56 bytes.
pub(super) fn agree(kind: KeyType, seed: &[u8], peer: &[u8]) -> Result<SecretBytes, Failure> {
    let refused = || Failure::Argument("the peer's key is of another type, or of small order");
    let shared = match kind {
        KeyType::Curve25519 => {
            let secret = Zeroizing::new(*exactly::<32>(seed)?);
            let peer = MontgomeryPoint(peer.try_into().map_err(|_| refused())?);
            let shared = Zeroizing::new(peer.mul_clamped(*secret));
            SecretBytes::new(shared.as_bytes().to_vec())
        }
        KeyType::Curve448 => {
            let peer = PublicKey::from_bytes(peer).ok_or_else(refused)?;
            SecretBytes::new(x448(seed)?.diffie_hellman(&peer).as_bytes().to_vec())
        }
        _ => return Err(no_agreement()),
    };
    // RFC 7748, section 6: what is zero says that the peer's point was of small order.
    match shared.expose().iter().fold(0, |all, byte| all | byte) {
        0 => Err(refused()),
        _ => Ok(shared),
    }
}

/// It wipes itself.
fn x448(seed: &[u8]) -> Result<StaticSecret, Failure> {
    Ok(StaticSecret::from(*exactly::<56>(seed)?))
}

fn no_agreement() -> Failure {
    Failure::Argument("keys of this type can't agree on a secret")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7748, section 6.2. Wycheproof's vectors go through the worker, in `tests/token/vectors`.
    #[test]
    fn alice_and_bob_agree() {
        let (alice, bob) = (hex(ALICE), hex(BOB));
        let kind = KeyType::Curve448;
        let (a, b) = (public_half(kind, &alice).unwrap(), public_half(kind, &bob).unwrap());
        assert_eq!((a.as_slice(), b.as_slice()), (&*hex(ALICE_PUBLIC), &*hex(BOB_PUBLIC)));
        let one = agree(kind, &alice, &b).unwrap();
        let two = agree(kind, &bob, &a).unwrap();
        assert_eq!((one.expose(), two.expose()), (&*hex(SHARED), &*hex(SHARED)));
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    }

    const ALICE: &str = "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b";
    const ALICE_PUBLIC: &str = "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0";
    const BOB: &str = "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d";
    const BOB_PUBLIC: &str = "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609";
    const SHARED: &str = "07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936521c24403085d59a449a5037514a879d";
}
