//! Which public keys get past the software, and that no hostile one does.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets a surprise has to fail"
)]

use hsm_profiles::{BadPoint, Family, ForeignPoint, KeyType, public_key};

const CURVES: [KeyType; 4] =
    [KeyType::Secp256r1, KeyType::Secp384r1, KeyType::Secp521r1, KeyType::Secp256k1];

/// The primes of the fields, big-endian.
fn prime(kind: KeyType) -> Vec<u8> {
    let text = match kind {
        KeyType::Secp256r1 => {
            "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff".into()
        }
        KeyType::Secp384r1 => {
            format!("{}fffffffeffffffff0000000000000000ffffffff", "ff".repeat(28))
        }
        KeyType::Secp521r1 => format!("01{}", "ff".repeat(65)),
        KeyType::Secp256k1 => format!("{}fefffffc2f", "ff".repeat(27)),
        other => unreachable!("{other}"),
    };
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// The public key of a random private key, uncompressed, from the curve's own arithmetic.
fn random_point(kind: KeyType) -> Vec<u8> {
    macro_rules! point {
        ($curve:ident) => {{
            use p256::elliptic_curve::sec1::ToSec1Point;
            let length = kind.length() - 1;
            let secret = loop {
                let mut bytes = random(length);
                if kind == KeyType::Secp521r1 {
                    bytes[0] &= 1;
                }
                if let Ok(secret) = $curve::SecretKey::from_slice(&bytes) {
                    break secret;
                }
            };
            secret.public_key().to_sec1_point(false).as_bytes().to_vec()
        }};
    }
    match kind {
        KeyType::Secp256r1 => point!(p256),
        KeyType::Secp384r1 => point!(p384),
        KeyType::Secp521r1 => point!(p521),
        KeyType::Secp256k1 => point!(k256),
        other => unreachable!("{other}"),
    }
}

/// `x` in the compressed form.
fn small(kind: KeyType, x: u8) -> Vec<u8> {
    let mut point = vec![0; kind.length()];
    point[0] = 2;
    *point.last_mut().unwrap() = x;
    point
}

/// Adds the prime to the x-coordinate of an encoded point; `None` where it does not fit any more.
fn unreduced(kind: KeyType, point: &[u8]) -> Option<Vec<u8>> {
    let mut point = point.to_vec();
    let mut carry = 0_u16;
    for (digit, add) in point[1..kind.length()].iter_mut().zip(prime(kind)).rev() {
        carry += u16::from(*digit) + u16::from(add);
        *digit = u8::try_from(carry & 0xff).unwrap();
        carry >>= 8;
    }
    (carry == 0).then_some(point)
}

#[test]
fn points_of_random_keys_pass_in_both_forms() {
    for kind in CURVES {
        for _ in 0..32 {
            let point = random_point(kind);
            let compressed = public_key::compress(kind, &point).unwrap();
            assert_eq!(compressed.len(), kind.length());
            assert_eq!(compressed[0], 2 + (point.last().unwrap() & 1));
            for form in [&point, &compressed] {
                let parsed = ForeignPoint::parse(kind, form).unwrap();
                assert_eq!((parsed.kind(), parsed.bytes()), (kind, &point[..]));
                assert_eq!(public_key::uncompress(kind, form).unwrap(), point);
                assert_eq!(public_key::compress(kind, form).unwrap(), compressed);
            }
            assert_eq!(public_key::validate(kind, &compressed), Ok(()));
            assert_eq!(public_key::validate(kind, &point), Err(BadPoint::NotCompressed));
        }
    }
}

#[test]
fn points_off_the_curve_are_refused() {
    for kind in CURVES {
        let point = random_point(kind);
        for at in [1, point.len() / 2, point.len() - 1] {
            let mut off = point.clone();
            off[at] ^= 1;
            assert_eq!(ForeignPoint::parse(kind, &off), Err(BadPoint::NotOnCurve), "{kind} {at}");
        }
        let mut zeros = vec![0; point.len()];
        zeros[0] = 4;
        assert_eq!(ForeignPoint::parse(kind, &zeros), Err(BadPoint::NotOnCurve), "{kind}");
        let (on, off): (Vec<u8>, Vec<u8>) =
            (0..40).partition(|x| ForeignPoint::parse(kind, &small(kind, *x)).is_ok());
        assert!(!on.is_empty() && !off.is_empty(), "{kind}: about half of all x have a point");
        for x in off {
            assert_eq!(public_key::validate(kind, &small(kind, x)), Err(BadPoint::NotOnCurve));
        }
    }
    let (first, second) = (KeyType::Secp256r1, KeyType::Secp256k1);
    for (from, to) in [(first, second), (second, first)] {
        let point = random_point(from);
        assert_eq!(ForeignPoint::parse(to, &point), Err(BadPoint::NotOnCurve), "{from} as {to}");
    }
}

#[test]
fn coordinates_must_be_reduced() {
    for kind in CURVES {
        let mut tried = 0;
        for x in 0..40 {
            let Ok(point) = public_key::uncompress(kind, &small(kind, x)) else {
                continue;
            };
            for form in [small(kind, x), point] {
                if let Some(form) = unreduced(kind, &form) {
                    assert_eq!(ForeignPoint::parse(kind, &form), Err(BadPoint::NotOnCurve));
                    tried += 1;
                }
            }
        }
        assert!(tried > 10, "{kind}");
        let mut highest = vec![0xff; kind.length()];
        highest[0] = 3;
        assert_eq!(ForeignPoint::parse(kind, &highest), Err(BadPoint::NotOnCurve), "{kind}");
    }
}

#[test]
fn other_forms_and_lengths_are_refused() {
    for kind in CURVES {
        assert_eq!(ForeignPoint::parse(kind, &[0]), Err(BadPoint::Infinity));
        let point = random_point(kind);
        let compressed = public_key::compress(kind, &point).unwrap();
        for tag in [0, 1, 5, 6, 7, 8, 0x40, 0xff] {
            for form in [&point, &compressed] {
                let mut bad = form.clone();
                bad[0] = tag;
                assert_eq!(ForeignPoint::parse(kind, &bad), Err(BadPoint::Form), "{kind} {tag}");
            }
        }
        for form in [&point, &compressed] {
            let mut long = form.clone();
            long.push(0);
            for bad in [&long[..], &form[..form.len() - 1], &form[..1], &[]] {
                let refusal = ForeignPoint::parse(kind, bad).unwrap_err();
                assert!(matches!(refusal, BadPoint::Length { .. }), "{kind}: {refusal:?}");
            }
        }
        // The form is told by its first byte: coordinates of the one under the tag of the other.
        let mut mixed = point.clone();
        mixed[0] = 2;
        assert!(matches!(ForeignPoint::parse(kind, &mixed), Err(BadPoint::Length { .. })));
    }
}

#[test]
fn montgomery_points_of_small_order_are_refused_in_every_encoding() {
    let order_8 = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    let other_8 = "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157";
    let tail = "ff".repeat(30);
    let mut points = vec!["00".repeat(32), format!("01{}", "00".repeat(31))];
    points.extend([order_8.to_owned(), other_8.to_owned()]);
    points.extend(["ec", "ed", "ee"].map(|low| format!("{low}{tail}7f")));
    for text in points {
        let mut point: Vec<u8> =
            (0..32).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap()).collect();
        for _ in 0..2 {
            for refused in [
                ForeignPoint::parse(KeyType::Curve25519, &point).map(drop),
                public_key::validate(KeyType::Curve25519, &point),
            ] {
                assert_eq!(refused, Err(BadPoint::SmallOrder), "{text}");
            }
            point[31] ^= 0x80;
        }
    }
    let mut p = [0xff; 56];
    p[28] = 0xfe;
    let mut below = p;
    below[0] = 0xfe;
    let mut above = [0; 56];
    above[28..].fill(0xff);
    let mut one = [0; 56];
    one[0] = 1;
    for point in [[0; 56], one, below, p, above] {
        assert_eq!(ForeignPoint::parse(KeyType::Curve448, &point), Err(BadPoint::SmallOrder));
    }
}

