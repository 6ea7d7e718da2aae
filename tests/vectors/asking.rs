//! Many keys are asked at once: each needs a login of its own, which takes half a second.

use std::collections::VecDeque;
use std::sync::Mutex;

use tests::tally::Tally;

/// A key of the daemon, and what is asked of it.
pub(crate) struct Subject<Q> {
    pub(crate) kid: String,
    pub(crate) questions: Vec<Q>,
}

/// Puts every question to its key, and counts the outcomes: a set, and how it ended.
pub(crate) fn ask_all<Q: Send>(
    tally: &Mutex<Tally>,
    subjects: impl IntoIterator<Item = Subject<Q>>,
    ask: impl Fn(&str, &Q) -> (&'static str, &'static str) + Sync,
) {
    let queue: Mutex<VecDeque<_>> = Mutex::new(subjects.into_iter().collect());
    std::thread::scope(|threads| {
        for _ in 0..ASKERS {
            threads.spawn(|| {
                loop {
                    let Some(subject) = queue.lock().unwrap().pop_front() else { return };
                    for question in &subject.questions {
                        let (set, outcome) = ask(&subject.kid, question);
                        tally.lock().unwrap().count(set, outcome);
                    }
                }
            });
        }
    });
}

const ASKERS: usize = 24;
