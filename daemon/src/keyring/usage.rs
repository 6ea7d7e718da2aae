//! What a key of each type may be used for.

use hsm_profiles::{Family, KeyType, Usage};

/// What a key of this type is for, where `asked` came in. Only the SECP curves leave a choice, and
/// agreement is their default; for all others the type decides and `asked` is ignored (hem.md A9,
/// `mode`).
pub(super) fn fitting(kind: KeyType, asked: Usage) -> Usage {
    match kind.family() {
        Family::Weierstrass if asked.agree || asked.sign => asked,
        Family::Weierstrass | Family::Montgomery => Usage { agree: true, sign: false },
        Family::Edwards | Family::MlDsa => Usage { agree: false, sign: true },
        Family::Aes | Family::Hmac | Family::MlKem => Usage { agree: false, sign: false },
    }
}