#[test]
fn other_montgomery_points_pass() {
    for _ in 0..32 {
        let mut raw = random(32);
        raw[31] |= 0x80;
        let point = ForeignPoint::parse(KeyType::Curve25519, &raw).unwrap();
        raw[31] &= 0x7f;
        assert_eq!(point.bytes(), raw, "the top bit is not part of the point");
        let raw = random(56);
        assert_eq!(ForeignPoint::parse(KeyType::Curve448, &raw).unwrap().bytes(), raw);
    }
    for near in [2_u8, 9, 0xeb, 0xef] {
        let mut point = if near < 10 { [0; 32] } else { [0xff; 32] };
        point[0] = near;
        ForeignPoint::parse(KeyType::Curve25519, &point).unwrap();
    }
    for (kind, length) in [(KeyType::Curve25519, 32), (KeyType::Curve448, 56)] {
        for found in [0, length - 1, length + 1, 64] {
            let refusal = ForeignPoint::parse(kind, &vec![7; found]);
            assert_eq!(refusal, Err(BadPoint::Length { expected: length, found }));
        }
    }
}

#[test]
fn only_keys_that_agree_become_points() {
    for kind in KeyType::ALL {
        if !matches!(kind.family(), Family::Weierstrass | Family::Montgomery) {
            let refusal = ForeignPoint::parse(kind, &vec![9; kind.length()]);
            assert_eq!(refusal, Err(BadPoint::NotAnAgreementKey), "{kind}");
        }
        if !kind.is_asymmetric() {
            let refusal = public_key::validate(kind, &vec![9; kind.length()]);
            assert_eq!(refusal, Err(BadPoint::NotAsymmetric), "{kind}");
        }
    }
}

