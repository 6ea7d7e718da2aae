//! Who is calling.

use crate::encoding::{decode_base64, encode_base64};
use crate::kid::Kid;

/// Who is calling, as the `sub` claim says (hem.md A2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Subject {
    /// Someone with an account of the store; the claim is `A:` and the standard base64 of its id.
    Account(AccountId),
    /// Showed no token.
    Anonymous,
    /// A paired external authenticator; its claim is the standard base64 of its KID.
    External(Kid),
    /// The administrator, `M`.
    Master,
    /// The local user, `U`.
    User,
}

/// Names an account of the store: 16 random bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct AccountId(pub [u8; 16]);

impl Subject {
    /// The subject that a `sub` claim names; `None` where it names nobody.
    pub fn from_claim(claim: &str) -> Option<Self> {
        match claim {
            "U" => Some(Self::User),
            "M" => Some(Self::Master),
            _ if claim.starts_with(ACCOUNT) => {
                let id = decode_base64(claim.strip_prefix(ACCOUNT)?)?;
                id.try_into().ok().map(|id| Self::Account(AccountId(id)))
            }
            kid => decode_base64(kid)?.try_into().ok().map(Kid::from_bytes).map(Self::External),
        }
    }

    /// The `sub` claim for this subject; empty for [`Subject::Anonymous`].
    pub fn claim(&self) -> String {
        match self {
            Self::Account(id) => format!("{ACCOUNT}{}", encode_base64(&id.0)),
            Self::Anonymous => String::new(),
            Self::External(kid) => encode_base64(kid.as_bytes()),
            Self::Master => "M".to_owned(),
            Self::User => "U".to_owned(),
        }
    }
}

/// What the claim of an account starts with; no base64 does.
const ACCOUNT: &str = "A:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_round_trip() {
        let kid: Kid = "42afc419dbda72636b37a2455955e095".parse().unwrap();
        assert_eq!(Subject::External(kid).claim(), "Qq/EGdvacmNrN6JFWVXglQ==");
        let account = Subject::Account(AccountId([7; 16]));
        assert_eq!(account.claim(), "A:BwcHBwcHBwcHBwcHBwcHBw==");
        for subject in [account, Subject::External(kid), Subject::Master, Subject::User] {
            assert_eq!(Subject::from_claim(&subject.claim()), Some(subject));
        }
        for bad in ["", "u", "UM", "A:", "A:BwcH", "Qq/EGdvacmNrN6JFWVXg"] {
            assert_eq!(Subject::from_claim(bad), None, "{bad}");
        }
    }
}
