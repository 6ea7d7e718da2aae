//! Agreement on secrets: the party at the other end of ECDH, X25519 and X448.

use p256::elliptic_curve::group::Curve as _;
use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, Sec1Point, ToSec1Point};
use p256::elliptic_curve::{
    AffinePoint, CurveArithmetic, FieldBytesSize, Group as _, NonZeroScalar, ProjectivePoint,
};

use crate::encoding::random;
use crate::kinds::Kind;
use crate::verdict::{OrFails, Verdict, fails};

/// A private key on one of the six curves.
pub(crate) struct Party {
    kind: Kind,
    private: Vec<u8>,
}

impl Party {
    /// A random key of a type that agrees on secrets.
    pub(crate) fn random(kind: Kind) -> Verdict<Self> {
        let mut private = random::<66>()?.to_vec();
        private.truncate(kind.secret);
        // Below the order of every curve, and not zero.
        if let Some(first) = private.first_mut().filter(|_| kind.name.starts_with("SECP")) {
            *first = 0;
        }
        Ok(Self { kind, private })
    }

    /// Its public key as the API takes it: compressed SEC1, or the bytes of RFC 7748.
    pub(crate) fn public(&self) -> Verdict<Vec<u8>> {
        self.encode(true)
    }

    /// The same point as uncompressed SEC1, which the API does not take.
    pub(crate) fn uncompressed(&self) -> Verdict<Vec<u8>> {
        self.encode(false)
    }

    /// The whole shared secret: an x-coordinate at the curve's length, or RFC 7748's output.
    pub(crate) fn agree(&self, peer: &[u8]) -> Verdict<Vec<u8>> {
        let private = &self.private;
        let shared = match self.kind.name {
            "SECP256R1" => agree::<p256::NistP256>(private, peer),
            "SECP384R1" => agree::<p384::NistP384>(private, peer),
            "SECP521R1" => agree::<p521::NistP521>(private, peer),
            "SECP256K1" => agree::<k256::Secp256k1>(private, peer),
            "CURVE25519" => x25519(private, peer),
            "CURVE448" => x448(private, peer),
            _ => None,
        };
        shared.or_fails(|| format!("{}: no secret with that public key", self.kind.name))
    }

    fn encode(&self, compressed: bool) -> Verdict<Vec<u8>> {
        let private = &self.private;
        let public = match self.kind.name {
            "SECP256R1" => public::<p256::NistP256>(private, compressed),
            "SECP384R1" => public::<p384::NistP384>(private, compressed),
            "SECP521R1" => public::<p521::NistP521>(private, compressed),
            "SECP256K1" => public::<k256::Secp256k1>(private, compressed),
            "CURVE25519" => x25519(private, &x25519_dalek::X25519_BASEPOINT_BYTES),
            "CURVE448" => x448(private, &x448::X448_BASEPOINT_BYTES),
            name => return fails(format!("{name} agrees on nothing")),
        };
        public.or_fails(|| "a private key out of range".to_owned())
    }
}

fn x25519(private: &[u8], point: &[u8]) -> Option<Vec<u8>> {
    let (private, point) = (private.try_into().ok()?, point.try_into().ok()?);
    Some(x25519_dalek::x25519(private, point).to_vec())
}

fn x448(private: &[u8], point: &[u8]) -> Option<Vec<u8>> {
    Some(x448::x448(private.try_into().ok()?, point.try_into().ok()?)?.to_vec())
}

fn public<C>(private: &[u8], compressed: bool) -> Option<Vec<u8>>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let scalar = NonZeroScalar::<C>::try_from(private).ok()?;
    let point = ProjectivePoint::<C>::generator() * *scalar;
    Some(point.to_affine().to_sec1_point(compressed).as_bytes().to_vec())
}

fn agree<C>(private: &[u8], peer: &[u8]) -> Option<Vec<u8>>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let scalar = NonZeroScalar::<C>::try_from(private).ok()?;
    let peer = Sec1Point::<C>::from_bytes(peer).ok()?;
    let peer = Option::<AffinePoint<C>>::from(AffinePoint::<C>::from_sec1_point(&peer))?;
    let shared = (ProjectivePoint::<C>::from(peer) * *scalar).to_affine();
    Some(shared.to_sec1_point(false).x()?.to_vec())
}