#[test]
fn edwards_keys_are_points() {
    let base = [&[0x58][..], &[0x66; 31]].concat();
    assert_eq!(public_key::validate(KeyType::Ed25519, &base), Ok(()));
    let on = (0..=255).filter(|low| {
        let candidate = [&[*low][..], &[0x66; 31]].concat();
        public_key::validate(KeyType::Ed25519, &candidate).is_ok()
    });
    assert!((64..192).contains(&on.count()), "about half of all y have a point");
    let identity = [&[1][..], &[0; 31]].concat();
    for weak in [identity, vec![0; 32]] {
        assert_eq!(public_key::validate(KeyType::Ed25519, &weak), Err(BadPoint::SmallOrder));
    }
    let mut y = vec![0xff; 57];
    (y[28], y[56]) = (0xfe, 0x80);
    assert_eq!(public_key::validate(KeyType::Ed448, &y), Err(BadPoint::NotOnCurve), "y = p");
    y[0] = 0xfe;
    assert_eq!(public_key::validate(KeyType::Ed448, &y), Ok(()), "y = p - 1");
    y[56] = 1;
    assert_eq!(public_key::validate(KeyType::Ed448, &y), Err(BadPoint::NotOnCurve));
    for kind in [KeyType::Ed25519, KeyType::Ed448] {
        let refusal = public_key::validate(kind, &[7; 40]);
        assert_eq!(refusal, Err(BadPoint::Length { expected: kind.length(), found: 40 }));
    }
}

#[test]
fn lattice_keys_have_their_length_and_small_coefficients() {
    for kind in [KeyType::MlDsa44, KeyType::MlDsa65, KeyType::MlDsa87] {
        assert_eq!(public_key::validate(kind, &random(kind.length())), Ok(()));
    }
    for kind in [KeyType::MlKem512, KeyType::MlKem768, KeyType::MlKem1024] {
        // 3328 = 0xd00 twice, packed little-endian.
        let mut key = [0x00, 0x0d, 0xd0].repeat((kind.length() - 32) / 3);
        key.extend([0xff; 32]);
        assert_eq!(public_key::validate(kind, &key), Ok(()));
        let last = kind.length() - 32 - 3;
        for (at, byte) in [(0, 0x01), (1, 0x1d), (2, 0xff), (last, 0x01), (last + 2, 0xd1)] {
            let mut bad = key.clone();
            bad[at] = byte;
            assert_eq!(public_key::validate(kind, &bad), Err(BadPoint::Coefficient), "{kind} {at}");
        }
    }
    for kind in KeyType::ALL.into_iter().filter(|kind| kind.is_asymmetric()) {
        for found in [kind.length() - 1, kind.length() + 1] {
            let refusal = public_key::validate(kind, &vec![2; found]);
            assert_eq!(refusal, Err(BadPoint::Length { expected: kind.length(), found }), "{kind}");
        }
    }
}
