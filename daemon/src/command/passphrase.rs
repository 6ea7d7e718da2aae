//! A passphrase and the key that follows from it (hem.md A3).

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// The X25519 public key of whoever knows `passphrase`, for a device whose `eid` reads `salt`.
pub(super) fn public_key(passphrase: &str, salt: &str) -> [u8; 32] {
    let mut seed = Zeroizing::new([0; 32]);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        ROUNDS,
        salt.as_bytes(),
        passphrase.as_bytes(),
        seed.as_mut_slice(),
    );
    *PublicKey::from(&StaticSecret::from(*seed)).as_bytes()
}

/// 128 random bits in hexadecimal.
pub(super) fn random() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut bytes = Zeroizing::new([0u8; 16]);
    getrandom::fill(bytes.as_mut_slice())?;
    let mut text = Zeroizing::new(String::with_capacity(32));
    for byte in bytes.iter() {
        text.push_str(&format!("{byte:02x}"));
    }
    Ok(text)
}

const ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).unwrap();

#[cfg(test)]
mod tests {
    #[test]
    fn follows_the_published_vector() {
        let public =
            super::public_key("example passphrase", "NYBy1jZYgNGu6jKa35EhODhR7SGijjt16WXQ0s0WYlQ=");
        assert_eq!(
            policies::encode_base64(&public),
            "gmWYSIVUnpih9nQ0OkSWIelKcGYQDHDeIabXS00z1iw="
        );
    }
}
