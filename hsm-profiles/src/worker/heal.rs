//! What is done about failures: mend what can be mended, try once more, and then say whose fault
//! it is.

use super::token::Seat;
use super::{EXIT_DOWN, EXIT_PIN};
use crate::pkcs11::{self, Failure, TokenSession};
use crate::profile::ErrorClass;
use crate::protocol::{Answer, Operation, TokenFault};
use crate::task::{Held, Key};

impl Seat {
    /// Does `operation`, with the remedies that there are. A token that is gone ends the worker:
    /// everything is then answered [`TokenFault::Down`].
    pub fn perform(&mut self, operation: &Operation) -> Answer {
        if let Some(code) = self.token.ending() {
            return Answer::Failed(farewell(code));
        }
        let outcome = match self.attempt(operation) {
            Ok(answer) => Ok(answer),
            Err(failure) => match self.mend(operation, &failure) {
                Ok(true) => self.again(operation),
                Ok(false) => Err(failure),
                Err(another) => return Answer::Failed(self.beyond_mending(&another)),
            },
        };
        if self.session.is_spoiled() && self.reopen().is_err() {
            // The next operation finds out, and says so.
            tracing::warn!("the token gives no fresh session now");
        }
        match outcome {
            Ok(answer) => answer,
            Err(failure) => Answer::Failed(self.verdict(operation, &failure)),
        }
    }

    /// Tries once more, now that something was mended.
    fn again(&mut self, operation: &Operation) -> Result<Answer, Failure> {
        // By the label alone: a token may have named the key and say that it has not.
        if let Operation::GeneratePair { creation, .. }
        | Operation::GenerateSecret { creation, .. } = operation
        {
            pkcs11::destroy_labelled(&self.session, &creation.label())?;
        }
        self.attempt(operation)
    }

    /// Mends what `failure` shows to be broken. Answers whether it is worth trying again.
    fn mend(&mut self, operation: &Operation, failure: &Failure) -> Result<bool, Failure> {
        let class = self.token.module.classes.judge(failure);
        match class {
            ErrorClass::Argument | ErrorClass::DeviceGone | ErrorClass::PinRefused => {
                return Ok(false);
            }
            // An operation may have been left active in it.
            _ => self.reopen()?,
        }
        let logged_in = self.token.log_in_again(&self.session)?;
        match class {
            ErrorClass::SessionGone | ErrorClass::NotLoggedIn => Ok(true),
            ErrorClass::HandleInvalid => self.look_again(operation, failure, logged_in),
            // Nobody knows what it means, but a token that is there may do it at the second attempt.
            // SoftHSM fails now and then to make a key while others search.
            ErrorClass::Unclear => Ok(logged_in || self.canary_sings()),
            _ => Ok(logged_in),
        }
    }

    /// A handle that is void, or a key that was not found.
    fn look_again(
        &mut self,
        operation: &Operation,
        failure: &Failure,
        logged_in: bool,
    ) -> Result<bool, Failure> {
        match operation {
            Operation::Agree { kid, .. }
            | Operation::Employ { key: Key { kid, held: Held::Resident, .. }, .. } => {
                self.token.forget(kid);
                Ok(logged_in || !matches!(failure, Failure::NotFound))
            }
            // The void handle may be that of the key, or that of the KEK.
            Operation::Derive { key: Key { kid, held, .. }, .. } => {
                if matches!(held, Held::Resident) {
                    self.token.forget(kid);
                }
                let found = self.find_system_keys_again()?;
                Ok(found && (logged_in || !matches!(failure, Failure::NotFound)))
            }
            Operation::Employ { .. }
            | Operation::GenerateSealed { .. }
            | Operation::AgreeIdentity { .. }
            | Operation::Attest { .. }
            | Operation::Mac { .. }
            | Operation::Mailbox(_)
            | Operation::Sealed { .. }
            | Operation::SelfTest
            | Operation::SignLog { .. } => self.find_system_keys_again(),
            _ => Ok(true),
        }
    }

    /// Answers whether there are any.
    fn find_system_keys_again(&mut self) -> Result<bool, Failure> {
        let keys = pkcs11::find_system_keys(&self.session)?;
        self.token.set_system(keys.or_else(|| self.token.system()));
        Ok(keys.is_some())
    }

    /// Whose fault it is. Where the token is gone, the worker is told to end.
    fn verdict(&mut self, operation: &Operation, failure: &Failure) -> TokenFault {
        let text = failure.to_string();
        let is_ours = operation.own_key().is_some();
        let is_sealed = operation.opens_sealed();
        match failure {
            Failure::Unsealable => return TokenFault::Unsealable,
            Failure::Unsynced(_) => {
                tracing::error!("{text}: look at the disk's space and health");
                return TokenFault::OutcomeUnknown;
            }
            _ => {}
        }
        match self.token.module.classes.judge(failure) {
            ErrorClass::Argument => TokenFault::Argument(text),
            ErrorClass::Unsupported => TokenFault::Unsupported(text),
            ErrorClass::Exhausted => TokenFault::Down(text),
            ErrorClass::PinRefused => self.leave(EXIT_PIN, text),
            ErrorClass::HandleInvalid if self.canary_sings() => {
                if is_ours || is_sealed {
                    TokenFault::KeyMissing
                } else {
                    TokenFault::Down(text)
                }
            }
            ErrorClass::Unclear if self.canary_sings() => {
                if is_sealed {
                    // A tag that does not fit, which every token says in its own way.
                    TokenFault::Unsealable
                } else if self.has_lost_the_key(operation) {
                    TokenFault::KeyMissing
                } else if is_ours {
                    TokenFault::Argument(text)
                } else {
                    TokenFault::Down(text)
                }
            }
            ErrorClass::DeviceGone
            | ErrorClass::HandleInvalid
            | ErrorClass::NotLoggedIn
            | ErrorClass::SessionGone
            | ErrorClass::Unclear => self.leave(EXIT_DOWN, text),
        }
    }

    /// Whether the key of a caller that `operation` is about is gone: some tokens say no more of a
    /// handle without an object than that something is wrong.
    fn has_lost_the_key(&self, operation: &Operation) -> bool {
        let Some(kid) = operation.own_key() else { return false };
        let lost = matches!(pkcs11::is_there(&self.session, &kid), Ok(false));
        if lost {
            self.token.forget(&kid);
        }
        lost
    }

    /// What failed when something was to be mended, which is never the caller's fault.
    fn beyond_mending(&self, failure: &Failure) -> TokenFault {
        let text = failure.to_string();
        match self.token.module.classes.judge(failure) {
            ErrorClass::Exhausted => TokenFault::Down(text),
            ErrorClass::PinRefused => self.leave(EXIT_PIN, text),
            _ => self.leave(EXIT_DOWN, text),
        }
    }

    fn leave(&self, code: u8, text: String) -> TokenFault {
        if self.token.end_with(code) {
            tracing::error!("the token is gone: {text}");
        }
        if code == EXIT_PIN { TokenFault::PinRefused } else { TokenFault::Down(text) }
    }

    /// Whether the token is there with its keys. Before it is provisioned it has to answer, no
    /// more.
    fn canary_sings(&self) -> bool {
        match self.token.system() {
            Some(_) => pkcs11::canary_sings(&self.session),
            None => self.token.module.answers(),
        }
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        self.session = TokenSession::open(&self.token.module)?;
        Ok(())
    }
}

fn farewell(code: u8) -> TokenFault {
    if code == EXIT_PIN {
        TokenFault::PinRefused
    } else {
        TokenFault::Down("its worker is being replaced".into())
    }
}
