//! An event is good for one payload, also where the process is killed while it is used.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nix::sys::signal::Signal;
use serde_json::json;
use tests::client::Client;
use tests::e2e::{DATA, Form, Session, try_ask};
use tests::patience::{LONG, until};
use tests::scene::Scene;

use crate::ALL;

/// 64 clients race for one event while the process is killed, earlier and later; then it is tried again.
/// An event that was taken is gone, whether its answer left or not.
#[test]
fn an_event_serves_once_across_a_kill() {
    let mut scene = Scene::new();
    let forms = [Form::Browser, Form::One([1; 32], [2; 16]), Form::Two([3; 32], [4; 16], [5; 32])];
    for (answers, form) in [0, 1, 8, 40].into_iter().zip(forms.into_iter().cycle()) {
        let token = scene.user(ALL);
        let session = Session::begin(&scene.client, &token, form);
        let body = json!({ "encryptedPayload": session.frame("b64") });
        let [opened, refused, lost] = [const { AtomicUsize::new(0) }; 3];
        thread::scope(|threads| {
            for _ in 0..64 {
                threads.spawn(|| {
                    let client = Client::http1(&scene.daemon);
                    match try_ask(&client, "POST", DATA, &token, Some(&body)) {
                        Ok(reply) if reply.status == 200 => opened.fetch_add(1, Ordering::SeqCst),
                        Ok(reply) if reply.status == 400 => refused.fetch_add(1, Ordering::SeqCst),
                        Ok(reply) => panic!("{reply:?}"),
                        Err(_) => lost.fetch_add(1, Ordering::SeqCst),
                    };
                });
            }
            until("so many are answered", LONG, || {
                let answered = opened.load(Ordering::SeqCst) + refused.load(Ordering::SeqCst);
                (answered >= answers).then_some(())
            });
            scene.daemon.signal(Signal::SIGKILL);
        });
        let home = scene.home;
        drop(scene.daemon);
        scene = Scene::at(home);
        let token = scene.user(ALL);
        let again = || try_ask(&scene.client, "POST", DATA, &token, Some(&body)).unwrap().status;
        let after = [again(), again()];
        let [before, refused, lost] = [opened, refused, lost].map(AtomicUsize::into_inner);
        println!("{before} opened, {refused} refused, {lost} lost, then {after:?}");
        assert_eq!(after[1], 400);
        let all = before + usize::from(after[0] == 200);
        assert!(all <= 1, "opened {all} times");
        // Whoever was refused came after somebody who got it, answered or not.
        assert!(before + lost >= 1 || refused == 0, "{refused} refused");
        assert!(all + lost >= 1, "nobody got it, and nobody waits for an answer");
        assert!(refused == 0 || after[0] == 400, "{refused} refused before, then it was opened");
    }
}
