//! Mailboxes: their pairs made and wrapped, and letters opened.

use zeroize::Zeroizing;

use super::token::Seat;
use crate::mailbox::{Letter, Mailbox, MailboxKey};
use crate::pkcs11::{self, Failure, ObjectHandle};
use crate::protocol::{Answer, SecretBytes};
use crate::sealed;

impl Seat {
    /// Does one of them.
    pub(super) fn mailbox(&self, what: &Mailbox) -> Result<Answer, Failure> {
        match what {
            Mailbox::Ready => {
                let mut keys = self.system_keys()?;
                let made = pkcs11::find_wrapping(&self.session)?.is_none();
                keys.wrapping = Some(pkcs11::provide_wrapping(&self.session)?);
                self.token.set_system(Some(keys));
                Ok(Answer::Count(made.into()))
            }
            Mailbox::Make { bits } => {
                let key = pkcs11::make_mailbox(&self.session, self.wrapping()?, *bits)?;
                Ok(Answer::Mailbox(key))
            }
            Mailbox::Name => {
                pkcs11::random_block(&self.session).map(|name| Answer::Public(name.to_vec()))
            }
            Mailbox::Open { key, letters } => self.open_letters(key, letters).map(Answer::Letters),
        }
    }

    fn open_letters(
        &self,
        key: &MailboxKey,
        letters: &[Letter],
    ) -> Result<Vec<SecretBytes>, Failure> {
        let opened = pkcs11::open_mailbox(&self.session, self.wrapping()?, key)?;
        letters
            .iter()
            .map(|letter| {
                let mut random = Zeroizing::new([0; 32]);
                pkcs11::fill_random(&self.session, random.as_mut_slice())?;
                let stand_in = SecretBytes::new(random.to_vec());
                sealed::with_locked(opened.length(), |room| {
                    match opened.decrypt(letter.block(), room)? {
                        true => Ok(letter.unpad(room, &stand_in)),
                        false => Ok(stand_in),
                    }
                })
            })
            .collect()
    }

    fn wrapping(&self) -> Result<ObjectHandle, Failure> {
        self.system_keys()?.wrapping.ok_or(Failure::Unsealable)
    }
}
