//! Destroying a key fails.

use cryptoki_sys::*;
use tests::fault::{Act, Fault, Faults};
use tests::patience::{LONG, until};

use crate::traces::{create, delete, results, settled};

#[test]
fn a_key_is_destroyed_or_still_there_but_never_half() {
    if !Faults::applies("a_key_is_destroyed_or_still_there_but_never_half") {
        return;
    }
    let (faults, scene) = Faults::scene();
    for (value, status) in [
        (CKR_SESSION_HANDLE_INVALID, 200),
        (CKR_USER_NOT_LOGGED_IN, 200),
        (CKR_OBJECT_HANDLE_INVALID, 200),
        (CKR_GENERAL_ERROR, 200),
        (CKR_DEVICE_ERROR, 409),
        (CKR_HOST_MEMORY, 409),
    ] {
        for act in [Act::Refuse(value), Act::Belie(value)] {
            let kid = until("keys can be made", LONG, || {
                let reply = create(&scene, "SECP256R1");
                (reply.status == 200).then(|| reply.text("kid"))
            });
            assert!(settled(&scene).contains(&kid));
            let mut log = scene.log();
            let fault = Fault { first: 1, times: 1, act };
            let (reply, failed) = faults.during("C_DestroyObject", fault, || delete(&scene, &kid));
            assert_eq!((reply.status, failed), (status, 1), "{act:x?}: {reply:?}");
            // A deletion whose outcome was not known is finished as soon as that can be done.
            until("it is destroyed", LONG, || (!settled(&scene).contains(&kid)).then_some(()));
            assert_eq!(results(&mut log, "KEY_DELETE"), ["OK"], "{act:x?}");
            assert_eq!(delete(&scene, &kid).status, 406, "{act:x?}: it was deleted");
        }
    }
}
