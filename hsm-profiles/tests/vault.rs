//! The vault and its supervisor, against workers that misbehave.

#![expect(clippy::panic, reason = "a test that meets a surprise has to fail")]

mod fake;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use fake::{agree, caller, open, permit, point, reply, until};
use hsm_profiles::transport::in_process::Executor;
use hsm_profiles::transport::{Health, Limits};
use hsm_profiles::{Answer, Creation, KeyType, Operation, TokenFault, Usage, Vault};
use policies::{CreateKey, DeleteKey, Kid};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_gets_the_answer_to_his_own_question() {
    let (vault, _system, _) = open(Limits::default(), |_, mut wire| {
        wire.greet();
        for _ in 0..4 {
            let mut taken: Vec<_> = (0..16).map(|_| wire.next().unwrap()).collect();
            taken.reverse();
            for (id, operation) in taken {
                wire.answer(id, &reply(operation));
            }
        }
    })
    .await;
    let mut tasks = JoinSet::new();
    for number in 0..64 {
        let vault = vault.clone();
        tasks.spawn(async move { (number, agree(&vault, number).await) });
    }
    for (asked, answered) in tasks.join_all().await {
        assert_eq!(answered, Ok(asked));
    }
}

#[tokio::test]
async fn what_waits_goes_out_in_one_write() {
    let (told, reads) = mpsc::channel();
    let (vault, _system, _) = open(Limits::default(), move |_, mut wire| {
        wire.greet();
        for _ in 0..64 {
            let (id, operation) = wire.next().unwrap();
            wire.answer(id, &reply(operation));
        }
        told.send(wire.reads).unwrap();
        wire.next();
    })
    .await;
    let mut tasks = JoinSet::new();
    for number in 0..64 {
        let vault = vault.clone();
        tasks.spawn(async move { agree(&vault, number).await.unwrap() });
    }
    tasks.join_all().await;
    assert_eq!(reads.recv().unwrap(), 1, "64 requests that were there at once");
}

#[tokio::test]
async fn every_operation_of_both_handles_works() {
    let (vault, system, _) = open(Limits::default(), |_, wire| wire.serve()).await;
    let leave = caller("keymgmt:gen").may(CreateKey).unwrap();
    let (creation, usage) = (Creation([1; 16]), Usage { agree: true, sign: false });
    let kid = Kid::from_bytes([1; 16]);
    let pair = vault.generate_pair(&leave, creation, KeyType::Secp256r1, usage).await;
    assert_eq!(pair.unwrap(), [2; 33]);
    vault.generate_secret(&leave, creation, KeyType::Aes256, kid).await.unwrap();
    let delete = caller("keymgmt:del").may(DeleteKey(kid)).unwrap();
    assert_eq!(vault.destroy(delete).await, Ok(1));
    assert_eq!(system.status().await, Ok(fake::status()));
    assert_eq!(system.provision().await, Ok(fake::status()));
    assert_eq!(system.mac(b"record").await, Ok([3; 32]));
    assert_eq!(system.sign_log([1; 32], b"root").await, Ok([4; 64]));
    assert_eq!(system.list().await, Ok(vec![]));
    assert_eq!(system.destroy_creation(creation).await, Ok(1));
    assert_eq!(system.destroy_kid(kid).await, Ok(1));
    let writer = std::thread::spawn(move || system.sign_log_blocking([1; 32], b"root"));
    while !writer.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(writer.join().unwrap(), Ok([4; 64]));
}

#[tokio::test]
async fn a_key_and_a_peer_of_two_types_never_reach_the_worker() {
    let (vault, _system, _) = open(Limits::default(), |_, mut wire| {
        wire.greet();
        assert!(wire.next().is_none(), "nothing is asked");
    })
    .await;
    let refused = vault.agree(permit(), KeyType::Secp256r1, &point(1), None).await;
    assert!(matches!(refused, Err(TokenFault::Argument(_))), "{refused:?}");
}

#[tokio::test]
async fn an_answer_of_the_wrong_kind_is_not_taken_for_a_result() {
    let (vault, system, _) = open(Limits::default(), |_, mut wire| {
        wire.greet();
        while let Some((id, _)) = wire.next() {
            wire.answer(id, &Answer::Public(vec![1; 5]));
        }
    })
    .await;
    assert!(matches!(agree(&vault, 1).await, Err(TokenFault::Down(_))));
    assert!(matches!(system.mac(b"").await, Err(TokenFault::Down(_))));
}

#[tokio::test]
async fn a_full_queue_is_busy_at_once_and_slow_work_has_its_own() {
    let limits = Limits { queue: 2, slow_queue: 1, ..quick() };
    let (vault, system, _) = open(limits, |_, mut wire| {
        wire.greet();
        while let Some((id, operation)) = wire.next() {
            if operation.is_slow() {
                wire.answer(id, &reply(operation));
            }
        }
    })
    .await;
    let mut stuck = JoinSet::new();
    for number in 0..2 {
        let vault = vault.clone();
        stuck.spawn(async move { agree(&vault, number).await });
    }
    tokio::task::yield_now().await;
    assert_eq!(agree(&vault, 2).await, Err(TokenFault::Busy));
    assert_eq!(system.list().await, Ok(vec![]), "slow work does not stand in the same queue");
    assert!(stuck.join_all().await.iter().all(|end| *end == Err(TokenFault::Deadline)));
}

