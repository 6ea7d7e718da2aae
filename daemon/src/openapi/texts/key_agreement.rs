//! What the description says of key agreement and login.

use super::Texts;

pub(super) const TEXTS: Texts = Texts { tags: TAGS, summaries: SUMMARIES };

const TAGS: &[(&str, &str)] = &[(
    "key-agreement",
    "Key agreement and login: a key for one login, by Diffie-Hellman modulo a prime or on a curve. \
     A 400 of an agreement has an empty body.",
)];

#[rustfmt::skip]
const SUMMARIES: &[(&str, &str, &str)] = &[
    ("POST",   "/rest/key-agreement",                "Agrees on a key for one login, by a key pair that lives in the token for this answer alone."),
];
