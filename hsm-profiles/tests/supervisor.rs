//! What happens when workers die, hang, babble, or never come up.

mod fake;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fake::{Wire, agree, open, reply, until, workers};
use hsm_profiles::transport::{Health, Limits};
use hsm_profiles::{Answer, Operation, TokenFault, Vault};
use policies::Kid;
use tokio::task::JoinSet;

/// A worker that dies as soon as it is asked something.
fn die_at_work(mut wire: Wire) {
    wire.greet();
    wire.next();
}

#[tokio::test]
async fn what_can_be_repeated_is_repeated_by_the_next_worker() {
    let (vault, system, launches) = open(Limits::default(), |number, mut wire| match number {
        1 => {
            wire.greet();
            (0..8).for_each(|_| drop(wire.next()));
        }
        _ => wire.serve(),
    })
    .await;
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let vault = vault.clone();
        tasks.spawn(async move { (number, agree(&vault, number).await) });
    }
    for (asked, answered) in tasks.join_all().await {
        assert_eq!(answered, Ok(asked));
    }
    assert_eq!(launches.load(Ordering::SeqCst), 2);
    assert_eq!(system.vitals().restarts(), 1);
    assert_eq!(*vault.health().borrow(), Health::Ready);
}

#[tokio::test]
async fn what_changes_the_token_is_not_repeated_unless_it_was_never_sent() {
    let limits = Limits { slow_in_flight: 1, ..Limits::default() };
    let (_vault, system, _) = open(limits, |number, wire| match number {
        1 => die_at_work(wire),
        _ => wire.serve(),
    })
    .await;
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let system = system.clone();
        tasks.spawn(async move { system.destroy_kid(Kid::from_bytes([1; 16])).await });
    }
    let mut ends = tasks.join_all().await;
    ends.sort_by_key(Result::is_ok);
    assert_eq!(ends, [Err(TokenFault::OutcomeUnknown), Ok(1), Ok(1)]);
}

#[tokio::test]
async fn an_operation_that_kills_workers_is_given_up() {
    let (vault, system, launches) = open(Limits::default(), |_, mut wire| {
        wire.greet();
        while let Some((id, operation)) = wire.next() {
            if matches!(operation, Operation::Mac { .. }) {
                return;
            }
            wire.answer(id, &reply(operation));
        }
    })
    .await;
    let poison = system.mac(b"poison").await;
    assert!(matches!(poison, Err(TokenFault::Down(_))), "{poison:?}");
    assert_eq!(agree(&vault, 1).await, Ok(1));
    assert_eq!(launches.load(Ordering::SeqCst), 3);
    assert_eq!(*vault.health().borrow(), Health::Ready);
}

#[tokio::test]
async fn a_worker_that_hangs_or_babbles_is_replaced() {
    let (deadline, hang) = (Duration::from_millis(800), Duration::from_millis(50));
    let limits = Limits { deadline, hang, ..Limits::default() };
    let (vault, system, _) = open(limits, |number, mut wire| {
        wire.greet();
        match number {
            1 => while wire.next().is_some() {},
            2 => {
                wire.next();
                wire.say(&[0xff; 64]);
                std::thread::sleep(Duration::from_secs(1));
            }
            3 => {
                let (id, _) = wire.next().unwrap();
                wire.answer(id + 1000, &Answer::Count(1));
                std::thread::sleep(Duration::from_secs(1));
            }
            _ => wire.go_on(),
        }
    })
    .await;
    assert_eq!(agree(&vault, 1).await, Err(TokenFault::Deadline));
    let begin = Instant::now();
    while system.vitals().restarts() == 0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "it hangs for good");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let babble = agree(&vault, 2).await;
    assert!(matches!(babble, Err(TokenFault::Down(_))), "two workers lost at it: {babble:?}");
    let mut health = vault.health();
    until(&mut health, |health| *health == Health::Ready).await;
    assert_eq!(system.vitals().restarts(), 3);
}

