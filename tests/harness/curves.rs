//! Keys in software, for a second opinion on what the token computes.

use aws_lc_rs::rand;
use p256::elliptic_curve::group::Curve as _;
use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, Sec1Point, ToSec1Point};
use p256::elliptic_curve::{
    AffinePoint, CurveArithmetic, FieldBytesSize, Group as _, NonZeroScalar, ProjectivePoint,
};
use x25519_dalek::{PublicKey, StaticSecret};

/// The curves that keys can agree on here, under the API's names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Curve {
    /// P-256
    Secp256r1,
    /// P-384
    Secp384r1,
    /// P-521
    Secp521r1,
    /// secp256k1
    Secp256k1,
    /// X25519
    Curve25519,
}

/// A private key in software.
pub struct SoftKey {
    curve: Curve,
    private: Vec<u8>,
}

impl Curve {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Secp256r1, Self::Secp384r1, Self::Secp521r1, Self::Secp256k1, Self::Curve25519];

    /// Its type in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secp256r1 => "SECP256R1",
            Self::Secp384r1 => "SECP384R1",
            Self::Secp521r1 => "SECP521R1",
            Self::Secp256k1 => "SECP256K1",
            Self::Curve25519 => "CURVE25519",
        }
    }

    /// The length of a coordinate, which is that of a private key and of a shared secret.
    pub fn length(self) -> usize {
        match self {
            Self::Secp256r1 | Self::Secp256k1 | Self::Curve25519 => 32,
            Self::Secp384r1 => 48,
            Self::Secp521r1 => 66,
        }
    }

    /// Its object identifier in DER, which is `CKA_EC_PARAMS`.
    pub fn oid(self) -> &'static [u8] {
        match self {
            Self::Secp256r1 => &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
            Self::Secp384r1 => &[6, 5, 0x2b, 0x81, 4, 0, 0x22],
            Self::Secp521r1 => &[6, 5, 0x2b, 0x81, 4, 0, 0x23],
            Self::Secp256k1 => &[6, 5, 0x2b, 0x81, 4, 0, 0x0a],
            Self::Curve25519 => &[6, 3, 0x2b, 0x65, 0x6e],
        }
    }
}

impl SoftKey {
    /// A random key.
    pub fn random(curve: Curve) -> Self {
        loop {
            let mut private = vec![0; curve.length()];
            rand::fill(&mut private).unwrap();
            if curve == Curve::Secp521r1 {
                private[0] &= 1;
            }
            let key = Self { curve, private };
            if key.is_in_range() {
                return key;
            }
        }
    }

    /// The key with this private scalar, big-endian, or these 32 bytes of X25519.
    ///
    /// # Panics
    /// Where the scalar does not fit the curve's length.
    pub fn from_private(curve: Curve, private: &[u8]) -> Self {
        let zeros = match curve {
            Curve::Curve25519 => 0,
            _ => private.iter().take_while(|byte| **byte == 0).count(),
        };
        let private = &private[zeros..];
        let missing = curve.length().checked_sub(private.len()).unwrap();
        Self { curve, private: [vec![0; missing], private.to_vec()].concat() }
    }

    /// The private scalar at its full length.
    pub fn private(&self) -> &[u8] {
        &self.private
    }

    /// Its public key as the API takes and gives it: SEC1 compressed, or 32 bytes.
    pub fn public(&self) -> Vec<u8> {
        self.encode(true)
    }

    /// Its public key, SEC1 uncompressed, or 32 bytes.
    pub fn public_uncompressed(&self) -> Vec<u8> {
        self.encode(false)
    }

    /// What it shares with `peer`, in the API's encoding: the x-coordinate, or X25519's output.
    pub fn agree(&self, peer: &[u8]) -> Vec<u8> {
        match self.curve {
            Curve::Secp256r1 => agree::<p256::NistP256>(&self.private, peer),
            Curve::Secp384r1 => agree::<p384::NistP384>(&self.private, peer),
            Curve::Secp521r1 => agree::<p521::NistP521>(&self.private, peer),
            Curve::Secp256k1 => agree::<k256::Secp256k1>(&self.private, peer),
            Curve::Curve25519 => {
                let peer: [u8; 32] = peer.try_into().unwrap();
                self.x25519().diffie_hellman(&PublicKey::from(peer)).as_bytes().to_vec()
            }
        }
    }

    fn encode(&self, compressed: bool) -> Vec<u8> {
        match self.curve {
            Curve::Secp256r1 => public::<p256::NistP256>(&self.private, compressed),
            Curve::Secp384r1 => public::<p384::NistP384>(&self.private, compressed),
            Curve::Secp521r1 => public::<p521::NistP521>(&self.private, compressed),
            Curve::Secp256k1 => public::<k256::Secp256k1>(&self.private, compressed),
            Curve::Curve25519 => PublicKey::from(&self.x25519()).as_bytes().to_vec(),
        }
    }

    fn is_in_range(&self) -> bool {
        match self.curve {
            Curve::Secp256r1 => scalar::<p256::NistP256>(&self.private).is_some(),
            Curve::Secp384r1 => scalar::<p384::NistP384>(&self.private).is_some(),
            Curve::Secp521r1 => scalar::<p521::NistP521>(&self.private).is_some(),
            Curve::Secp256k1 => scalar::<k256::Secp256k1>(&self.private).is_some(),
            Curve::Curve25519 => true,
        }
    }

    fn x25519(&self) -> StaticSecret {
        StaticSecret::from(<[u8; 32]>::try_from(self.private.as_slice()).unwrap())
    }
}

fn scalar<C: CurveArithmetic>(private: &[u8]) -> Option<NonZeroScalar<C>> {
    NonZeroScalar::<C>::try_from(private).ok()
}

fn public<C>(private: &[u8], compressed: bool) -> Vec<u8>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let point = ProjectivePoint::<C>::generator() * *scalar::<C>(private).unwrap();
    point.to_affine().to_sec1_point(compressed).as_bytes().to_vec()
}

fn agree<C>(private: &[u8], peer: &[u8]) -> Vec<u8>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let peer = Sec1Point::<C>::from_bytes(peer).unwrap();
    let peer = Option::<AffinePoint<C>>::from(AffinePoint::<C>::from_sec1_point(&peer)).unwrap();
    let shared = ProjectivePoint::<C>::from(peer) * *scalar::<C>(private).unwrap();
    shared.to_affine().to_sec1_point(false).x().unwrap().to_vec()
}
