//! Mailboxes.

use super::{System, exactly, misunderstood, public};
use crate::mailbox::{Letter, Mailbox, MailboxKey};
use crate::protocol::{Answer, Operation, SecretBytes, TokenFault};
use crate::vault::count;

impl System {
    /// Sees to it that the token has the key that wraps mailboxes; needed once before the others.
    /// Answers whether it was made now.
    ///
    /// # Errors
    /// [`TokenFault::OutcomeUnknown`] where it may have been made: do it again.
    pub async fn prepare_mailboxes(&self) -> Result<bool, TokenFault> {
        count(&self.mailbox(Mailbox::Ready).await?).map(|made| made > 0)
    }

    /// Makes an RSA pair with `bits` and the exponent 65537, of which nothing stays in the token.
    ///
    /// # Errors
    /// [`TokenFault::Unsupported`] where the token has no RSA or does not wrap it.
    pub async fn make_mailbox(&self, bits: u16) -> Result<MailboxKey, TokenFault> {
        match self.mailbox(Mailbox::Make { bits }).await? {
            Answer::Mailbox(key) => Ok(key),
            _ => Err(misunderstood()),
        }
    }

    /// A name, of the token's random generator.
    ///
    /// # Errors
    /// See [`System`].
    pub async fn name_mailbox(&self) -> Result<[u8; 16], TokenFault> {
        exactly(public(self.mailbox(Mailbox::Name).await?)?)
    }

    /// What is in each of `letters`: random bytes where one is not as it must be, so that nobody
    /// learns which.
    ///
    /// # Errors
    /// [`TokenFault::Unsealable`] for a key that this token did not wrap.
    pub async fn open_letters(
        &self,
        key: MailboxKey,
        letters: Vec<Letter>,
    ) -> Result<Vec<SecretBytes>, TokenFault> {
        let asked = letters.len();
        match self.mailbox(Mailbox::Open { key, letters }).await? {
            Answer::Letters(found) if found.len() == asked => Ok(found),
            _ => Err(misunderstood()),
        }
    }

    async fn mailbox(&self, what: Mailbox) -> Result<Answer, TokenFault> {
        self.line.ask(Operation::Mailbox(what)).await
    }
}
