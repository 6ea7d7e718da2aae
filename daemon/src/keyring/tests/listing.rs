//! Lists, searches and what they show.

use hsm_profiles::{KeyType, Usage};
use policies::{CreateKey, DeleteKey, ImportKey, Kid, ListKeys, UpdateKey, encode_base64};

use super::super::{KeyFault, Needle};
use super::{Bench, leave, new, public, search};

#[tokio::test]
async fn pages_are_clamped_and_totals_exact() {
    let bench = Bench::new().await;
    let mut made = Vec::new();
    for number in 0..32 {
        made.push(bench.import(number).await);
    }
    for (offset, count, listed) in [(0, 50, 15), (15, 15, 15), (30, 15, 2), (32, 15, 0), (0, 3, 3)]
    {
        let page = bench.keyring.list(&leave(ListKeys), offset, count);
        assert_eq!((page.offset, page.total, page.keys.len()), (offset, 32, listed));
    }
    assert_eq!(all(&bench), made);
    bench.keyring.delete(leave(DeleteKey(made.remove(7)))).await.unwrap();
    assert_eq!(bench.keyring.list(&leave(ListKeys), usize::MAX, usize::MAX).total, 31);
    assert_eq!(all(&bench), made);
    // The order survives a restart, within a second too.
    assert_eq!(all(&bench.restart().await), made);
}

/// Pages through everything, as clients do.
fn all(bench: &Bench) -> Vec<Kid> {
    let mut kids = Vec::new();
    loop {
        let page = bench.keyring.list(&leave(ListKeys), kids.len(), 50);
        kids.extend(page.keys.iter().map(|key| key.kid));
        if kids.len() >= page.total {
            return kids;
        }
        assert!(!page.keys.is_empty(), "a client would loop for ever");
    }
}

#[tokio::test]
async fn searches_count_what_fits() {
    let bench = Bench::new().await;
    for number in 0..40 {
        let mut ask = public(KeyType::Ed25519, number);
        ask.descr = match number % 2 {
            0 => format!("CCTEST:{number}").into_bytes(),
            _ => Vec::new(),
        };
        bench.keyring.import(leave(ImportKey), ask).await.unwrap();
    }
    let find = |before: &str, text: &str, after: &str, offset| {
        let needle = format!("{before}{}{after}", encode_base64(text.as_bytes()));
        let needle = Needle::parse(&needle).unwrap();
        let page = bench.keyring.search(&search(needle.is_open_to_anyone()), &needle, offset, 50);
        (page.total, page.keys.len())
    };
    assert_eq!(find("^", "CCTEST", "", 0), (20, 15));
    assert_eq!(find("^", "CCTEST", "", 15), (20, 5));
    assert_eq!(find("^", "CCTEST", "", 20), (20, 0));
    assert_eq!(find("", "8", "$", 0), (4, 4));
    assert_eq!(find("", ":3", "", 0), (5, 5));
    assert_eq!(find("^", "EXTAID", "", 0), (0, 0));
}

#[tokio::test]
async fn types_are_shown_as_published() {
    let bench = Bench::new().await;
    let both = Usage { agree: true, sign: true };
    let neither = Usage { agree: false, sign: false };
    for (kind, usage, listed, read, number) in [
        (KeyType::Secp256r1, both, "ATT,PKEY,ECDH,ExDSA,SECP256R1", "SECP256R1", 0xEC0A),
        (KeyType::Secp256r1, neither, "ATT,PKEY,ECDH,SECP256R1", "SECP256R1", 0xE80A),
        (
            KeyType::Secp256r1,
            Usage { agree: false, sign: true },
            "ATT,PKEY,ExDSA,SECP256R1",
            "SECP256R1",
            0xE40A,
        ),
        (KeyType::Ed25519, both, "ATT,PKEY,ExDSA,ED25519", "ED25519", 0xE416),
        (KeyType::Curve25519, both, "ATT,PKEY,ECDH,CURVE25519", "CURVE25519", 0xE814),
        (KeyType::MlKem768, both, "ATT,PKEY,PQC,MLKEM768", "MLKEM768", 0xE000),
        (KeyType::MlDsa65, neither, "ATT,PKEY,PQC,MLDSA65", "MLDSA65", 0xE000),
        (KeyType::Sha2_256, both, "ATT,SHA2-256", "ATT,SHA2-256", 0x400A),
        (KeyType::Aes256, neither, "ATT,AES256", "ATT,AES256", 0x4020),
    ] {
        let ask = super::super::NewKey { usage, ..new(kind) };
        let kid = bench.keyring.create(leave(CreateKey), ask).await.unwrap();
        assert_eq!(bench.read_type(kid), (listed.to_owned(), read.to_owned()));
        assert_eq!(bench.keyring.shown(kid).unwrap().type_number(), number, "{listed}");
    }
    for (kind, listed, number) in [
        (KeyType::Curve25519, "ECDH,CURVE25519", 0x8814),
        (KeyType::Secp256r1, "ECDH,SECP256R1", 0x880A),
        (KeyType::Ed25519, "ExDSA,ED25519", 0x8416),
        (KeyType::MlKem768, "PQC,MLKEM768", 0x8000),
    ] {
        let kid = bench.keyring.import(leave(ImportKey), public(kind, 99)).await.unwrap();
        assert_eq!(bench.read_type(kid).0, listed);
        assert_eq!(bench.keyring.shown(kid).unwrap().type_number(), number, "{listed}");
    }
}

#[tokio::test]
async fn a_key_is_read_as_it_was_written() {
    let bench = Bench::new().await;
    let ask = public(KeyType::Secp256r1, 5);
    let kid = bench.keyring.import(leave(ImportKey), ask.clone()).await.unwrap();
    assert_eq!(kid, Kid::of_public_key(&ask.public));
    let symmetric = bench.create(KeyType::Aes192).await;
    let bench = bench.restart().await;
    let key = bench.keyring.read(leave(policies::ReadKey(kid))).unwrap();
    assert_eq!((key.public, key.label, key.kind), (Some(ask.public), ask.label, ask.kind));
    let key = bench.keyring.read(leave(policies::ReadKey(symmetric))).unwrap();
    assert_eq!((key.public, key.descr.as_slice()), (None, b"CCTEST".as_slice()));
    let absent = leave(policies::ReadKey(Kid::from_bytes([9; 16])));
    assert!(matches!(bench.keyring.read(absent), Err(KeyFault::Absent)));
}

#[tokio::test]
async fn updated_is_strictly_increasing() {
    let bench = Bench::new().await;
    let kid = bench.create(KeyType::Secp256r1).await;
    let read = |bench: &Bench| bench.keyring.read(leave(policies::ReadKey(kid))).unwrap();
    let mut before = read(&bench);
    let created = before.created;
    for round in 0..20 {
        let descr = vec![1; round % 2];
        bench
            .keyring
            .update(leave(UpdateKey(kid)), format!("{round}"), descr.clone())
            .await
            .unwrap();
        let now = read(&bench);
        assert!(now.updated > before.updated);
        assert_eq!((now.label.as_str(), &now.descr), (format!("{round}").as_str(), &descr));
        before = now;
    }
    let bench = bench.restart().await;
    assert_eq!(read(&bench), before);
    assert_eq!(before.created, created);
    let absent = leave(UpdateKey(Kid::from_bytes([9; 16])));
    let updated = bench.keyring.update(absent, String::new(), vec![]).await;
    assert!(matches!(updated, Err(KeyFault::Absent)));
}
