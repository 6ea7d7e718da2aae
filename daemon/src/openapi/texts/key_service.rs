//! What the description says of the key service.

use super::Texts;

pub(super) const TEXTS: Texts = Texts { tags: TAGS, summaries: SUMMARIES };

const TAGS: &[(&str, &str)] = &[(
    "key-service",
    "Messages that anybody leaves for a key, and only the holder of its passphrase or of its private \
     half reads. Parameters may also be in the query, whatever their place here; their names have any \
     case.",
)];

#[rustfmt::skip]
const SUMMARIES: &[(&str, &str, &str)] = &[
    ("POST",   "/Service",                           "Makes a key for a passphrase, or takes in a public one."),
    ("PUT",    "/Service",                           "Leaves messages, a text, files, or one that is encrypted already."),
    ("GET",    "/Service",                           "The messages of a key, opened for its passphrase, else as they were left; without a token a page that explains the service."),
    ("DELETE", "/Service",                           "Deletes a key and its messages."),
];
