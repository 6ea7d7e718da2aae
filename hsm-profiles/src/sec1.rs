//! The points of the SECP curves and their encodings (SEC1 section 2.3).

use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, Sec1Point, ToSec1Point};
use p256::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize};

use crate::key_type::KeyType;
use crate::points::{BadPoint, check_length};

/// The uncompressed form of a point in either form, which is checked: its length, its coordinates,
/// the equation of its curve. Infinity is refused.
pub(crate) fn uncompress(kind: KeyType, raw: &[u8]) -> Result<Vec<u8>, BadPoint> {
    encode(kind, raw, false)
}

/// The compressed form, checked in the same way.
pub(crate) fn compress(kind: KeyType, raw: &[u8]) -> Result<Vec<u8>, BadPoint> {
    encode(kind, raw, true)
}

/// Checks a point in the compressed form, the only one that the API stores (hem.md A9).
pub(crate) fn check_compressed(kind: KeyType, raw: &[u8]) -> Result<(), BadPoint> {
    match raw.first() {
        Some(4) => Err(BadPoint::NotCompressed),
        _ => encode(kind, raw, true).map(drop),
    }
}

fn encode(kind: KeyType, raw: &[u8], compressed: bool) -> Result<Vec<u8>, BadPoint> {
    let length = kind.length();
    match raw.first() {
        Some(0) if raw.len() == 1 => return Err(BadPoint::Infinity),
        Some(2 | 3) => check_length(raw, length)?,
        Some(4) => check_length(raw, 2 * length - 1)?,
        Some(_) => return Err(BadPoint::Form),
        None => return Err(BadPoint::Length { expected: length, found: 0 }),
    }
    match kind {
        KeyType::Secp256r1 => on_curve::<p256::NistP256>(raw, compressed),
        KeyType::Secp384r1 => on_curve::<p384::NistP384>(raw, compressed),
        KeyType::Secp521r1 => on_curve::<p521::NistP521>(raw, compressed),
        KeyType::Secp256k1 => on_curve::<k256::Secp256k1>(raw, compressed),
        _ => Err(BadPoint::Form),
    }
}

/// The cheapest full check: the equation alone, as the cofactor is 1. A point that already has the
/// wanted form is handed back as it came.
fn on_curve<C>(raw: &[u8], compressed: bool) -> Result<Vec<u8>, BadPoint>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let encoded = Sec1Point::<C>::from_bytes(raw).map_err(|_| BadPoint::Form)?;
    let point = Option::<AffinePoint<C>>::from(AffinePoint::<C>::from_sec1_point(&encoded))
        .ok_or(BadPoint::NotOnCurve)?;
    match encoded.is_compressed() == compressed {
        true => Ok(raw.to_vec()),
        false => Ok(point.to_sec1_point(compressed).as_bytes().to_vec()),
    }
}
