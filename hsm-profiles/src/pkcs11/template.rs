//! What keys are allowed to do: the attributes they are made with, and the look back at them.

use cryptoki::object::{
    Attribute, AttributeType, KeyType as Ckk, MlDsaParameterSetType, MlKemParameterSetType,
    ObjectClass, ObjectHandle, ParameterSetType,
};

use super::errors::Failure;
use super::session::TokenSession;
use crate::key_type::{Family, KeyType};
use crate::profile::Making;
use crate::protocol::Usage;

/// A key that is to be made.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// `CKA_ID`
    pub(crate) id: &'a [u8],
    /// `CKA_LABEL`
    pub(crate) label: &'a str,
    /// Its type.
    pub(crate) kind: KeyType,
    /// What a pair is for; a secret key is for what its type is for.
    pub(crate) usage: Usage,
    /// Whether the private or secret object stays when the session ends.
    pub(crate) keep: bool,
    /// Whether the public object does.
    pub(crate) keep_public: bool,
}

impl Wanted<'_> {
    /// The template of the public object.
    pub(crate) fn public(&self, making: &Making) -> Vec<Attribute> {
        let curve = making.oid.as_ref().map(|oid| Attribute::EcParams(oid.der().to_vec()));
        let mut template = vec![
            Attribute::Token(self.keep_public),
            Attribute::Private(false),
            Attribute::Id(self.id.to_vec()),
            Attribute::Label(self.label.as_bytes().to_vec()),
            Attribute::Verify(self.usage.sign),
            Attribute::Encrypt(false),
            Attribute::Wrap(false),
            Attribute::VerifyRecover(false),
        ];
        template.extend(curve);
        template.extend(parameter_set(self.kind).map(Attribute::ParameterSet));
        template.extend(self.is_kem().then_some(Attribute::Encapsulate(true)));
        template
    }

    /// The template of the private object.
    pub(crate) fn private(&self) -> Vec<Attribute> {
        let mut template = self.named();
        template.extend(self.private_uses());
        template
    }

    /// What the private object has to look like.
    pub(crate) fn private_uses(&self) -> Vec<Attribute> {
        let mut uses = vec![
            Attribute::Derive(self.usage.agree),
            Attribute::Sign(self.usage.sign),
            Attribute::SignRecover(false),
            Attribute::Decrypt(false),
            Attribute::Unwrap(false),
        ];
        // Older tokens don't know this attribute, and only those with ML-KEM need it.
        uses.extend(self.is_kem().then_some(Attribute::Decapsulate(true)));
        uses
    }

    fn is_kem(&self) -> bool {
        self.kind.family() == Family::MlKem
    }

    /// The template of a secret key.
    pub(crate) fn secret(&self) -> Vec<Attribute> {
        let length = u32::try_from(self.kind.length()).unwrap_or(u32::MAX);
        let mut template = self.named();
        template.push(Attribute::Class(ObjectClass::SECRET_KEY));
        template.push(Attribute::KeyType(match self.kind.family() {
            Family::Aes => Ckk::AES,
            _ => Ckk::GENERIC_SECRET,
        }));
        template.push(Attribute::ValueLen(u64::from(length).into()));
        template.extend(self.secret_uses());
        template
    }

    /// What a secret key has to look like: it enciphers or makes MACs, never both. `usage.sign`
    /// alone makes it one that can't verify.
    pub(crate) fn secret_uses(&self) -> Vec<Attribute> {
        let enciphers = self.kind.family() == Family::Aes;
        vec![
            Attribute::Encrypt(enciphers),
            Attribute::Decrypt(enciphers),
            Attribute::Sign(!enciphers),
            Attribute::Verify(!enciphers && !self.usage.sign),
            Attribute::Derive(false),
            Attribute::Wrap(false),
            Attribute::Unwrap(false),
        ]
    }

    fn named(&self) -> Vec<Attribute> {
        vec![
            Attribute::Token(self.keep),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Id(self.id.to_vec()),
            Attribute::Label(self.label.as_bytes().to_vec()),
        ]
    }
}

/// `CKA_PARAMETER_SET` of the post-quantum types (PKCS#11 3.2, sections 6.67.3 and 6.68.3).
pub(crate) fn parameter_set(kind: KeyType) -> Option<ParameterSetType> {
    Some(match kind {
        KeyType::MlDsa44 => MlDsaParameterSetType::ML_DSA_44.into(),
        KeyType::MlDsa65 => MlDsaParameterSetType::ML_DSA_65.into(),
        KeyType::MlDsa87 => MlDsaParameterSetType::ML_DSA_87.into(),
        KeyType::MlKem512 => MlKemParameterSetType::ML_KEM_512.into(),
        KeyType::MlKem768 => MlKemParameterSetType::ML_KEM_768.into(),
        KeyType::MlKem1024 => MlKemParameterSetType::ML_KEM_1024.into(),
        _ => return None,
    })
}

/// Reads the attributes of a new key and compares: a token may take a template and do otherwise.
///
/// # Errors
/// [`Failure::Wrong`] names the first attribute that is not as it should be.
pub(crate) fn read_back(
    session: &TokenSession,
    key: ObjectHandle,
    wanted: &Wanted<'_>,
    uses: &[Attribute],
) -> Result<(), Failure> {
    let mut expected = vec![
        Attribute::Token(wanted.keep),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::AlwaysSensitive(true),
        Attribute::NeverExtractable(true),
        Attribute::Local(true),
    ];
    expected.extend_from_slice(uses);
    let types: Vec<_> = expected.iter().map(Attribute::attribute_type).collect();
    let found = session.inner.get_attributes(key, &types)?;
    match expected.iter().find(|attribute| !holds(attribute, &found, uses)) {
        None => Ok(()),
        Some(attribute) => Err(Failure::Wrong(format!(
            "the token made a key that is not as it was asked to be: {:?} should be {}",
            attribute.attribute_type(),
            attribute_value(attribute),
        ))),
    }
}

/// A use that the token has no attribute for is a use that it does not allow.
fn holds(expected: &Attribute, found: &[Attribute], uses: &[Attribute]) -> bool {
    let named = |kind: AttributeType| move |a: &&Attribute| a.attribute_type() == kind;
    match found.iter().find(named(expected.attribute_type())) {
        Some(attribute) => attribute == expected,
        None => uses.contains(expected) && attribute_value(expected) == "FALSE",
    }
}

fn attribute_value(attribute: &Attribute) -> &'static str {
    let denied = [
        Attribute::Decrypt(false),
        Attribute::Derive(false),
        Attribute::Encrypt(false),
        Attribute::Extractable(false),
        Attribute::Sign(false),
        Attribute::SignRecover(false),
        Attribute::Token(false),
        Attribute::Unwrap(false),
        Attribute::Verify(false),
        Attribute::Wrap(false),
    ];
    if denied.contains(attribute) { "FALSE" } else { "TRUE" }
}
