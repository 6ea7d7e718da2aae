//! Whatever was changed is owed an entry from the very transaction of the change on, wherever the
//! process stops.

use hsm_profiles::KeyType;
use policies::{ImportKey, Kid, PairAuthenticator, UpdateKey};
use sqlx::Executor;

use super::super::NewAuthenticator;
use super::{Bench, delete, leave, new, public};
use crate::store::{Fact, trip};

/// What the next start is told.
async fn told(bench: Bench) -> (Bench, Vec<(Fact, Option<Kid>)>) {
    let bench = bench.restart().await;
    let told = bench.recovery.owed.iter().map(|owed| (owed.fact, owed.kid)).collect();
    (bench, told)
}

#[tokio::test]
async fn every_kind_of_change_is_owed_until_it_is_struck_off() {
    let bench = Bench::new().await;
    let made = bench.create(KeyType::Secp256r1).await;
    let sealed = bench.keyring.create(leave(policies::CreateKey), new(KeyType::MlKem768)).await;
    let imported = bench.import(1).await;
    let pid = [1; 32];
    let paired = NewAuthenticator { label: "phone".into(), pid, public: [9; 32] };
    let paired = bench.keyring.pair(leave(PairAuthenticator), paired).await.unwrap();
    let update = leave(UpdateKey(imported));
    bench.keyring.update(update, "another".into(), Vec::new()).await.unwrap();
    bench.keyring.delete(delete(imported)).await.unwrap();
    bench.keyring.delete(delete(made)).await.unwrap();
    let (bench, found) = told(bench).await;
    for expected in [
        (Fact::Created, Some(made)),
        (Fact::Created, sealed.ok()),
        (Fact::Imported, Some(imported)),
        (Fact::Paired, Some(paired)),
        (Fact::Updated, Some(imported)),
        (Fact::Deleted, Some(imported)),
        (Fact::Deleted, Some(made)),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert_eq!(found.len(), 7);
    let ids: Vec<_> = bench.recovery.owed.iter().map(|owed| owed.id).collect();
    bench.store.strike(&ids).await.unwrap();
    assert_eq!(told(bench).await.1, []);
}

#[tokio::test]
async fn a_change_is_owed_exactly_when_it_happened() {
    use trip::Mishap::{Fail, FailAfter, Stop, StopAfter};
    for mishap in [Fail, FailAfter, Stop, StopAfter] {
        let bench = Bench::new().await;
        bench.store.trip.set(0, mishap);
        let import = bench.keyring.import(leave(ImportKey), public(KeyType::Ed25519, 1));
        let limit = std::time::Duration::from_millis(150);
        let answer = tokio::time::timeout(limit, import).await;
        assert!(!matches!(answer, Ok(Ok(_))), "{mishap:?}");
        let (bench, found) = told(bench).await;
        let happened = matches!(mishap, FailAfter | StopAfter);
        assert_eq!(bench.listed().len(), usize::from(happened), "{mishap:?}");
        assert_eq!(found.len(), usize::from(happened), "{mishap:?}: {found:?}");
    }
}

#[tokio::test]
async fn what_happened_though_its_write_failed_is_told_while_the_daemon_runs() {
    let mut bench = Bench::new().await;
    bench.store.trip.set(0, trip::Mishap::FailAfter);
    bench.keyring.import(leave(ImportKey), public(KeyType::Ed25519, 1)).await.unwrap_err();
    let limit = std::time::Duration::from_secs(20);
    let later = tokio::time::timeout(limit, bench.recovery.later.recv()).await;
    assert_eq!(later.unwrap().unwrap().fact, Fact::Imported);
    assert_eq!(bench.listed().len(), 1);
}

#[tokio::test]
async fn an_edited_note_is_not_entered() {
    let bench = Bench::new().await;
    bench.create(KeyType::Secp256r1).await;
    bench.store.raw().execute("UPDATE owed SET fact = 'deleted'").await.unwrap();
    let bench = bench.restart().await;
    assert_eq!((bench.recovery.owed.len(), bench.recovery.forged_intents), (0, 1));
}
