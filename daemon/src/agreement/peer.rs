//! The public key of a client, in the form that it came in.

use hsm_profiles::{ForeignElement, Group};

use super::der::{BIT_STRING, INTEGER, OBJECT_IDENTIFIER, Reader, SEQUENCE, number, value};

/// The public key of a client, checked. The answer has ours in the same form.
#[derive(Debug)]
pub struct PeerKey {
    element: ForeignElement,
    form: Form,
}

/// How a public key is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// SEC1 uncompressed, or a number of the prime's length.
    Raw,
    /// SubjectPublicKeyInfo (RFC 5280) with id-ecPublicKey (RFC 5480).
    Curve,
    /// SubjectPublicKeyInfo with the parameters of PKCS #3: p, g, and perhaps a length.
    Pkcs3,
    /// SubjectPublicKeyInfo with the parameters of X9.42 (RFC 3279, section 2.3.3): p, g, q.
    X942,
}

impl PeerKey {
    /// Reads and checks a public key: raw, or a SubjectPublicKeyInfo in DER whose parameters are
    /// those of one of the groups. `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let raw = Group::ALL.into_iter().find(|group| group.length() == bytes.len());
        let (group, form, key) = match raw {
            Some(group) => (group, Form::Raw, bytes.to_vec()),
            None => info(bytes)?,
        };
        let element = ForeignElement::parse(group, &key).ok()?;
        Some(Self { element, form })
    }

    /// The key itself.
    pub fn element(&self) -> &ForeignElement {
        &self.element
    }

    /// Another public key of the group, which is raw, in the form of this one.
    pub(super) fn form(&self, raw: &[u8]) -> Option<Vec<u8>> {
        let group = self.element.group();
        let (identifier, parameters, key) = match self.form {
            Form::Raw => return Some(raw.to_vec()),
            Form::Curve => (EC, value(OBJECT_IDENTIFIER, curve(group)?)?, raw.to_vec()),
            Form::Pkcs3 => (PKCS3, parameters(group, false)?, number(raw)?),
            Form::X942 => (X942, parameters(group, true)?, number(raw)?),
        };
        let algorithm = [value(OBJECT_IDENTIFIER, identifier)?, parameters].concat();
        let key = value(BIT_STRING, &[&[NO_BITS_LEFT], key.as_slice()].concat())?;
        value(SEQUENCE, &[value(SEQUENCE, &algorithm)?, key].concat())
    }
}

/// A SubjectPublicKeyInfo: group, form, and the key as it would be raw.
fn info(der: &[u8]) -> Option<(Group, Form, Vec<u8>)> {
    let mut outer = Reader::new(der);
    let mut whole = outer.sequence()?;
    outer.end()?;
    let mut algorithm = whole.sequence()?;
    let (unused, key) = whole.take(BIT_STRING)?.split_first()?;
    whole.end()?;
    (*unused == NO_BITS_LEFT).then_some(())?;
    let identifier = algorithm.take(OBJECT_IDENTIFIER)?;
    if identifier == EC {
        let named = algorithm.take(OBJECT_IDENTIFIER)?;
        algorithm.end()?;
        let group = Group::ALL.into_iter().find(|group| curve(*group) == Some(named))?;
        return Some((group, Form::Curve, key.to_vec()));
    }
    let mut parameters = algorithm.sequence()?;
    algorithm.end()?;
    let (group, form) = match identifier {
        PKCS3 => (pkcs3(&mut parameters)?, Form::Pkcs3),
        X942 => (x942(&mut parameters)?, Form::X942),
        _ => return None,
    };
    let mut reader = Reader::new(key);
    let key = padded(reader.number()?, group.length())?;
    reader.end()?;
    Some((group, form, key))
}

/// The group of p and g, which may be followed by the length of private values.
fn pkcs3(parameters: &mut Reader<'_>) -> Option<Group> {
    let group = prime_and_base(parameters)?;
    match parameters.end() {
        Some(()) => Some(group),
        None => {
            parameters.number()?;
            parameters.end()?;
            Some(group)
        }
    }
}

/// The group of p, g and q. The rest says how the group was made, and is not looked at: the group is
/// one of two.
fn x942(parameters: &mut Reader<'_>) -> Option<Group> {
    let group = prime_and_base(parameters)?;
    (parameters.number()? == order(group)?).then_some(group)
}

fn prime_and_base(parameters: &mut Reader<'_>) -> Option<Group> {
    let prime = parameters.number()?;
    let group = Group::ALL.into_iter().find(|group| group.prime().as_deref() == Some(prime))?;
    (parameters.number()? == GENERATOR).then_some(group)
}

