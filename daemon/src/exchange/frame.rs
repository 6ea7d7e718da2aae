//! Frames: what clients send in a session.

use base64ct::{Base64, Encoding};
use hsm_profiles::{Cargo, SecretBytes};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use super::sessions::{Form, Keys, stale};
use super::{Exchange, cipher, event};
use crate::fault::Fault;

/// A frame whose outside is as it must be.
pub enum Frame {
    /// The digits of a block for the exchange key.
    Browser(String),
    /// A ciphertext.
    One(Vec<u8>),
    /// A ciphertext and its MAC.
    Two(Vec<u8>, Vec<u8>),
}

/// What was in a frame, whether or not it counts.
pub struct Opened {
    /// The name of the event that it names; of none where it is not sound.
    pub(super) event: [u8; 32],
    /// What kind of data: `a` a PIN, `b` a password, `c` the data of a form.
    pub kind: char,
    /// The data.
    pub data: SecretBytes,
}

impl Frame {
    /// Takes the text of a frame apart.
    pub(super) fn read(form: Form, sent: &str) -> Result<Self, Fault> {
        let from_hex = || base16ct::mixed::decode_vec(sent).map_err(|_| stale());
        match form {
            Form::Browser => Ok(Self::Browser(sent.to_owned())),
            Form::One => blocks(from_hex()?).map(Self::One),
            Form::Two => {
                // A plus that was sent in a form or a query arrives as a space.
                let sent = sent.replace(' ', "+");
                let (sealed, mac) = sent.split_once('.').ok_or_else(stale)?;
                let bytes = |text: &str| Base64::decode_vec(text).map_err(|_| stale());
                Ok(Self::Two(blocks(bytes(sealed)?)?, bytes(mac)?))
            }
        }
    }
}

impl Exchange {
    /// Opens a frame. What is wrong inside shows in the event alone, which is nobody's then.
    pub(super) async fn unseal(&self, frame: &Frame, keys: &Keys) -> Result<Opened, Fault> {
        let nobody = event::name(event::fresh()?.as_bytes());
        match frame {
            Frame::Browser(digits) => {
                let block = self.number(digits, "encryptedPayload").await;
                let block = block.map_err(|fault| match fault.plain() {
                    Fault::Invalid(_) => stale(),
                    _ => fault,
                })?;
                let text = self.open(Cargo::Text, block).await?;
                let (length, text) = text.expose().split_first_chunk().ok_or(Fault::Internal)?;
                let length = usize::from(u16::from_be_bytes(*length));
                Ok(judge((text, length), Layout { event: 0, kind: 33 }, (nobody, Choice::from(1))))
            }
            Frame::One(sealed) => inside(keys, sealed, nobody),
            Frame::Two(sealed, mac) => match keys.verify(sealed, mac) {
                true => inside(keys, sealed, nobody),
                false => Ok(Opened { event: nobody, kind: 'a', data: SecretBytes::new(vec![]) }),
            },
        }
    }
}

/// Where things are in a text.
struct Layout {
    event: usize,
    kind: usize,
}

fn inside(keys: &Keys, sealed: &[u8], nobody: [u8; 32]) -> Result<Opened, Fault> {
    let (text, length, sound) = cipher::decrypt(keys.cipher(), keys.iv(), sealed)?;
    Ok(judge((&text, length), Layout { event: 32, kind: 64 }, (nobody, sound)))
}

/// The parts of a text. The name of its event is computed whether it is sound or not.
fn judge(
    (text, length): (&[u8], usize),
    Layout { event, kind }: Layout,
    (nobody, sound): ([u8; 32], Choice),
) -> Opened {
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let named = Zeroizing::new(event::name(part(event, event + EVENT)));
    let letter = part(kind, kind + 1).first().copied().unwrap_or(0);
    let known = letter.ct_eq(&b'a') | letter.ct_eq(&b'b') | letter.ct_eq(&b'c');
    let separated = match event {
        0 => part(EVENT, EVENT + 1).ct_eq(b","),
        _ => Choice::from(1),
    };
    let whole = Choice::from(u8::from(length > kind && length <= text.len()));
    let sound = sound & known & separated & whole;
    let mut counts = nobody;
    for (byte, named) in counts.iter_mut().zip(named.iter()) {
        byte.conditional_assign(named, sound);
    }
    let data = text.get(kind + 1..length).unwrap_or_default();
    Opened { event: counts, kind: char::from(letter), data: SecretBytes::new(data.to_vec()) }
}

/// Whole blocks, and enough of them for an event.
fn blocks(sealed: Vec<u8>) -> Result<Vec<u8>, Fault> {
    match sealed.len() >= 5 * cipher::BLOCK && sealed.len().is_multiple_of(cipher::BLOCK) {
        true => Ok(sealed),
        false => Err(stale()),
    }
}

/// The characters of an event.
const EVENT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: &str = include_str!("../../../tests/vectors/e2e-key.json");

    fn vectors() -> serde_json::Value {
        serde_json::from_str(VECTORS).unwrap()
    }

    fn keys(vectors: &serde_json::Value) -> Keys {
        let bytes =
            |name: &str| base16ct::mixed::decode_vec(vectors[name].as_str().unwrap()).unwrap();
        Keys::two(SecretBytes::new([bytes("EK"), bytes("IV"), bytes("HK")].concat())).unwrap()
    }

    #[test]
    fn the_frame_of_the_vectors_opens() {
        let vectors = vectors();
        let keys = keys(&vectors);
        let sent = vectors["v2"]["data_payload"].as_str().unwrap();
        for sent in [sent.to_owned(), sent.replace('+', " ")] {
            let Frame::Two(sealed, mac) = Frame::read(Form::Two, &sent).unwrap() else { panic!() };
            assert!(keys.verify(&sealed, &mac));
            let opened = inside(&keys, &sealed, [9; 32]).unwrap();
            assert_eq!(opened.event, event::name(vectors["SR"].as_str().unwrap().as_bytes()));
            assert_eq!((opened.kind, opened.data.expose()), ('b', &b"Passw0rd!"[..]));
        }
    }

    #[test]
    fn what_is_not_sound_names_nobodys_event() {
        let keys = keys(&vectors());
        let event = "0123456789abcdef0123456789abcdef";
        let of = |text: &str| {
            let sealed = cipher::encrypt(keys.cipher(), keys.iv(), text.as_bytes()).unwrap();
            inside(&keys, &sealed, [9; 32]).unwrap().event
        };
        let due = event::name(event.as_bytes());
        assert_eq!(of(&format!("{event}{event}a")), due, "no data is some");
        assert_eq!(of(&format!("{event}{event}d1")), [9; 32], "another kind");
        assert_eq!(of(&format!("{event}{event}")), [9; 32], "no kind");
        let mut sealed = cipher::encrypt(keys.cipher(), keys.iv(), &[b'a'; 79]).unwrap();
        sealed[63] ^= 0x55;
        assert_eq!(inside(&keys, &sealed, [9; 32]).unwrap().event, [9; 32], "padding");
    }

    #[test]
    fn what_does_not_look_like_a_frame_is_none() {
        for (form, sent) in [
            (Form::One, "xy"),
            (Form::One, "00"),
            (Form::Two, "AAAA"),
            (Form::Two, "AAAA.AAAA"),
            (Form::Two, "."),
        ] {
            assert!(Frame::read(form, sent).is_err(), "{form:?} {sent}");
        }
    }
}
