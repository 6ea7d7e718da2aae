//! Making a key fails at each of its steps.

use cryptoki_sys::*;
use tests::fault::{Act, Fault, Faults};
use tests::patience::{LONG, until};
use tests::scene::Scene;

use crate::traces::{create, results, settled};

/// A step of making a key fails once. There is a key or there is none: never an object without a
/// record, a record without an object, or an entry that says otherwise.
fn expect(scene: &Scene, faults: &Faults, kind: &str, (function, act): (&str, Act)) -> u16 {
    let before = settled(scene);
    let mut log = scene.log();
    let fault = Fault { first: 1, times: 1, act };
    let (reply, failed) = faults.during(function, fault, || create(scene, kind));
    let what = format!("{kind} {function} {act:x?}: {reply:?}");
    assert_eq!(failed, 1, "{what}");
    assert!(matches!(reply.status, 200 | 406 | 409), "{what}");
    let after = settled(scene);
    if reply.status == 200 {
        assert_eq!(after.len(), before.len() + 1, "{what}");
        assert!(after.contains(&reply.text("kid")), "{what}");
    } else {
        assert_eq!(after, before, "{what}");
    }
    // That it came to nothing is entered when the token has been cleaned up. An entry of the case
    // before may be as late.
    let results = results(&mut log, "KEY_GENERATION");
    let made = results.iter().filter(|result| *result == "OK").count();
    assert_eq!(made, usize::from(reply.status == 200), "{what}: {results:?}");
    until("keys can be made again", LONG, || (create(scene, kind).status == 200).then_some(()));
    reply.status
}

#[test]
fn pairs_leave_nothing_behind_when_a_step_fails() {
    if !Faults::applies("pairs_leave_nothing_behind_when_a_step_fails") {
        return;
    }
    let (faults, scene) = Faults::scene();
    for function in
        ["C_GenerateKeyPair", "C_GetAttributeValue", "C_DeriveKey", "C_SetAttributeValue"]
    {
        for (value, status) in [
            (CKR_SESSION_HANDLE_INVALID, 200),
            (CKR_GENERAL_ERROR, 200),
            (CKR_USER_NOT_LOGGED_IN, 200),
            (CKR_DEVICE_ERROR, 409),
            (CKR_HOST_MEMORY, 409),
            (CKR_ARGUMENTS_BAD, 406),
            (CKR_ATTRIBUTE_READ_ONLY, 406),
        ] {
            for act in [Act::Refuse(value), Act::Belie(value)] {
                let answered = expect(&scene, &faults, "SECP256R1", (function, act));
                assert_eq!(answered, status, "{function} {act:x?}");
            }
        }
    }
}

#[test]
fn secrets_leave_nothing_behind_when_a_step_fails() {
    if !Faults::applies("secrets_leave_nothing_behind_when_a_step_fails") {
        return;
    }
    let (faults, scene) = Faults::scene();
    for function in ["C_GenerateKey", "C_GetAttributeValue", "C_Encrypt"] {
        for (value, status) in [
            (CKR_SESSION_HANDLE_INVALID, 200),
            (CKR_GENERAL_ERROR, 200),
            (CKR_DEVICE_REMOVED, 409),
            (CKR_DEVICE_MEMORY, 409),
        ] {
            for act in [Act::Refuse(value), Act::Belie(value)] {
                let answered = expect(&scene, &faults, "AES256", (function, act));
                assert_eq!(answered, status, "{function} {act:x?}");
            }
        }
    }
}

/// The cleaning up fails as well: what is left is found by its label as soon as the token is back.
#[test]
fn what_cannot_be_destroyed_at_once_is_destroyed_later() {
    if !Faults::applies("what_cannot_be_destroyed_at_once_is_destroyed_later") {
        return;
    }
    let (faults, scene) = Faults::scene();
    for value in [CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_SESSION_HANDLE_INVALID] {
        let before = settled(&scene);
        let mut log = scene.log();
        faults.fail("C_DestroyObject", Fault { first: 1, times: 3, act: Act::Refuse(value) });
        let belie = Fault { first: 1, times: 2, act: Act::Belie(CKR_HOST_MEMORY) };
        let (reply, failed) =
            faults.during("C_SetAttributeValue", belie, || create(&scene, "SECP256R1"));
        assert_eq!((reply.status, failed), (409, 1), "{value:#x}: {reply:?}");
        assert_eq!(settled(&scene), before, "{value:#x}");
        assert_eq!(results(&mut log, "KEY_GENERATION"), ["FAILED"], "{value:#x}");
        faults.lift("C_DestroyObject");
    }
}

#[test]
fn a_module_that_dies_while_it_makes_a_key_leaves_none() {
    if !Faults::applies("a_module_that_dies_while_it_makes_a_key_leaves_none") {
        return;
    }
    let (faults, scene) = Faults::scene();
    for function in ["C_GenerateKeyPair", "C_DeriveKey", "C_SetAttributeValue"] {
        let answered = expect(&scene, &faults, "SECP256R1", (function, Act::Die));
        assert_eq!(answered, 409, "{function}");
    }
}