fn parameters(group: Group, with_order: bool) -> Option<Vec<u8>> {
    let mut parameters = [number(&group.prime()?)?, value(INTEGER, GENERATOR)?].concat();
    if with_order {
        parameters.extend(number(&order(group)?)?);
    }
    value(SEQUENCE, &parameters)
}

/// (p - 1) / 2, of the subgroup that the generator makes.
fn order(group: Group) -> Option<Vec<u8>> {
    let mut carry = 0;
    let half = |byte: &u8| {
        let halved = carry | (byte >> 1);
        carry = byte << 7;
        halved
    };
    Some(group.prime()?.iter().map(half).collect())
}

fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let missing = length.checked_sub(number.len())?;
    Some([vec![0; missing].as_slice(), number].concat())
}

/// The object identifier of a curve.
fn curve(group: Group) -> Option<&'static [u8]> {
    match group {
        Group::P256 => Some(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
        Group::P384 => Some(&[0x2b, 0x81, 0x04, 0x00, 0x22]),
        Group::Modp2048 | Group::Modp3072 => None,
    }
}

/// 1.2.840.10045.2.1
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.113549.1.3.1
const PKCS3: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01];
/// 1.2.840.10046.2.1
const X942: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3e, 0x02, 0x01];
/// Of both groups of RFC 3526.
const GENERATOR: &[u8] = &[2];
/// A bit string of whole bytes.
const NO_BITS_LEFT: u8 = 0;

#[cfg(test)]
mod tests {
    use policies::decode_base64;
    use serde_json::Value;

    use super::*;

    /// Two keys for each of the groups.
    fn keys() -> Vec<(Group, Vec<u8>, Vec<u8>)> {
        let file: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/key-agreement.json"))
                .unwrap();
        let bytes = |case: &Value, name: &str| decode_base64(case[name].as_str().unwrap()).unwrap();
        let cases = file["cases"].as_array().unwrap().iter();
        let groups = [Group::P256, Group::P384, Group::Modp2048, Group::Modp3072].into_iter();
        cases
            .zip(groups)
            .map(|(case, group)| {
                (group, bytes(case, "client_pub_raw"), bytes(case, "server_pub_raw"))
            })
            .collect()
    }

    fn written(group: Group, form: Form, key: &[u8]) -> Vec<u8> {
        let element = ForeignElement::parse(group, key).unwrap();
        PeerKey { element, form }.form(key).unwrap()
    }

    fn forms(group: Group) -> Vec<Form> {
        match group.prime() {
            None => vec![Form::Raw, Form::Curve],
            Some(_) => vec![Form::Raw, Form::Pkcs3, Form::X942],
        }
    }

    #[test]
    fn every_form_is_read_and_answered_in_kind() {
        for (group, theirs, ours) in keys() {
            for form in forms(group) {
                let peer = PeerKey::parse(&written(group, form, &theirs)).unwrap();
                assert_eq!((peer.element().group(), peer.form), (group, form));
                assert_eq!(peer.element().bytes(), theirs);
                assert_eq!(peer.form(&ours).unwrap(), written(group, form, &ours));
            }
        }
    }

    #[test]
    fn no_byte_of_the_parameters_can_be_another() {
        for (group, key, _) in keys() {
            for form in forms(group).into_iter().filter(|form| *form != Form::Raw) {
                let good = written(group, form, &key);
                for at in 0..good.len() - group.length() {
                    let mut bad = good.clone();
                    bad[at] ^= 1;
                    assert!(PeerKey::parse(&bad).is_none(), "{form:?}: byte {at}");
                    // So many bytes are a key by themselves.
                    let is_raw = Group::ALL.iter().any(|group| group.length() == at);
                    let cut = PeerKey::parse(&good[..at]);
                    assert!(is_raw || cut.is_none(), "{form:?}: {at} bytes");
                }
                assert!(PeerKey::parse(&[good.as_slice(), &[0]].concat()).is_none());
            }
        }
    }

    #[test]
    fn a_length_of_private_values_is_no_matter() {
        let (group, key, _) = keys().remove(2);
        let inner = [
            number(&group.prime().unwrap()).unwrap(),
            number(GENERATOR).unwrap(),
            number(&[1, 0]).unwrap(),
        ];
        let parameters = value(SEQUENCE, &inner.concat()).unwrap();
        let algorithm = [value(OBJECT_IDENTIFIER, PKCS3).unwrap(), parameters].concat();
        let bits = [&[0], number(&key).unwrap().as_slice()].concat();
        let parts =
            [value(SEQUENCE, &algorithm).unwrap(), value(BIT_STRING, &bits).unwrap()].concat();
        let peer = PeerKey::parse(&value(SEQUENCE, &parts).unwrap()).unwrap();
        assert_eq!(peer.form(&key).unwrap(), written(group, Form::Pkcs3, &key));
    }
}
