//! What a failure at each step of creation and deletion leaves behind: nothing.

use std::time::Duration;

use hsm_profiles::{KeyType, TokenFault};
use policies::{CreateKey, Kid, Subject};

use super::super::KeyFault;
use super::super::token::faulty;
use super::{Bench, delete, leave, new};
use crate::store::{Fact, trip};

/// A step of the operation and what befalls it.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// The n-th write of the state file, counted from 0: the intent, then the record.
    Write(usize, trip::Mishap),
    /// The token.
    Token(faulty::Mishap),
}

impl Fate {
    fn all() -> Vec<Self> {
        use faulty::Mishap::{
            Busy, RefusedAfter, StopAfter, StopBefore, UnknownAfter, UnknownBefore,
        };
        use trip::Mishap as Write;
        let writes = [Write::Fail, Write::FailAfter, Write::Stop, Write::StopAfter];
        let token = [Busy, RefusedAfter, UnknownBefore, UnknownAfter, StopBefore, StopAfter];
        let first = writes.map(|mishap| Self::Write(0, mishap));
        let second = writes.map(|mishap| Self::Write(1, mishap));
        [first.as_slice(), &token.map(Self::Token), &second].concat()
    }

    fn befall(self, bench: &Bench) {
        match self {
            Self::Write(step, mishap) => bench.store.trip.set(step, mishap),
            Self::Token(mishap) => bench.token.suffer(mishap),
        }
    }

    /// Whether the process stops, so that nothing is answered.
    fn stops(self) -> bool {
        use faulty::Mishap::{StopAfter, StopBefore};
        matches!(
            self,
            Self::Write(_, trip::Mishap::Stop | trip::Mishap::StopAfter)
                | Self::Token(StopBefore | StopAfter)
        )
    }
}

/// Runs the operation to its answer, or to where the process stops.
async fn run<T>(
    bench: &Bench,
    fate: Fate,
    operation: impl Future<Output = Result<T, KeyFault>>,
) -> Option<Result<T, KeyFault>> {
    let mut operation = Box::pin(operation);
    let limit = if fate.stops() { Duration::from_millis(150) } else { Duration::from_secs(20) };
    let answer = tokio::time::timeout(limit, &mut operation).await.ok();
    assert_eq!(answer.is_none(), fate.stops(), "{fate:?}");
    // A stopped process does nothing more, and so must not tidy up either.
    if fate.stops() {
        bench.token.freeze();
    }
    answer
}

