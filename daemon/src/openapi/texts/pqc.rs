//! What the description says of the post-quantum API.

use super::Texts;

pub(super) const TEXTS: Texts = Texts { tags: TAGS, summaries: SUMMARIES };

const TAGS: &[(&str, &str)] = &[(
    "pqc",
    "The post-quantum API: ML-KEM, ML-DSA and AES for texts, by keys of one's own; tokens for a \
     number of calls. Bytes are lower-case hexadecimal digits.",
)];

#[rustfmt::skip]
const SUMMARIES: &[(&str, &str, &str)] = &[
    ("GET",    "/api/token/new",                     "As POST; kept for clients that know no other way, though it has an effect."),
    ("POST",   "/api/token/new",                     "A token with the caller's scopes but token:new, for a number of calls and seconds."),
    ("GET",    "/api/kc/generate_keys",              "As POST; kept for clients that know no other way, though it has an effect."),
    ("POST",   "/api/kc/generate_keys",              "Makes an ML-KEM key of one's own and signs its public half (FIPS 203, 204)."),
    ("POST",   "/api/kc/encapsulate_key",            "A fresh secret for the owner of a public key whose signature holds."),
    ("POST",   "/api/kc/decapsulate_key",            "The secret in a ciphertext for a key of one's own."),
    ("GET",    "/api/kem/generate_keys",             "The same as /api/kc/generate_keys."),
    ("POST",   "/api/kem/generate_keys",             "The same as /api/kc/generate_keys."),
    ("POST",   "/api/kem/encapsulate_key",           "The same as /api/kc/encapsulate_key."),
    ("POST",   "/api/kem/decapsulate_key",           "The same as /api/kc/decapsulate_key."),
    ("POST",   "/api/signature/sign",                "Signs a text with one's own ML-DSA key, which is made at first use (FIPS 204)."),
    ("POST",   "/api/signature/verify",              "Whether a signature of a text holds, by anybody's key."),
    ("POST",   "/api/aes/encrypt_text",              "Enciphers a text by AES-256-GCM, with a key in the request or a stored one."),
    ("POST",   "/api/aes/decrypt_text",              "Deciphers it again; one answer for whatever is wrong."),
];
