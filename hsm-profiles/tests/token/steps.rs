//! What workers do, one step after the other on one token.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use hsm_profiles::{
    Answer, Creation, EXIT_DOWN, EXIT_PIN, Family, KeyType, Operation, SecretDigest, SelfTest,
    StoreKind, SystemPublic, TokenFault, TokenFiles, Usage,
};
use policies::Kid;

use crate::client::{Worker, agree, tell};
use crate::software::{Peer, hash, is_signed};

pub(crate) fn all(dir: &Path) {
    let stage = Stage { dir: dir.to_owned(), files: crate::files(dir) };
    stage.a_token_is_made_once_and_its_pins_are_private();
    stage.a_wrong_pin_is_refused_for_good();
    stage.system_keys_are_made_once();
    stage.the_identity_agrees_and_the_token_tests_itself();
    stage.every_native_type_can_be_made_and_used();
    crate::sealed::all(&stage.files.pin_file);
    crate::once::all(&stage.files.pin_file);
    crate::mailbox::all(&stage.files.pin_file);
    stage.secrets_are_hashed_in_the_worker();
    stage.bad_peers_are_the_callers_fault();
    stage.system_keys_are_out_of_reach();
    stage.lost_keys_are_told_from_a_lost_token();
    stage.a_flood_is_answered_frame_by_frame();
    match crate::profile().store {
        StoreKind::Softhsm2 => stage.a_lost_store_ends_the_worker_and_a_fresh_one_heals(),
        _ => stage.a_lost_store_stops_nobody_who_has_it_open(),
    }
    stage.a_worker_is_confined();
}

struct Stage {
    dir: PathBuf,
    files: TokenFiles,
}

impl Stage {
    fn ready(&self) -> Worker {
        Worker::ready(&self.files.pin_file).0
    }

