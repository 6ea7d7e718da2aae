//! The count of messages that a key enciphers with GCM.

use hsm_profiles::KeyType;
use sqlx::Executor;

use super::super::KeyFault;
use super::{Bench, delete};
use crate::store::{nonce_text, trip};

const BLOCK: u64 = 1 << 16;
const LIMIT: u64 = 1 << 32;

#[tokio::test]
async fn messages_are_counted_in_blocks_that_are_written_down_first() {
    let bench = Bench::new().await;
    let kid = bench.create(KeyType::Aes256).await;
    let reserved = async |bench: &Bench| bench.store.nonces(kid).await.unwrap().map(|(n, _)| n);
    assert_eq!(reserved(&bench).await, None);
    for _ in 0..BLOCK {
        bench.keyring.0.spend_nonce(kid).await.unwrap();
    }
    assert_eq!(reserved(&bench).await, Some(BLOCK));
    bench.keyring.0.spend_nonce(kid).await.unwrap();
    assert_eq!(reserved(&bench).await, Some(2 * BLOCK));
    // What was left of the block is lost with the process.
    let bench = bench.restart().await;
    bench.keyring.0.spend_nonce(kid).await.unwrap();
    assert_eq!(reserved(&bench).await, Some(3 * BLOCK));
    bench.keyring.delete(delete(kid)).await.unwrap();
    assert_eq!(reserved(&bench).await, None);
}

#[tokio::test]
async fn a_key_that_has_had_its_messages_enciphers_no_more() {
    let bench = Bench::new().await;
    let kid = bench.create(KeyType::Aes128).await;
    let almost = LIMIT - 1;
    let tag = bench.keyring.0.token.mac(&nonce_text(kid, almost)).await.unwrap();
    bench.store.reserve_nonces(kid, almost, &tag).await.unwrap();
    for _ in 0..2 {
        let spent = bench.keyring.0.spend_nonce(kid).await;
        assert!(spent.is_ok() || matches!(spent, Err(KeyFault::Unsuitable(_))), "{spent:?}");
    }
    let bench = bench.restart().await;
    let refused = bench.keyring.0.spend_nonce(kid).await;
    assert!(matches!(refused, Err(KeyFault::Unsuitable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_count_that_was_edited_is_not_believed() {
    for edit in [
        "UPDATE nonces SET reserved = 0",
        "UPDATE nonces SET reserved = -1",
        "UPDATE nonces SET mac = x''",
    ] {
        let bench = Bench::new().await;
        let kid = bench.create(KeyType::Aes128).await;
        bench.keyring.0.spend_nonce(kid).await.unwrap();
        let bench = bench.restart().await;
        bench.store.raw().execute(edit).await.unwrap();
        let refused = bench.keyring.0.spend_nonce(kid).await;
        assert!(matches!(refused, Err(KeyFault::Damaged)), "{edit}: {refused:?}");
    }
}

#[tokio::test]
async fn no_key_waits_for_the_block_of_another() {
    let bench = Bench::new().await;
    let (slow, other) = (bench.create(KeyType::Aes256).await, bench.create(KeyType::Aes256).await);
    bench.keyring.0.spend_nonce(other).await.unwrap();
    bench.store.trip.set(0, trip::Mishap::Stop);
    let mut stuck = Box::pin(bench.keyring.0.spend_nonce(slow));
    let long = std::time::Duration::from_millis(200);
    assert!(tokio::time::timeout(long, &mut stuck).await.is_err(), "its block is being written");
    let patience = std::time::Duration::from_secs(20);
    let spent = tokio::time::timeout(patience, bench.keyring.0.spend_nonce(other)).await;
    spent.expect("it waits for the other key").unwrap();
}
