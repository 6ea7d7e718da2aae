//! Public RSA keys, in the XML form of the original's clients and in PEM.

use base64ct::{Base64, Encoding};

use super::{FormatError, der, xml};

/// A public RSA key of 1024 to 8192 bits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl PublicKey {
    /// A key of these numbers, big-endian; leading zeros do not count.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] where these are no key.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, FormatError> {
        let [modulus, exponent] = [modulus, exponent].map(|number| {
            let zeros = number.iter().take_while(|byte| **byte == 0).count();
            number.iter().skip(zeros).copied().collect::<Vec<_>>()
        });
        let key = Self { modulus, exponent };
        let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        let small = key.exponent.len() <= 4 && key.exponent != [1];
        if !(BITS.contains(&key.bits()) && odd(&key.modulus) && odd(&key.exponent) && small) {
            return Err(NO_KEY);
        }
        Ok(key)
    }

    /// The key in `text`: `<RSAKeyValue>`, or PEM, `PUBLIC KEY` or `RSA PUBLIC KEY`.
    ///
    /// # Errors
    /// [`FormatError::Malformed`]; for a private key, too.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        if text.contains(PRIVATE) {
            return Err(IS_PRIVATE);
        }
        match text.trim_start().starts_with('<') {
            true => Self::from_xml(text),
            false => Self::from_pem(text),
        }
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The exponent, big-endian.
    pub fn exponent(&self) -> &[u8] {
        &self.exponent
    }

    /// The bytes of the modulus, and of everything that is encrypted.
    pub fn length(&self) -> usize {
        self.modulus.len()
    }

    /// The bits of the modulus.
    pub fn bits(&self) -> usize {
        let zeros = self.modulus.first().map_or(0, |first| first.leading_zeros());
        let zeros = usize::try_from(zeros).unwrap_or(0);
        self.modulus.len().saturating_mul(8).saturating_sub(zeros)
    }

    /// `<RSAKeyValue>` as the original's clients write it, without white space.
    pub fn to_xml(&self) -> String {
        let [modulus, exponent] = [&self.modulus, &self.exponent].map(|n| Base64::encode_string(n));
        format!(
            "<RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>{exponent}</Exponent></RSAKeyValue>"
        )
    }

    /// PEM, `PUBLIC KEY`.
    pub fn to_pem(&self) -> String {
        let text = Base64::encode_string(&self.to_der());
        let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
        let lines: Vec<_> = lines.collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// DER, `SubjectPublicKeyInfo`.
    pub fn to_der(&self) -> Vec<u8> {
        der::write_info(&self.modulus, &self.exponent)
    }

    fn from_xml(text: &str) -> Result<Self, FormatError> {
        let fields = xml::fields(text, "RSAKeyValue").ok_or(NO_KEY)?;
        let (mut modulus, mut exponent) = (None, None);
        for (name, value) in fields {
            let place = match name {
                "Modulus" => &mut modulus,
                "Exponent" => &mut exponent,
                "P" | "Q" | "DP" | "DQ" | "InverseQ" | "D" => return Err(IS_PRIVATE),
                _ => return Err(NO_KEY),
            };
            let value = bytes(value).filter(|value| value.len() <= 2048).ok_or(NO_KEY)?;
            if place.replace(value).is_some() {
                return Err(NO_KEY);
            }
        }
        Self::new(&modulus.ok_or(NO_KEY)?, &exponent.ok_or(NO_KEY)?)
    }

    fn from_pem(text: &str) -> Result<Self, FormatError> {
        let inside = |label: &str| {
            let text = text.trim().strip_prefix(&format!("-----BEGIN {label}-----"))?;
            bytes(text.strip_suffix(&format!("-----END {label}-----"))?)
        };
        let (info, key) = (inside("PUBLIC KEY"), inside("RSA PUBLIC KEY"));
        let info = info.as_deref().and_then(der::read_info);
        let (modulus, exponent) =
            info.or_else(|| key.as_deref().and_then(der::read_key)).ok_or(NO_KEY)?;
        Self::new(modulus, exponent)
    }
}

/// The bytes of base64, in which white space does not count.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    Base64::decode_vec(&text).ok()
}

const BITS: std::ops::RangeInclusive<usize> = 1024..=8192;
const IS_PRIVATE: FormatError =
    FormatError::Malformed("publickey holds a private key: send its public half alone");