#[tokio::test]
async fn the_breaker_opens_when_no_worker_comes_up_and_closes_by_itself() {
    let (vault, system, launches) = open(Limits::default(), |number, mut wire| match number {
        1 => die_at_work(wire),
        2..=4 => wire.refuse(TokenFault::Down("no token in the slot".into())),
        _ => wire.serve(),
    })
    .await;
    let mut health = vault.health();
    let down = Err(TokenFault::Down("no token in the slot".into()));
    let first = Instant::now();
    assert_eq!(agree(&vault, 1).await, down, "there is no worker to repeat it");
    assert!(matches!(&*health.borrow(), Health::Down(reason) if reason == "no token in the slot"));
    let mut quickest = Duration::MAX;
    for number in 0..100 {
        let begin = Instant::now();
        let answer = agree(&vault, number).await;
        if answer == Ok(number) {
            // On a busy machine the worker that comes up is quicker.
            break;
        }
        assert_eq!(answer, down);
        quickest = quickest.min(begin.elapsed());
    }
    assert!(quickest < Duration::from_millis(100), "refused at once, not after a start");
    until(&mut health, |health| *health == Health::Ready).await;
    assert!(first.elapsed() > Duration::from_millis(650), "starts are 100, 200, 400 ms apart");
    assert_eq!(agree(&vault, 5).await, Ok(5));
    assert_eq!(launches.load(Ordering::SeqCst), 5);
    assert_eq!(system.vitals().restarts(), 1);
}

#[tokio::test]
async fn workers_that_keep_dying_after_their_greeting_open_the_breaker() {
    let begin = Instant::now();
    let (vault, _system, launches) = open(Limits::default(), |number, mut wire| match number {
        1..=5 => wire.greet(),
        _ => wire.serve(),
    })
    .await;
    let mut health = vault.health();
    until(&mut health, |health| matches!(health, Health::Down(_))).await;
    assert_eq!(launches.load(Ordering::SeqCst), 3);
    assert!(matches!(agree(&vault, 1).await, Err(TokenFault::Down(_))));
    tokio::time::timeout(Duration::from_secs(60), async {
        while agree(&vault, 2).await != Ok(2) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it never recovers");
    assert!(begin.elapsed() > Duration::from_millis(650), "starts are 100, 200, 400 ms apart");
    assert_eq!(launches.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn a_refused_pin_is_never_tried_again() {
    let (vault, _system, launches) = open(Limits::default(), |number, mut wire| match number {
        1 => die_at_work(wire),
        _ => wire.refuse(TokenFault::PinRefused),
    })
    .await;
    assert_eq!(agree(&vault, 1).await, Err(TokenFault::PinRefused));
    assert_eq!(*vault.health().borrow(), Health::PinRefused);
    for _ in 0..30 {
        assert_eq!(agree(&vault, 2).await, Err(TokenFault::PinRefused));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(launches.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_pin_that_is_refused_in_the_middle_stops_everything_too() {
    let (vault, _system, launches) = open(Limits::default(), |_, mut wire| {
        wire.greet();
        let (id, _) = wire.next().unwrap();
        wire.answer(id, &Answer::Failed(TokenFault::PinRefused));
        while wire.next().is_some() {}
    })
    .await;
    assert_eq!(agree(&vault, 1).await, Err(TokenFault::PinRefused));
    let mut health = vault.health();
    until(&mut health, |health| *health == Health::PinRefused).await;
    assert_eq!(agree(&vault, 2).await, Err(TokenFault::PinRefused));
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(launches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_first_worker_that_does_not_come_up_is_told_and_not_repeated() {
    let limits = Limits { start: Duration::from_millis(100), ..Limits::default() };
    let down = TokenFault::Down("no such module".into());
    for fault in [down, TokenFault::PinRefused] {
        let refusal = fault.clone();
        let (launch, launches) = workers(move |_, mut wire| wire.refuse(refusal.clone()));
        assert_eq!(Vault::open_with(launch, Limits::default()).await.err(), Some(fault));
        assert_eq!(launches.load(Ordering::SeqCst), 1);
    }
    let (silent, _) = workers(|_, mut wire| drop(wire.next()));
    let (dead, _) = workers(|_, wire| drop(wire));
    let (babbling, _) = workers(|_, mut wire| wire.say(&[0; 64]));
    for end in [
        Vault::open_with(silent, limits).await.err(),
        Vault::open_with(dead, limits).await.err(),
        Vault::open_with(babbling, limits).await.err(),
    ] {
        assert!(matches!(end, Some(TokenFault::Down(_))), "{end:?}");
    }
}
