//! The self-test: what the token computes is right, and what it calls random looks random.

use super::randomness::{SAMPLE, flaw};
use super::token::Seat;
use crate::pkcs11::{self, Failure};
use crate::protocol::SelfTest;

impl Seat {
    /// Tries known answers and the generator. What the token does not do at all is a failure, what
    /// it does wrong a result.
    pub(super) fn self_test(&self) -> Result<SelfTest, Failure> {
        let known_answers = match pkcs11::known_answers(&self.session, &self.system_keys()?) {
            Ok(()) => true,
            Err(Failure::Wrong(why)) => {
                tracing::error!("self-test, known answers: {why}");
                false
            }
            Err(other) => return Err(other),
        };
        Ok(SelfTest { known_answers, randomness: self.is_random()? || self.is_random()? })
    }

    fn is_random(&self) -> Result<bool, Failure> {
        let mut sample = [0; SAMPLE];
        match pkcs11::fill_random(&self.session, &mut sample) {
            Ok(()) => {}
            // Zeros for want of anything else: that is what is looked for here, and no fault that
            // ends the test.
            Err(Failure::Wrong(why)) => {
                tracing::warn!("self-test, random generator: {why}");
                return Ok(false);
            }
            Err(other) => return Err(other),
        }
        let found = flaw(&sample);
        if let Some(test) = found {
            tracing::warn!("self-test, random generator: a sample fails the {test} test");
        }
        Ok(found.is_none())
    }
}
