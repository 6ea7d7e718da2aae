//! What the worker does with a sealed key, for types that the token lacks: the token opens the
//! seed, the worker computes. It is done without the daemon and the way to it.

use hsm_profiles::{
    Answer, Creation, Held, Key, KeyType, NewSealed, Operation, Outcome, Profile, Scheme, Seat,
    SecretBytes, Statement, Task, Token, TokenOptions, Usage,
};
use policies::Kid;
use secrecy::SecretString;
use tests::make::Make;

use super::{LABEL, Order, Work};
use crate::deed::Deed;
use crate::trouble::Trouble;

/// Opens the token, makes the keys, and gives each thread its work.
pub(super) fn open(order: &Order) -> Result<Vec<Work>, Trouble> {
    let options = TokenOptions {
        profile: Profile::load(Make::current().profile)?,
        module: Some(order.module.clone()),
        label: LABEL.to_owned(),
        sessions: Some(order.sessions),
    };
    let token = Token::open(options, SecretString::from(order.pin.as_str()))?;
    let mut seat = token.seat()?;
    done(seat.perform(&Operation::Provision))?;
    for number in 1..order.keys {
        let creation = Creation(u128::try_from(number)?.to_be_bytes());
        let (kind, usage) = (KeyType::Secp256r1, Usage { agree: true, sign: false });
        done(seat.perform(&Operation::GeneratePair { creation, kind, usage }))?;
    }
    let (key, public) = make_key(&mut seat, order.deed)?;
    let ciphertext = match order.deed {
        Deed::Decapsulate => encapsulate(&mut seat, &key, public)?,
        _ => Vec::new(),
    };
    let work = |_| -> Result<Work, Trouble> {
        let mut seat = token.seat()?;
        let task = task(order.deed, ciphertext.clone())?;
        let operation = Operation::Employ { key: key.clone(), counterpart: None, task };
        Ok(Box::new(move || done(seat.perform(&operation)).map(drop)))
    };
    (0..order.sessions).map(work).collect()
}

fn make_key(seat: &mut Seat, deed: Deed) -> Result<(Key, Vec<u8>), Trouble> {
    let kind = deed.kind();
    let made = Operation::GenerateSealed { kind, kid: Kid::from_bytes([7; 16]) };
    match done(seat.perform(&made))? {
        Answer::Sealed(NewSealed { public: Some(public), blob }) => {
            let kid = Kid::of_public_key(&public);
            Ok((Key { kid, kind, held: Held::Sealed(blob) }, public))
        }
        _ => Err("the worker made no sealed pair".into()),
    }
}

fn encapsulate(seat: &mut Seat, key: &Key, public: Vec<u8>) -> Result<Vec<u8>, Trouble> {
    let task = Task::Encapsulate { public };
    let operation = Operation::Employ { key: key.clone(), counterpart: None, task };
    match done(seat.perform(&operation))? {
        Answer::Done(Outcome::Encapsulated { ciphertext, .. }) => Ok(ciphertext),
        _ => Err("the worker gave no ciphertext".into()),
    }
}

fn task(deed: Deed, ciphertext: Vec<u8>) -> Result<Task, Trouble> {
    let (message, context) = (SecretBytes::new(deed.message()), Vec::new());
    match deed {
        Deed::Ed25519 => Ok(Task::Sign { scheme: Scheme::Ed25519, message, context }),
        Deed::Decapsulate => Ok(Task::Decapsulate { ciphertext }),
        Deed::MlDsa => Ok(Task::SignMlDsa(Statement { message, context })),
        Deed::Agree | Deed::Hmac | Deed::Ecdsa | Deed::Encrypt => {
            Err(format!("{} is for the token itself", deed.title()).into())
        }
    }
}

fn done(answer: Answer) -> Result<Answer, Trouble> {
    match answer {
        Answer::Failed(fault) => Err(format!("the worker failed: {fault}").into()),
        answer => Ok(answer),
    }
}
