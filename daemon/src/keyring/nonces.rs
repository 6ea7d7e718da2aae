//! How often a key enciphers with AES-GCM. Nonces are random, so that a key is good for 2^32 messages
//! and no more (SP 800-38D, section 8.3).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use policies::Kid;
use tokio::sync::Mutex;

use super::{KeyFault, Keys};
use crate::store::{holds, nonce_text};

/// What the keys have left. They get their messages in blocks, each written down before its first
/// one: a crash loses what is left of a block, and never lets a message go uncounted.
#[derive(Default)]
pub(super) struct Nonces(std::sync::Mutex<HashMap<Kid, Count>>);

/// What one key has left; `None` until somebody has looked. Held while its next block is written down,
/// which other keys don't wait for.
type Count = Arc<Mutex<Option<Block>>>;

impl Nonces {
    fn of(&self, kid: Kid) -> Count {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counts.entry(kid).or_default())
    }
}

#[derive(Clone, Copy)]
struct Block {
    spent: u64,
    end: u64,
}

impl Keys {
    /// Counts one message of `kid`, whether it is enciphered with the key itself or with what it
    /// agrees on: that may be the same each time.
    ///
    /// # Errors
    /// [`KeyFault::Unsuitable`] where the key has had its 2^32, [`KeyFault::Damaged`] where the
    /// count was edited.
    pub(super) async fn spend_nonce(&self, kid: Kid) -> Result<(), KeyFault> {
        let count = self.nonces.of(kid);
        let mut count = count.lock().await;
        let block = match *count {
            Some(block) if block.spent < block.end => block,
            Some(Block { end, .. }) => self.next_block(kid, end).await?,
            None => self.next_block(kid, self.written_down(kid).await?).await?,
        };
        *count = Some(Block { spent: block.spent.saturating_add(1), ..block });
        Ok(())
    }

    async fn next_block(&self, kid: Kid, spent: u64) -> Result<Block, KeyFault> {
        if spent >= LIMIT {
            return Err(KeyFault::Unsuitable(
                "this key has enciphered as many messages with GCM as one key may (2^32): it still \
                 deciphers; make another key for new messages",
            ));
        }
        let end = spent.saturating_add(BLOCK);
        let tag = self.token.mac(&nonce_text(kid, end)).await?;
        self.store.reserve_nonces(kid, end, &tag).await?;
        Ok(Block { spent, end })
    }

    async fn written_down(&self, kid: Kid) -> Result<u64, KeyFault> {
        let Some((reserved, tag)) = self.store.nonces(kid).await? else { return Ok(0) };
        match holds(&*self.token, &nonce_text(kid, reserved), &tag).await? {
            true => Ok(reserved),
            false => Err(KeyFault::Damaged),
        }
    }
}

const BLOCK: u64 = 1 << 16;
const LIMIT: u64 = 1 << 32;