#[tokio::test]
async fn a_late_answer_is_a_missed_deadline_and_hurts_nobody_else() {
    let (vault, system, launches) = open(quick(), |_, mut wire| {
        wire.greet();
        let (late, operation) = wire.next().unwrap();
        std::thread::sleep(Duration::from_millis(750));
        wire.answer(late, &reply(operation));
        let (never, _) = wire.next().unwrap();
        std::thread::sleep(Duration::from_millis(750));
        wire.answer(never, &Answer::Count(1));
        wire.go_on();
    })
    .await;
    assert_eq!(agree(&vault, 1).await, Err(TokenFault::Deadline));
    let late = system.destroy_kid(Kid::from_bytes([1; 16])).await;
    assert_eq!(late, Err(TokenFault::OutcomeUnknown), "it may have been destroyed all the same");
    std::thread::sleep(Duration::from_millis(1000));
    assert_eq!(agree(&vault, 3).await, Ok(3));
    assert_eq!(launches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_skipped() {
    let (told, seen) = mpsc::channel();
    let limits = Limits { in_flight: 1, ..Limits::default() };
    let (vault, _system, _) = open(limits, move |_, mut wire| {
        wire.greet();
        while let Some((id, operation)) = wire.next() {
            std::thread::sleep(Duration::from_millis(1000));
            let Answer::Secret(secret) = reply(operation) else { unreachable!() };
            told.send(secret.expose()[0]).unwrap();
            wire.answer(id, &Answer::Secret(secret));
        }
    })
    .await;
    let first = tokio::spawn({
        let vault = vault.clone();
        async move { agree(&vault, 1).await }
    });
    tokio::task::yield_now().await;
    let gone = tokio::time::timeout(Duration::from_millis(20), agree(&vault, 2)).await;
    assert!(gone.is_err(), "the caller has hung up");
    assert_eq!(agree(&vault, 3).await, Ok(3));
    assert_eq!(first.await.unwrap(), Ok(1));
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [1, 3]);
}

#[tokio::test]
async fn the_worker_ends_with_the_last_handle() {
    let (told, end) = mpsc::channel();
    let (vault, system, _) = open(Limits::default(), move |_, mut wire| {
        wire.greet();
        told.send(wire.next().is_none()).unwrap();
    })
    .await;
    drop(vault);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(end.try_recv().is_err(), "one handle is left");
    drop(system);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(end.recv_timeout(Duration::from_secs(60)).unwrap());
}

#[tokio::test]
async fn requests_that_fill_the_socket_go_out_as_it_empties() {
    // Six megabytes take their time on a busy machine.
    let (deadline, hang) = (Duration::from_secs(60), Duration::from_secs(60));
    let limits = Limits { deadline, hang, ..Limits::default() };
    let (_vault, system, _) = open(limits, |_, mut wire| {
        wire.greet();
        std::thread::sleep(Duration::from_millis(50));
        while let Some((id, Operation::Mac { message })) = wire.next() {
            assert_eq!(message.len(), 300_000);
            wire.answer(id, &Answer::Public(message[..32].to_vec()));
        }
    })
    .await;
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let system = system.clone();
        tasks.spawn(async move { (number, system.mac(&vec![number; 300_000]).await) });
    }
    for (asked, answered) in tasks.join_all().await {
        assert_eq!(answered, Ok([asked; 32]));
    }
    let too_much = system.mac(&vec![0; 1 << 20]).await;
    assert!(matches!(too_much, Err(TokenFault::Argument(_))), "{too_much:?}");
}

#[tokio::test]
async fn threads_of_this_process_do_the_same() {
    let threads = 3;
    let together = Arc::new(Barrier::new(threads));
    let executors = (0..threads).map(|_| together_reply(&together)).collect();
    let (vault, system) = Vault::in_process(executors, Limits::default()).unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..6 {
        let vault = vault.clone();
        tasks.spawn(async move { (number, agree(&vault, number).await) });
    }
    for (asked, answered) in tasks.join_all().await {
        assert_eq!(answered, Ok(asked));
    }
    let mut health = vault.health();
    for _ in 0..threads {
        let broken = system.mac(b"boom").await;
        assert!(matches!(broken, Err(TokenFault::Down(_))), "{broken:?}");
    }
    until(&mut health, |health| matches!(health, Health::Down(_))).await;
    assert!(matches!(agree(&vault, 1).await, Err(TokenFault::Down(_))));
}

/// Agrees only when all threads are at it at the same time, and has a bug in its MAC.
fn together_reply(together: &Arc<Barrier>) -> Executor {
    let together = Arc::clone(together);
    Box::new(move |operation| match operation {
        Operation::Mac { .. } => panic!("a bug of a vendor"),
        Operation::Agree { .. } => {
            together.wait();
            reply(operation)
        }
        other => reply(other),
    })
}

/// Deadlines of 100 ms.
fn quick() -> Limits {
    let short = Duration::from_millis(500);
    Limits { deadline: short, slow_deadline: short, ..Limits::default() }
}
