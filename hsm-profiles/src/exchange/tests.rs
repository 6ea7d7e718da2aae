use super::*;

const KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";
const STAND_IN: [u8; 32] = [0xee; 32];

type Pad = fn(&[u8]) -> Vec<u8>;

/// EME-PKCS1-v1_5 with a filler of one byte.
fn pkcs1(message: &[u8]) -> Vec<u8> {
    let filler = vec![7; 253 - message.len()];
    [&[0, 2][..], &filler, &[0], message].concat()
}

const HASH: usize = 32;

/// EME-OAEP, RFC 8017, section 7.1.1, step 2.
fn oaep(message: &[u8]) -> Vec<u8> {
    let zeros = vec![0; 256 - 2 - 2 * HASH - message.len()];
    let mut data = [&Sha256::digest(b"")[..], &zeros, &[1], message].concat();
    let mut seed = vec![9; HASH];
    mask::<Sha256>(&mut data, &seed);
    mask::<Sha256>(&mut seed, &data);
    [&[0][..], &seed, &data].concat()
}

fn hex(bytes: &[u8], upper: bool) -> Vec<u8> {
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if upper { text.to_uppercase().into_bytes() } else { text.into_bytes() }
}

fn key(padding: Padding, block: &[u8]) -> Vec<u8> {
    unpad(padding, Cargo::Key, &mut block.to_vec(), &STAND_IN).expose().to_vec()
}

#[test]
fn keys_come_out_in_either_form() {
    let pads: [(Padding, Pad); 2] = [(Padding::Pkcs1, pkcs1), (Padding::OaepSha256, oaep)];
    for (padding, pad) in pads {
        for message in [KEY.to_vec(), hex(&KEY, false), hex(&KEY, true)] {
            assert_eq!(key(padding, &pad(&message)), KEY);
        }
        let three = [KEY, [1; 32], [0xaf; 32]].concat()[..80].to_vec();
        let found = unpad(padding, Cargo::Keys, &mut pad(&hex(&three, false)), &STAND_IN);
        assert_eq!(found.expose(), three);
    }
}

#[test]
fn whatever_is_wrong_comes_out_as_the_stand_in() {
    let good = pkcs1(&KEY);
    let with = |at: usize, byte: u8| {
        let mut block = good.clone();
        block[at] = byte;
        block
    };
    let short_filler = [&[0, 2][..], &[7; 7], &[0], &[5; 246]].concat();
    let wrong = [
        with(0, 1),
        with(1, 1),
        with(1, 0),
        with(2, 0),
        with(9, 0),
        with(222, 0),
        with(223, 1),
        pkcs1(&KEY[..31]),
        pkcs1(&[&KEY[..], &[1]].concat()),
        pkcs1(&[b'g'; 64]),
        pkcs1(b""),
        short_filler,
        vec![0; 256],
        vec![255; 256],
    ];
    for (which, block) in wrong.iter().enumerate() {
        assert_eq!(key(Padding::Pkcs1, block), STAND_IN, "{which}");
    }
    for at in [0, 1, 40, 100] {
        let mut block = oaep(&KEY);
        block[at] ^= 1;
        assert_eq!(key(Padding::OaepSha256, &block), STAND_IN, "{at}");
    }
    let keys = unpad(Padding::Pkcs1, Cargo::Keys, &mut good.clone(), &[3; 80]);
    assert_eq!(keys.expose(), [3; 80]);
}

#[test]
fn texts_come_out_at_any_length_and_always_in_as_many_bytes() {
    for padding in [Padding::Pkcs1, Padding::OaepSha256] {
        let pad = if padding == Padding::Pkcs1 { pkcs1 } else { oaep };
        let longest = if padding == Padding::Pkcs1 { 245 } else { 190 };
        for length in (0..=longest).step_by(7).chain([longest]) {
            let message: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let found = unpad(padding, Cargo::Text, &mut pad(&message), &STAND_IN);
            let (head, text) = found.expose().split_at(2);
            assert_eq!(usize::from(u16::from_be_bytes(head.try_into().unwrap())), length);
            assert_eq!(text[..length], message);
            assert!(text[length..].iter().all(|byte| *byte == 0));
            assert_eq!(text.len(), if padding == Padding::Pkcs1 { 254 } else { 191 });
        }
    }
    let mut bad = pkcs1(b"0123456789");
    bad[1] = 1;
    let found = unpad(Padding::Pkcs1, Cargo::Text, &mut bad, &STAND_IN);
    assert_eq!(found.expose()[..2], [0, 254]);
    assert_eq!(found.expose()[2..34], STAND_IN);
    for block in [[&[0, 2][..], &[1; 254]].concat(), [&[0, 2, 1, 0][..], &[5; 252]].concat()] {
        let found = unpad(Padding::Pkcs1, Cargo::Text, &mut block.clone(), &STAND_IN);
        assert_eq!(found.expose()[2..34], STAND_IN, "no separator, or too early");
    }
}

#[test]
fn digits_are_those_of_either_case_and_nothing_else() {
    for byte in 0..=u8::MAX {
        let (value, is_digit) = nibble(byte);
        let expected = char::from(byte).to_digit(16);
        assert_eq!(bool::from(is_digit), expected.is_some(), "{byte}");
        assert!(expected.is_none_or(|expected| expected == u32::from(value)), "{byte}");
    }
}
