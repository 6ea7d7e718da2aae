//! The other side of an agreement, computed by other code than the token's.

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::{digest, signature};
use hsm_profiles::{KeyType, SecretDigest};
use k256::elliptic_curve::sec1::{FromSec1Point, Sec1Point, ToSec1Point};

/// A key pair in software.
pub(crate) enum Peer {
    AwsLc(&'static agreement::Algorithm, PrivateKey),
    K256(k256::Scalar),
    X448(x448::StaticSecret),
}

impl Peer {
    pub(crate) fn new(kind: KeyType) -> Self {
        let algorithm = match kind {
            KeyType::Secp256r1 => &agreement::ECDH_P256,
            KeyType::Secp384r1 => &agreement::ECDH_P384,
            KeyType::Secp521r1 => &agreement::ECDH_P521,
            KeyType::Curve25519 => &agreement::X25519,
            KeyType::Secp256k1 => {
                let mut bytes = [0; 8];
                getrandom::fill(&mut bytes).unwrap();
                let small = k256::Scalar::from(u64::from_be_bytes(bytes));
                return Self::K256(small.square() * small + k256::Scalar::ONE);
            }
            KeyType::Curve448 => {
                let mut bytes = [0; 56];
                getrandom::fill(&mut bytes).unwrap();
                return Self::X448(x448::StaticSecret::from(bytes));
            }
            other => panic!("no agreement with {other}"),
        };
        Self::AwsLc(algorithm, PrivateKey::generate(algorithm).unwrap())
    }

    /// As it goes to the token.
    pub(crate) fn public(&self) -> Vec<u8> {
        match self {
            Self::AwsLc(_, key) => key.compute_public_key().unwrap().as_ref().to_vec(),
            Self::K256(scalar) => (k256::ProjectivePoint::GENERATOR * scalar)
                .to_affine()
                .to_sec1_point(false)
                .as_bytes()
                .to_vec(),
            Self::X448(key) => x448::PublicKey::from(key).as_bytes().to_vec(),
        }
    }

    /// The secret with a key of the token, whose public key is SEC1 compressed or raw.
    pub(crate) fn secret(&self, theirs: &[u8]) -> Vec<u8> {
        match self {
            Self::AwsLc(algorithm, key) => {
                let theirs = UnparsedPublicKey::new(algorithm, theirs);
                agreement::agree(key, theirs, "refused", |secret| Ok(secret.to_vec())).unwrap()
            }
            Self::K256(scalar) => {
                let point = Sec1Point::<k256::Secp256k1>::from_bytes(theirs).unwrap();
                let point = k256::AffinePoint::from_sec1_point(&point).unwrap();
                let shared = (k256::ProjectivePoint::from(point) * scalar).to_affine();
                shared.to_sec1_point(false).x().unwrap().to_vec()
            }
            Self::X448(key) => {
                let theirs = x448::PublicKey::from_bytes(theirs).unwrap();
                key.diffie_hellman(&theirs).as_bytes().to_vec()
            }
        }
    }
}

/// The hash of an agreed secret.
pub(crate) fn hash(how: SecretDigest, secret: &[u8]) -> Vec<u8> {
    let algorithm = match how {
        SecretDigest::Sha2_256 => &digest::SHA256,
        SecretDigest::Sha2_384 => &digest::SHA384,
        SecretDigest::Sha2_512 => &digest::SHA512,
        SecretDigest::Sha3_256 => &digest::SHA3_256,
        SecretDigest::Sha3_384 => &digest::SHA3_384,
        SecretDigest::Sha3_512 => &digest::SHA3_512,
    };
    digest::digest(algorithm, secret).as_ref().to_vec()
}

/// Whether this is a pure Ed25519 signature.
pub(crate) fn is_signed(public: &[u8], message: &[u8], signed: &[u8]) -> bool {
    let key = signature::UnparsedPublicKey::new(&signature::ED25519, public);
    key.verify(message, signed).is_ok()
}
