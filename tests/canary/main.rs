//! Nothing that a caller sends, and no secret, is found where it does not belong: not in the log, its
//! mirror, the messages (the journal), the refusals, the metrics, the API's description, the environment of the
//! processes, nor in any file of the daemon, whatever it is written in.
//!
//! Every field of every request has a canary of its own, as the description of the API has them, so a new
//! field is looked for without a word here.

mod collector;
mod fields;
mod logins;
mod needles;
mod places;
mod work;

use std::process::Command;

use tests::programs;
use tests::scene::Scene;

use collector::Collector;
use places::Places;

#[test]
fn nothing_is_found_where_it_does_not_belong() {
    let home = Scene::new().stop();
    let collector = Collector::new(&home);
    let mut command = Command::new(programs::path("clavigerd"));
    command.env("RUST_LOG", "debug");
    let daemon = home.start_by(command);
    let scene = Scene::of(home, daemon);
    let (keys, mut secrets) = work::done(&scene);
    let mut places = Places::new();
    secrets.extend(logins::done(&scene, &mut places));
    let (sent, tokens) = fields::send(&scene, &keys, &mut places);
    secrets.extend(tokens);
    places.look_at(&scene);
    let home = scene.stop();
    secrets.extend(work::of_the_device(&home));
    places.look_into(&home);
    places.add("the mirror of the log", &collector.received());
    let found = places.search(&secrets);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    println!("{} fields, {} secrets, {} places", sent, secrets.len(), places.count());
    assert!(sent > 100 && secrets.len() >= 60 && places.count() > 100);
}
