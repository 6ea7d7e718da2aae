//! Agreements by pairs that live for one of them.

use std::collections::HashSet;
use std::path::Path;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U256, U2048, U3072, Uint};
use hsm_profiles::{Answer, ForeignElement, Group, KeyType, Operation, StoreKind, TokenFault};

use crate::client::{Worker, tell};
use crate::software::Peer;

/// In each group that the token has, against software; nothing stays.
pub(crate) fn all(pin_file: &Path) {
    let (mut worker, status) = Worker::ready(pin_file);
    println!("groups: {:?}", status.groups);
    match crate::profile().store {
        StoreKind::Softhsm2 => assert_eq!(status.groups, Group::ALL),
        _ => assert!(status.groups.starts_with(&[Group::P256, Group::P384])),
    }
    let objects = |worker: &mut Worker| match worker.ask(&Operation::List) {
        Answer::Objects(objects) => objects,
        other => panic!("{}", tell(&other)),
    };
    let before = objects(&mut worker);
    for group in &status.groups {
        // One secret in 256 starts with a zero, which some tokens leave out.
        let rounds = if *group == Group::Modp2048 { 400 } else { 8 };
        let mut seen = HashSet::new();
        for round in 0..rounds {
            let one = Counterpart::new(*group, round);
            let peer = ForeignElement::parse(*group, &one.public()).unwrap().bytes().to_vec();
            let ask = Operation::AgreeOnce { group: *group, peer };
            let (public, secret) = match worker.ask(&ask) {
                Answer::AgreedOnce { public, secret } => (public, secret.expose().to_vec()),
                other => panic!("{group:?} {round}: {}", tell(&other)),
            };
            assert_eq!(secret.len(), group.secret_length());
            assert_eq!(secret, one.secret(&public), "{group:?} {round}");
            assert!(seen.insert(public), "{group:?}: the pair of {round} is not new");
        }
    }
    assert_eq!(objects(&mut worker), before);
    let bad = Operation::AgreeOnce { group: Group::P256, peer: vec![4; 64] };
    assert!(matches!(worker.fault(&bad), TokenFault::Argument(_)));
    assert_eq!(worker.hang_up(), Some(0));
}

enum Counterpart {
    Curve(Peer),
    Number2048(U256),
    Number3072(U256),
}

impl Counterpart {
    fn new(group: Group, round: u64) -> Self {
        let exponent = U256::MAX.wrapping_sub(&U256::from_u64(1000 + round));
        match group {
            Group::P256 => Self::Curve(Peer::new(KeyType::Secp256r1)),
            Group::P384 => Self::Curve(Peer::new(KeyType::Secp384r1)),
            Group::Modp2048 => Self::Number2048(exponent),
            Group::Modp3072 => Self::Number3072(exponent),
        }
    }

    fn public(&self) -> Vec<u8> {
        match self {
            Self::Curve(peer) => peer.public(),
            Self::Number2048(x) => power(&U2048::from_u8(2), x, Group::Modp2048),
            Self::Number3072(x) => power(&U3072::from_u8(2), x, Group::Modp3072),
        }
    }

    fn secret(&self, theirs: &[u8]) -> Vec<u8> {
        match self {
            Self::Curve(peer) => peer.secret(theirs),
            Self::Number2048(x) => power(&U2048::from_be_slice(theirs), x, Group::Modp2048),
            Self::Number3072(x) => power(&U3072::from_be_slice(theirs), x, Group::Modp3072),
        }
    }
}

fn power<const LIMBS: usize>(base: &Uint<LIMBS>, exponent: &U256, group: Group) -> Vec<u8> {
    let prime = Uint::<LIMBS>::from_be_slice(&group.prime().unwrap());
    let parameters = FixedMontyParams::new_vartime(Odd::new(prime).unwrap());
    let form = FixedMontyForm::new(base, &parameters).pow(exponent);
    form.retrieve().to_be_bytes().as_ref().to_vec()
}