const NO_KEY: FormatError = FormatError::Malformed(
    "publickey must be a public RSA key of 1024 to 8192 bits, as <RSAKeyValue> or in PEM",
);
const PRIVATE: &str = "PRIVATE KEY-----";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyservice::format::vectors;

    fn key() -> PublicKey {
        PublicKey::parse(vectors()["pub"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn the_xml_of_the_vectors_is_read_and_written() {
        let key = key();
        assert_eq!((key.bits(), key.length(), key.exponent()), (1024, 128, &[1, 0, 1][..]));
        assert_eq!(key.to_xml(), vectors()["pub"].as_str().unwrap());
    }

    /// `openssl rsa -pubin -outform PEM`, and the same with `-RSAPublicKey_out`, of the vector's key.
    #[test]
    fn the_pem_of_others_is_read_and_written() {
        let key = key();
        assert_eq!(PublicKey::parse(INFO).unwrap(), key);
        assert_eq!(PublicKey::parse(PKCS1).unwrap(), key);
        assert_eq!(key.to_pem(), INFO);
        assert_eq!(PublicKey::parse(&INFO.replace('\n', "\r\n")).unwrap(), key);
    }

    #[test]
    fn keys_of_every_size_come_back() {
        for bits in [1024, 1025, 1031, 1536, 2048, 3072, 4096, 8192_usize] {
            let mut modulus = vec![0xa5; bits.div_ceil(8)];
            modulus[0] = match bits % 8 {
                0 => 0xff,
                rest => (1 << rest) - 1,
            };
            let key = PublicKey::new(&modulus, &[3]).unwrap();
            assert_eq!(key.bits(), bits);
            assert_eq!(PublicKey::parse(&key.to_xml()).unwrap(), key);
            assert_eq!(PublicKey::parse(&key.to_pem()).unwrap(), key);
        }
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let private = PublicKey::parse(vectors()["priv"].as_str().unwrap());
        assert_eq!(private.unwrap_err(), IS_PRIVATE);
        let pem = INFO.replace("PUBLIC", "PRIVATE");
        assert_eq!(PublicKey::parse(&pem).unwrap_err(), IS_PRIVATE);
        let good = key().to_xml();
        let bad = [
            String::new(),
            good.replace("RSAKeyValue", "DSAKeyValue"),
            good.replace("AQAB", ""),
            good.replace("AQAB", "AQ=="),
            good.replace("AQAB", "AAAA"),
            good.replace("AQAB", "BA=="),
            good.replace("AQAB", "AQAAAAE="),
            good.replace("<Exponent>AQAB</Exponent>", ""),
            good.replace("</Exponent>", "</Exponent><Exponent>AQAB</Exponent>"),
            good.replace("Exponent", "Exponents"),
            good.replace("mNs=", "mNo="),
            format!("<!DOCTYPE x [<!ENTITY e \"AQAB\">]>{}", good.replace("AQAB", "&e;")),
            INFO.replace("MIG", "MIH"),
            INFO.replace("-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----"),
            PKCS1.replace("RSA ", ""),
            PublicKey { modulus: vec![0xff; 127], exponent: vec![3] }.to_xml(),
            PublicKey { modulus: vec![0xff; 1025], exponent: vec![3] }.to_pem(),
        ];
        for bad in bad {
            assert_eq!(PublicKey::parse(&bad).unwrap_err(), NO_KEY, "{bad}");
        }
    }

    const INFO: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCrtZRW9V9xwuON3lAtAyanakS4
MVmMWS6ooYYKcjzyh3ndvgQxAjCYYt0LqaMwwufVssdLxKapuf2k9j3//T1H3qVP
9EBcibP67TuiCK7gQ40Hs+McM9GrhXlUgYPBpozc3h2FNj/zwBX0XohdvT3C/4lJ
o6JDNbVriPTyP/OY2wIDAQAB
-----END PUBLIC KEY-----
";
    const PKCS1: &str = "\
-----BEGIN RSA PUBLIC KEY-----
MIGJAoGBAKu1lFb1X3HC443eUC0DJqdqRLgxWYxZLqihhgpyPPKHed2+BDECMJhi
3QupozDC59Wyx0vEpqm5/aT2Pf/9PUfepU/0QFyJs/rtO6IIruBDjQez4xwz0auF
eVSBg8GmjNzeHYU2P/PAFfReiF29PcL/iUmjokM1tWuI9PI/85jbAgMBAAE=
-----END RSA PUBLIC KEY-----
";
}
