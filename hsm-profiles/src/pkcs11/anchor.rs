//! The anchor of the audit log: a data object that says how long the log was at last.

use std::time::SystemTime;

use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};

use super::errors::Failure;
use super::generate::alone_and_synced;
use super::session::TokenSession;

/// What is kept. More than one where the last change was cut off.
pub(crate) fn read_anchors(session: &TokenSession) -> Result<Vec<Vec<u8>>, Failure> {
    let mut anchors = Vec::new();
    for handle in find(session)? {
        for attribute in session.inner.get_attributes(handle, &[AttributeType::Value])? {
            if let Attribute::Value(value) = attribute {
                anchors.push(value);
            }
        }
    }
    Ok(anchors)
}

/// Keeps `value`, durably, and removes what was kept before.
pub(crate) fn write_anchor(session: &TokenSession, value: &[u8]) -> Result<(), Failure> {
    let old = find(session)?;
    let mut template = name();
    template.extend([
        Attribute::Private(true),
        Attribute::Application(APPLICATION.to_vec()),
        Attribute::Value(value.to_vec()),
    ]);
    alone_and_synced(session, || Ok((session.inner.create_object(&template)?, ())))?;
    let start = SystemTime::now();
    for handle in &old {
        session.inner.destroy_object(*handle)?;
    }
    session.module.sync_store(start)
}

fn find(session: &TokenSession) -> Result<Vec<ObjectHandle>, Failure> {
    Ok(session.inner.find_objects(&name())?)
}

fn name() -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Label(LABEL.to_vec()),
    ]
}

const APPLICATION: &[u8] = b"claviger";
const LABEL: &[u8] = b"claviger-system:log-anchor";
