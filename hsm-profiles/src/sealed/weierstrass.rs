//! ECDH (SEC1 section 3.3.1) and ECDSA (FIPS 186-5, nonces by RFC 6979) on the SECP curves.

use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::elliptic_curve::group::Curve;
use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, Sec1Point, ToSec1Point};
use p256::elliptic_curve::{
    AffinePoint, CurveArithmetic, FieldBytesSize, Group, NonZeroScalar, ProjectivePoint,
};
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::algorithm::Scheme;
use crate::key_type::KeyType;
use crate::pkcs11::Failure;
use crate::protocol::SecretBytes;

/// The public key, SEC1 compressed.
///
/// # Errors
/// [`Failure::Argument`] where `seed` is not a number from 1 to n - 1.
pub(super) fn public_half(kind: KeyType, seed: &[u8]) -> Result<Vec<u8>, Failure> {
    match kind {
        KeyType::Secp256k1 => public::<k256::Secp256k1>(seed),
        KeyType::Secp256r1 => public::<p256::NistP256>(seed),
        KeyType::Secp384r1 => public::<p384::NistP384>(seed),
        KeyType::Secp521r1 => public::<p521::NistP521>(seed),
        _ => Err(Failure::Type(kind)),
    }
}

/// The x-coordinate of the shared point, at its full length.
pub(super) fn agree(kind: KeyType, seed: &[u8], peer: &[u8]) -> Result<SecretBytes, Failure> {
    match kind {
        KeyType::Secp256k1 => shared::<k256::Secp256k1>(seed, peer),
        KeyType::Secp256r1 => shared::<p256::NistP256>(seed, peer),
        KeyType::Secp384r1 => shared::<p384::NistP384>(seed, peer),
        KeyType::Secp521r1 => shared::<p521::NistP521>(seed, peer),
        _ => Err(Failure::Type(kind)),
    }
}

/// A signature: r and s, each at the length of the curve's order.
pub(super) fn sign(
    kind: KeyType,
    scheme: Scheme,
    seed: &[u8],
    message: &[u8],
) -> Result<Vec<u8>, Failure> {
    let hash = match scheme {
        Scheme::EcdsaSha256 => Sha256::digest(message).to_vec(),
        Scheme::EcdsaSha384 => Sha384::digest(message).to_vec(),
        Scheme::EcdsaSha512 => Sha512::digest(message).to_vec(),
        _ => return Err(Failure::Argument("keys of this type don't sign so")),
    };
    // The libraries refuse hashes of less than half the length of a coordinate. As a number the hash
    // stays what it is.
    let hash = [vec![0; seed.len().saturating_sub(hash.len())], hash].concat();
    macro_rules! signed {
        ($curve:ident) => {{
            let key = $curve::ecdsa::SigningKey::from_slice(seed).map_err(|_| out_of_range())?;
            let signature: Result<$curve::ecdsa::Signature, _> = key.sign_prehash(&hash);
            Ok(signature.map_err(|_| out_of_range())?.to_bytes().to_vec())
        }};
    }
    match kind {
        KeyType::Secp256k1 => signed!(k256),
        KeyType::Secp256r1 => signed!(p256),
        KeyType::Secp384r1 => signed!(p384),
        KeyType::Secp521r1 => signed!(p521),
        _ => Err(Failure::Type(kind)),
    }
}

fn public<C>(seed: &[u8]) -> Result<Vec<u8>, Failure>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let point = ProjectivePoint::<C>::generator() * **scalar::<C>(seed)?;
    Ok(point.to_affine().to_sec1_point(true).as_bytes().to_vec())
}

fn shared<C>(seed: &[u8], peer: &[u8]) -> Result<SecretBytes, Failure>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let refused = || Failure::Argument("the peer's key is of another type");
    let peer = Sec1Point::<C>::from_bytes(peer).map_err(|_| refused())?;
    let peer = Option::<AffinePoint<C>>::from(AffinePoint::<C>::from_sec1_point(&peer));
    let point = ProjectivePoint::<C>::from(peer.ok_or_else(refused)?) * **scalar::<C>(seed)?;
    let point = point.to_affine().to_sec1_point(false);
    // The first coordinate after the byte that names the form; infinity has none.
    let secret = point.x().ok_or_else(refused)?;
    Ok(SecretBytes::new(secret.to_vec()))
}

/// The private number.
fn scalar<C: CurveArithmetic>(seed: &[u8]) -> Result<Zeroizing<NonZeroScalar<C>>, Failure> {
    NonZeroScalar::<C>::try_from(seed).map(Zeroizing::new).map_err(|_| out_of_range())
}

fn out_of_range() -> Failure {
    Failure::Argument("this is no private key of the curve: agree on another secret")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::Statement;
    use crate::signature::{der, verify};

    #[test]
    fn both_sides_agree_and_signatures_hold() {
        for (kind, length) in CURVES {
            let (ours, theirs) = (seed(length, 7), seed(length, 9));
            let (a, b) = (public_half(kind, &ours).unwrap(), public_half(kind, &theirs).unwrap());
            let one = agree(kind, &ours, &b).unwrap();
            let two = agree(kind, &theirs, &a).unwrap();
            assert_eq!((one.expose(), one.expose().len()), (two.expose(), length), "{kind}");
            for scheme in [Scheme::EcdsaSha256, Scheme::EcdsaSha384, Scheme::EcdsaSha512] {
                let raw = sign(kind, scheme, &ours, b"message").unwrap();
                let signature = der(kind, &raw).unwrap();
                let said = |text: &[u8]| Statement {
                    message: SecretBytes::new(text.to_vec()),
                    context: Vec::new(),
                };
                assert!(verify(kind, &a, scheme, &said(b"message"), &signature), "{kind}");
                assert!(!verify(kind, &a, scheme, &said(b"massage"), &signature), "{kind}");
                assert!(!verify(kind, &b, scheme, &said(b"message"), &signature), "{kind}");
            }
            assert!(sign(kind, Scheme::Ed25519, &ours, b"message").is_err());
        }
    }

    /// RFC 6979, appendix A.2.5.
    #[test]
    fn signs_as_published() {
        let seed = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
        let raw = sign(KeyType::Secp256r1, Scheme::EcdsaSha256, &seed, b"sample").unwrap();
        assert_eq!(
            raw,
            hex(
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
            )
        );
    }

    #[test]
    fn numbers_out_of_range_are_no_keys() {
        for (kind, length) in CURVES {
            for bad in [vec![0; length], vec![0xff; length], vec![7; length - 1]] {
                assert!(public_half(kind, &bad).is_err(), "{kind}");
            }
        }
    }

    fn seed(length: usize, fill: u8) -> Vec<u8> {
        let mut seed = vec![fill; length];
        seed[0] = 0;
        seed
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    }

    const CURVES: [(KeyType, usize); 4] = [
        (KeyType::Secp256k1, 32),
        (KeyType::Secp256r1, 32),
        (KeyType::Secp384r1, 48),
        (KeyType::Secp521r1, 66),
    ];
}