/// Waits until nothing is left to do in the background.
async fn settled(bench: &Bench) {
    for _ in 0..3_000 {
        if bench.intents().await == 0 && bench.listed().len() == bench.token.kids().len() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn create_under(fate: Fate, kind: KeyType) -> (Bench, Kid, bool) {
    let bench = Bench::new().await;
    let old = bench.create(KeyType::Curve25519).await;
    fate.befall(&bench);
    let answer = run(&bench, fate, bench.keyring.create(leave(CreateKey), new(kind))).await;
    assert!(!matches!(answer, Some(Ok(_))), "{fate:?}");
    (bench, old, fate.stops())
}

#[tokio::test]
async fn a_creation_that_breaks_off_leaves_nothing_after_a_restart() {
    for fate in Fate::all() {
        for kind in [KeyType::Secp256r1, KeyType::Aes256] {
            let (bench, old, _) = create_under(fate, kind).await;
            let bench = bench.restart().await;
            let case = format!("{fate:?} {kind}");
            bench.assert_whole(&case).await;
            // The commit is the second write: after it the key is there, whatever was answered.
            let committed =
                matches!(fate, Fate::Write(1, trip::Mishap::FailAfter | trip::Mishap::StopAfter));
            assert_eq!(bench.listed().len(), 1 + usize::from(committed), "{case}");
            assert!(bench.listed().contains(&old), "{case}");
            assert!(bench.recovery.damaged.is_empty() && bench.recovery.missing.is_empty());
        }
    }
}

#[tokio::test]
async fn a_creation_that_breaks_off_is_tidied_up_while_the_daemon_runs() {
    for fate in Fate::all() {
        let (bench, old, stops) = create_under(fate, KeyType::Secp256r1).await;
        if stops {
            continue;
        }
        settled(&bench).await;
        bench.assert_whole(&format!("{fate:?}")).await;
        assert!(bench.listed().contains(&old));
    }
}

async fn delete_under(fate: Fate) -> (Bench, Kid, Kid, bool) {
    let bench = Bench::new().await;
    let old = bench.create(KeyType::Curve25519).await;
    let doomed = bench.create(KeyType::Secp256r1).await;
    fate.befall(&bench);
    let answer = run(&bench, fate, bench.keyring.delete(delete(doomed))).await;
    assert!(!matches!(answer, Some(Ok(()))), "{fate:?}");
    (bench, old, doomed, fate.stops())
}

#[tokio::test]
async fn a_deletion_that_breaks_off_is_whole_after_a_restart() {
    for fate in Fate::all() {
        let (bench, old, doomed, _) = delete_under(fate).await;
        let bench = bench.restart().await;
        bench.assert_whole(&format!("{fate:?}")).await;
        // Without a durable intent it never began.
        let never_began = matches!(
            fate,
            Fate::Write(0, trip::Mishap::Fail | trip::Mishap::Stop)
                | Fate::Token(faulty::Mishap::Busy)
        );
        let left = if never_began { vec![old, doomed] } else { vec![old] };
        assert_eq!(bench.listed(), left, "{fate:?}");
    }
}

#[tokio::test]
async fn a_deletion_that_breaks_off_is_ended_while_the_daemon_runs() {
    for fate in Fate::all() {
        let (bench, old, _, stops) = delete_under(fate).await;
        if stops {
            continue;
        }
        settled(&bench).await;
        bench.assert_whole(&format!("{fate:?}")).await;
        assert!(bench.listed().contains(&old));
    }
}

#[tokio::test]
async fn a_deletion_that_was_refused_leaves_the_key_in_use() {
    let (bench, _, doomed, _) = delete_under(Fate::Token(faulty::Mishap::Busy)).await;
    assert!(bench.listed().contains(&doomed));
    bench.keyring.delete(delete(doomed)).await.unwrap();
    bench.assert_whole("second deletion").await;
}

#[tokio::test]
async fn the_next_start_says_what_it_recovered() {
    let (bench, ..) = create_under(Fate::Token(faulty::Mishap::StopAfter), KeyType::Aes128).await;
    let bench = bench.restart().await;
    let undone = bench.recovery.owed.last().unwrap();
    assert_eq!((undone.subject, undone.fact), (Subject::User, Fact::CreationUndone));

    let (bench, _, doomed, _) = delete_under(Fate::Token(faulty::Mishap::StopBefore)).await;
    let bench = bench.restart().await;
    let finished = bench.recovery.owed.last().unwrap();
    let found = (finished.subject, finished.fact, finished.kid);
    assert_eq!(found, (Subject::User, Fact::DeletionFinished, Some(doomed)));
}

#[tokio::test]
async fn what_is_recovered_later_is_told() {
    let (mut bench, ..) =
        create_under(Fate::Token(faulty::Mishap::UnknownAfter), KeyType::Secp256r1).await;
    let later = tokio::time::timeout(Duration::from_secs(20), bench.recovery.later.recv()).await;
    assert_eq!(later.unwrap().unwrap().fact, Fact::CreationUndone);
    bench.assert_whole("later").await;
}

#[tokio::test]
async fn a_request_that_is_cancelled_leaves_nothing() {
    let bench = Bench::new().await;
    bench.token.suffer(faulty::Mishap::StopAfter);
    let creation = bench.keyring.create(leave(CreateKey), new(KeyType::Secp256r1));
    let cut = tokio::time::timeout(Duration::from_millis(100), creation).await;
    assert!(cut.is_err());
    settled(&bench).await;
    bench.assert_whole("cancelled").await;
    assert_eq!(bench.listed(), []);
}

#[tokio::test]
async fn a_recovery_that_breaks_off_is_done_again() {
    let (bench, ..) = delete_under(Fate::Token(faulty::Mishap::StopBefore)).await;
    bench.token.freeze();
    let next = std::sync::Arc::new(bench.token.restarted());
    next.suffer(faulty::Mishap::UnknownAfter);
    bench.store.close().await;
    let store = crate::store::Store::open(&super::path(&bench.directory)).await.unwrap();
    let opened = super::Keyring::open_with(store.clone(), next.clone(), super::ticking).await;
    assert!(matches!(
        opened.err(),
        Some(super::super::OpenError::Token(TokenFault::OutcomeUnknown))
    ));
    store.close().await;
    let bench = Bench::open(bench.directory, next.restarted()).await;
    bench.assert_whole("second recovery").await;
    assert_eq!(bench.listed().len(), 1);
}