    fn a_token_is_made_once_and_its_pins_are_private(&self) {
        for file in [&self.files.pin_file, &self.files.so_pin_file] {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
            let pin = fs::read_to_string(file).unwrap();
            assert!(pin.trim_end().len() == 32 && pin.ends_with('\n'));
        }
        let pins = [&self.files.pin_file, &self.files.so_pin_file].map(fs::read);
        assert_ne!(pins[0].as_ref().unwrap(), pins[1].as_ref().unwrap());
        let again = Command::new(std::env::current_exe().unwrap())
            .args(["init".as_ref(), self.dir.as_os_str()])
            .output()
            .unwrap();
        assert_eq!(again.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&again.stderr).contains("take an empty directory"));
    }

    fn a_wrong_pin_is_refused_for_good(&self) {
        let wrong = self.dir.join("wrong-pin");
        fs::copy(&self.files.so_pin_file, &wrong).unwrap();
        let (worker, greeting) = Worker::start(&wrong);
        assert!(matches!(greeting, Answer::Failed(TokenFault::PinRefused)), "{}", tell(&greeting));
        assert_eq!(worker.exit_code(), Some(i32::from(EXIT_PIN)));

        let empty = self.dir.join("empty-pin");
        fs::File::create(&empty).unwrap();
        let (worker, greeting) = Worker::start(&empty);
        assert!(tell(&greeting).contains("no PIN in it"), "{}", tell(&greeting));
        assert_eq!(worker.exit_code(), Some(i32::from(EXIT_DOWN)));
    }

    fn system_keys_are_made_once(&self) {
        let start = Instant::now();
        let (mut worker, status) = Worker::ready(&self.files.pin_file);
        eprintln!("a worker was ready after {:?}", start.elapsed());
        assert_eq!((status.system, status.label.as_str()), (None, crate::client::LABEL));
        let unprovisioned = worker.fault(&Operation::SignLog { key: [0; 32], message: vec![1] });
        assert!(matches!(unprovisioned, TokenFault::Argument(_)), "{unprovisioned}");

        let first = provision(&mut worker);
        assert_eq!(provision(&mut worker), first);
        let line = b"a line of the log".to_vec();
        let signed =
            worker.public(&Operation::SignLog { key: first.logger, message: line.clone() });
        assert!(is_signed(&first.logger, &line, &signed));
        let mac = |worker: &mut Worker, text: &[u8]| {
            worker.public(&Operation::Mac { message: text.to_vec() })
        };
        let one = mac(&mut worker, b"one");
        assert_eq!((one.len(), mac(&mut worker, b"one")), (32, one.clone()));
        assert_ne!(mac(&mut worker, b"two"), one);
        let anchors = |worker: &mut Worker| match worker.ask(&Operation::ReadAnchors) {
            Answer::Anchors(anchors) => anchors,
            other => panic!("{}", tell(&other)),
        };
        assert!(anchors(&mut worker).is_empty());
        for value in [b"first".to_vec(), b"second".to_vec()] {
            assert_eq!(worker.count(&Operation::WriteAnchor { value: value.clone() }), 1);
            assert_eq!(anchors(&mut worker), [value], "in place of the one before");
        }
        assert_eq!(worker.hang_up(), Some(0));

        let (mut worker, status) = Worker::ready(&self.files.pin_file);
        assert_eq!(status.system, Some(first));
        assert_eq!(mac(&mut worker, b"one"), one);
        assert_eq!(anchors(&mut worker), [b"second".to_vec()]);
    }

    fn the_identity_agrees_and_the_token_tests_itself(&self) {
        let (mut worker, status) = Worker::ready(&self.files.pin_file);
        let peer = Peer::new(KeyType::Curve25519);
        let operation = Operation::AgreeIdentity { peer: peer.public().try_into().unwrap() };
        match worker.ask(&operation) {
            Answer::Secret(secret) => {
                assert_eq!(secret.expose(), peer.secret(&status.system.unwrap().identity));
            }
            other => panic!("{}", tell(&other)),
        }
        match worker.ask(&Operation::SelfTest) {
            Answer::Tested(found) => {
                assert_eq!(found, SelfTest { known_answers: true, randomness: true });
            }
            other => panic!("{}", tell(&other)),
        }
    }

    fn every_native_type_can_be_made_and_used(&self) {
        let (mut worker, status) = Worker::ready(&self.files.pin_file);
        let is_softhsm = crate::profile().store == StoreKind::Softhsm2;
        let expected: Vec<_> = match is_softhsm {
            true => KeyType::ALL
                .into_iter()
                .filter(|kind| !matches!(kind.family(), Family::MlDsa | Family::MlKem))
                .filter(|kind| {
                    !matches!(kind, KeyType::Curve448 | KeyType::Ed25519 | KeyType::Ed448)
                })
                .filter(|kind| !kind.name().starts_with("SHA3"))
                .collect(),
            false => KeyType::ALL.into_iter().filter(|kind| *kind != KeyType::Secp256k1).collect(),
        };
        assert!(expected.iter().all(|kind| status.native.contains(kind)), "{:?}", status.native);
        assert_eq!(status.native.len(), expected.len());
        assert_eq!(status.withdrawn, [], "the profile claims what the token does not do");
        for (number, kind) in (1..).zip(expected) {
            let creation = Creation([number; 16]);
            if !kind.is_asymmetric() {
                let kid = Kid::from_bytes([0xf0 | number; 16]);
                assert_eq!(worker.count(&Operation::GenerateSecret { creation, kind, kid }), 1);
                // An AES key has an object for each width up to its own.
                let objects = match kind {
                    KeyType::Aes192 => 2,
                    KeyType::Aes256 => 3,
                    _ => 1,
                };
                assert_eq!(worker.count(&Operation::Destroy { kid }), objects, "{kind}");
                continue;
            }
            let signs = matches!(kind.family(), Family::Edwards | Family::MlDsa);
            let agrees = !signs && kind.family() != Family::MlKem;
            let usage = Usage { agree: agrees, sign: signs };
            let public = worker.public(&Operation::GeneratePair { creation, kind, usage });
            assert_eq!(public.len(), kind.length(), "{kind}");
            let kid = Kid::of_public_key(&public);
            for _ in 0..if agrees { 20 } else { 0 } {
                let peer = Peer::new(kind);
                let secret = worker.secret(&agree(kid, kind, &peer.public(), None));
                assert_eq!(secret, peer.secret(&public), "{kind}");
            }
            let usage = Usage { agree: signs, sign: !signs };
            if kind.family() != Family::Weierstrass {
                let misuse = worker.fault(&Operation::GeneratePair { creation, kind, usage });
                assert!(matches!(misuse, TokenFault::Argument(_)), "{kind}: {misuse}");
            }
            assert_eq!(worker.count(&Operation::DestroyCreation { creation }), 1, "{kind}");
        }
        let creation = Creation([99; 16]);
        let usage = Usage { agree: true, sign: false };
        let lacking = match is_softhsm {
            true => &[KeyType::Curve448, KeyType::Ed25519][..],
            false => &[KeyType::Secp256k1],
        };
        for kind in lacking.iter().copied() {
            let missing = worker.fault(&Operation::GeneratePair { creation, kind, usage });
            assert!(matches!(missing, TokenFault::Unsupported(_)), "{missing}");
        }
        assert!(objects(&mut worker).is_empty());
    }

    fn secrets_are_hashed_in_the_worker(&self) {
        let mut worker = self.ready();
        let (kid, public) = make(&mut worker, 1, KeyType::Secp521r1);
        for how in SecretDigest::ALL {
            let peer = Peer::new(KeyType::Secp521r1);
            let ask = agree(kid, KeyType::Secp521r1, &peer.public(), Some(how));
            assert_eq!(worker.secret(&ask), hash(how, &peer.secret(&public)), "{how:?}");
        }
        assert_eq!(worker.count(&Operation::Destroy { kid }), 1);
    }

    fn bad_peers_are_the_callers_fault(&self) {
        let mut worker = self.ready();
        let (kid, public) = make(&mut worker, 1, KeyType::Secp256r1);
        let mut off_curve = Peer::new(KeyType::Secp256r1).public();
        off_curve[64] ^= 1;
        for bad in [&off_curve[..], &off_curve[..64], &[], &[4; 33]] {
            let fault = worker.fault(&agree(kid, KeyType::Secp256r1, bad, None));
            assert!(matches!(fault, TokenFault::Argument(_)), "{fault}");
        }
        let peer = Peer::new(KeyType::Secp256r1);
        let secret = worker.secret(&agree(kid, KeyType::Secp256r1, &peer.public(), None));
        assert_eq!(secret, peer.secret(&public), "after bad peers");
        assert_eq!(worker.count(&Operation::Destroy { kid }), 1);

        // Raw bytes that begin as a DER OCTET STRING of the right length would.
        let (kid, _) = make(&mut worker, 2, KeyType::Curve25519);
        let mut peer = [7; 32];
        peer[..2].copy_from_slice(&[0x04, 0x1e]);
        let looks_like_der = worker.secret(&agree(kid, KeyType::Curve25519, &peer, None));
        // The top bit does not count (RFC 7748, section 5), and here it changes nothing else.
        peer[31] |= 0x80;
        let same_point = worker.secret(&agree(kid, KeyType::Curve25519, &peer, None));
        assert_eq!(looks_like_der, same_point);
        assert_eq!(worker.count(&Operation::Destroy { kid }), 1);
    }

    fn system_keys_are_out_of_reach(&self) {
        let mut worker = self.ready();
        let peer = Peer::new(KeyType::Curve25519).public();
        for text in [b"claviger-system:", b"system:identity\0", &[0; 16]] {
            let kid = Kid::from_bytes(*text);
            let fault = worker.fault(&agree(kid, KeyType::Curve25519, &peer, None));
            assert_eq!(fault, TokenFault::KeyMissing);
            assert_eq!(worker.count(&Operation::Destroy { kid }), 0);
        }
        assert!(objects(&mut worker).is_empty());
        let Answer::Status(status) = worker.ask(&Operation::Status) else {
            panic!("no status");
        };
        let identity = Kid::of_public_key(&status.system.unwrap().identity);
        let fault = worker.fault(&agree(identity, KeyType::Curve25519, &peer, None));
        assert_eq!(fault, TokenFault::KeyMissing);
    }

    fn lost_keys_are_told_from_a_lost_token(&self) {
        let (mut worker, mut other) = (self.ready(), self.ready());
        let (kid, _) = make(&mut worker, 1, KeyType::Secp256r1);
        let ask = agree(kid, KeyType::Secp256r1, &Peer::new(KeyType::Secp256r1).public(), None);
        let (first, second) = (worker.secret(&ask), other.secret(&ask));
        assert_eq!(first, second, "a second process finds what the first one made");
        assert_eq!(other.count(&Operation::Destroy { kid }), 1);
        assert_eq!(worker.fault(&ask), TokenFault::KeyMissing);
        assert_eq!(worker.fault(&ask), TokenFault::KeyMissing);
    }

    fn a_flood_is_answered_frame_by_frame(&self) {
        let mut worker = self.ready();
        let (kid, public) = make(&mut worker, 1, KeyType::Secp256r1);
        let peer = Peer::new(KeyType::Secp256r1);
        let ask = agree(kid, KeyType::Secp256r1, &peer.public(), None);
        let expected = peer.secret(&public);
        let flood = vec![&ask; 2000];
        worker.send(&flood);
        let answers = worker.receive_all(flood.len());
        let mut done = 0;
        for answer in answers.values() {
            match answer {
                Answer::Secret(secret) => {
                    assert_eq!(secret.expose(), expected);
                    done += 1;
                }
                Answer::Failed(TokenFault::Busy) => {}
                other => panic!("{}", tell(other)),
            }
        }
        assert!(done >= 512, "only {done} were done");
        let start = Instant::now();
        let rounds = 20;
        for _ in 0..rounds {
            worker.send(&vec![&ask; 128]);
            assert_eq!(worker.receive_all(128).len(), 128);
        }
        eprintln!("an agreement took {:?}", start.elapsed() / (128 * rounds));
        assert_eq!(worker.count(&Operation::Destroy { kid }), 1);
    }

    /// A store in one file stays open, wherever it is moved to.
    fn a_lost_store_stops_nobody_who_has_it_open(&self) {
        let mut worker = self.ready();
        let (kid, public) = make(&mut worker, 1, KeyType::Secp256r1);
        let peer = Peer::new(KeyType::Secp256r1);
        let ask = agree(kid, KeyType::Secp256r1, &peer.public(), None);
        let (here, away) = (self.dir.join("tokens"), self.dir.join("away"));
        fs::rename(&here, &away).unwrap();
        assert_eq!(worker.secret(&ask), peer.secret(&public));
        let (fresh, greeting) = Worker::start(&self.files.pin_file);
        assert!(matches!(greeting, Answer::Failed(TokenFault::Down(_))), "{}", tell(&greeting));
        assert_eq!(fresh.exit_code(), Some(i32::from(EXIT_DOWN)));
        fs::rename(&away, &here).unwrap();
        assert_eq!(worker.secret(&ask), peer.secret(&public));
        assert_eq!(worker.count(&Operation::Destroy { kid }), 1);
        assert_eq!(self.ready().fault(&ask), TokenFault::KeyMissing);
    }

    fn a_lost_store_ends_the_worker_and_a_fresh_one_heals(&self) {
        let mut worker = self.ready();
        let (kid, public) = make(&mut worker, 1, KeyType::Secp256r1);
        let peer = Peer::new(KeyType::Secp256r1);
        let ask = agree(kid, KeyType::Secp256r1, &peer.public(), None);
        assert_eq!(worker.secret(&ask), peer.secret(&public));

        let (here, away) = (self.dir.join("tokens"), self.dir.join("away"));
        fs::rename(&here, &away).unwrap();
        worker.send(&[&ask; 40]);
        for answer in worker.receive_all(40).values() {
            assert!(matches!(answer, Answer::Failed(TokenFault::Down(_))), "{}", tell(answer));
        }
        assert_eq!(worker.exit_code(), Some(i32::from(EXIT_DOWN)));
        let (fresh, greeting) = Worker::start(&self.files.pin_file);
        assert!(matches!(greeting, Answer::Failed(TokenFault::Down(_))), "{}", tell(&greeting));
        assert_eq!(fresh.exit_code(), Some(i32::from(EXIT_DOWN)));

        fs::rename(&away, &here).unwrap();
        let mut healed = self.ready();
        assert_eq!(healed.secret(&ask), peer.secret(&public));
        assert_eq!(healed.count(&Operation::Destroy { kid }), 1);
    }

    fn a_worker_is_confined(&self) {
        let worker = self.ready();
        let status = worker.kernel_status();
        for expected in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.contains(expected), "{status}");
        }
        assert_eq!(worker.hang_up(), Some(0));
    }
}

fn provision(worker: &mut Worker) -> SystemPublic {
    match worker.ask(&Operation::Provision) {
        Answer::Status(status) => status.system.unwrap(),
        other => panic!("{}", tell(&other)),
    }
}

fn make(worker: &mut Worker, number: u8, kind: KeyType) -> (Kid, Vec<u8>) {
    let creation = Creation([number; 16]);
    let usage = Usage { agree: true, sign: false };
    let public = worker.public(&Operation::GeneratePair { creation, kind, usage });
    (Kid::of_public_key(&public), public)
}

fn objects(worker: &mut Worker) -> Vec<hsm_profiles::Object> {
    match worker.ask(&Operation::List) {
        Answer::Objects(objects) => objects,
        other => panic!("{}", tell(&other)),
    }
}
