//! The kinds of entry and their results, under their documented names (HEM, A13).

use crate::field::ExtForm;

/// Declares the log types once: code, name, what field 6 holds, and the doc line.
macro_rules! log_types {
    ($($(#[$doc:meta])+ $code:literal $name:ident $form:ident,)+) => {
        /// What an entry is about. The numbers are those of field 3 of a line.
        #[expect(non_camel_case_types, reason = "the documented names, as auditors search for them")]
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        pub enum LogType {
            $($(#[$doc])+ $name = $code,)+
        }

        impl LogType {
            /// Every type, by ascending code.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The documented name, such as `LOG_TYPE_CRYPTO_ECDH`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The number in field 3 (written there in hex).
            pub fn code(self) -> u8 {
                match self { $(Self::$name => $code,)+ }
            }

            /// The type with this number, if it is assigned.
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)+ _ => None }
            }

            /// What field 6 of this type holds.
            pub(crate) fn ext_form(self) -> ExtForm {
                match self { $(Self::$name => ExtForm::$form,)+ }
            }
        }
    };
}

log_types! {
    /// The HMAC key of the lines that follow; only the log itself writes it.
    0 LOG_TYPE_KEY_INIT Raw,
    /// The daemon started.
    1 LOG_TYPE_STARTUP Raw,
    /// A reboot was asked for.
    2 LOG_TYPE_REBOOT Raw,
    /// The daemon stopped in good order.
    3 LOG_TYPE_SHUTDOWN Raw,
    /// An upgrade was asked for.
    4 LOG_TYPE_UPGRADE Raw,
    /// The random number generator failed its test.
    5 LOG_TYPE_TRNG_FAILED Raw,
    /// TLS could not be set up or renewed.
    6 LOG_TYPE_TLS_ERROR Text,
    /// The self-test passed.
    7 LOG_TYPE_SELFTEST_PASSED Raw,
    /// The device went into a state it does not call secure.
    8 LOG_TYPE_NON_SECURE_STATE Raw,
    /// The list of log files was asked for.
    9 LOG_TYPE_LOGGER_LIST_LOG Raw,
    /// The deletion of a log file was asked for (not offered).
    10 LOG_TYPE_LOGGER_DELETE_LOG Raw,
    /// A log file was asked for.
    11 LOG_TYPE_LOGGER_READ_LOG Text,
    /// A token lacked the scope that a request needed.
    12 LOG_TYPE_FAILED_SCOPE_CHECK Text,
    /// A local login.
    13 LOG_TYPE_AUTH_SUCCESS_INTERNAL Text,
    /// A login by an external authenticator.
    14 LOG_TYPE_AUTH_SUCCESS_EXTERNAL Text,
    /// An external authenticator was paired.
    15 LOG_TYPE_AUTH_PAIRED_EXTERNAL Kid,
    /// The configuration changed.
    18 LOG_TYPE_CONFIG_UPDATED Raw,
    /// The clock was set.
    19 LOG_TYPE_RTC_SET Time,
    /// A key was generated.
    20 LOG_TYPE_KEY_GENERATION Kid,
    /// A key was deleted.
    21 LOG_TYPE_KEY_DELETE Kid,
    /// A key was imported.
    22 LOG_TYPE_KEY_IMPORT Kid,
    /// A key's public half was read.
    23 LOG_TYPE_KEY_USAGE_PKEY Kid,
    /// A key's record does not match its integrity value.
    24 LOG_TYPE_KEY_INTEGRITY_ERROR Raw,
    /// A key's label, description or flags changed.
    25 LOG_TYPE_KEY_ATTRIBUTES_CHANGED Kid,
    /// A key was derived.
    26 LOG_TYPE_KEY_DERIVE Kid,
    /// The device was initialised.
    29 LOG_TYPE_DEVICE_INITED Raw,
    /// An HMAC was computed.
    30 LOG_TYPE_CRYPTO_HMAC_HASH Kid,
    /// An HMAC was checked.
    31 LOG_TYPE_CRYPTO_HMAC_VERIFY Kid,
    /// A signature was made.
    32 LOG_TYPE_CRYPTO_EXDSA_SIGN Kid,
    /// A signature was checked.
    33 LOG_TYPE_CRYPTO_EXDSA_VERIFY Kid,
    /// A key or message was wrapped.
    34 LOG_TYPE_CRYPTO_WRAP Kid,
    /// A key or message was unwrapped.
    35 LOG_TYPE_CRYPTO_UNWRAP Kid,
    /// A message was encrypted.
    36 LOG_TYPE_CRYPTO_ENCRYPT Kid,
    /// A message was decrypted.
    37 LOG_TYPE_CRYPTO_DECRYPT Kid,
    /// A shared secret was agreed on.
    38 LOG_TYPE_CRYPTO_ECDH Kid,
    /// An ML-KEM secret was encapsulated.
    39 LOG_TYPE_CRYPTO_PQC_MLKEM_ENCAPS Kid,
    /// An ML-KEM secret was decapsulated.
    40 LOG_TYPE_CRYPTO_PQC_MLKEM_DECAPS Kid,
    /// An ML-DSA signature was made.
    41 LOG_TYPE_CRYPTO_PQC_MLDSA_SIGN Kid,
    /// An ML-DSA signature was checked.
    42 LOG_TYPE_CRYPTO_PQC_MLDSA_VERIFY Kid,
    /// The end of an earlier file was torn by a crash and was set aside.
    128 LOG_TYPE_AUDIT_TAIL_RECOVERED Text,
    /// The log could not be written for a while, and goes on.
    129 LOG_TYPE_AUDIT_GAP Text,
    /// An operator had the log begun anew after a loss.
    130 LOG_TYPE_AUDIT_RESTARTED Text,
    /// The syslog collector was away, or lines could not be sent to it.
    131 LOG_TYPE_SYSLOG_GAP Text,
    /// A logger key takes over from another, or one that another took over from is destroyed.
    132 LOG_TYPE_AUDIT_KEY_CHANGED Text,
    /// A change without a known entry was found, and brought to its end.
    133 LOG_TYPE_AUDIT_RECONCILED Text,
    /// A key was agreed on for a login.
    134 LOG_TYPE_KEY_AGREEMENT Text,
    /// An account was to log in.
    135 LOG_TYPE_LOGIN Text,
    /// A login was to get another access token.
    136 LOG_TYPE_LOGIN_REFRESH Text,
    /// A login was to be ended.
    137 LOG_TYPE_LOGOUT Text,
    /// A client sent the keys of a session.
    138 LOG_TYPE_E2E_KEY_STORED Text,
    /// A browser fetched the key to encrypt to.
    139 LOG_TYPE_E2E_KEY_SENT Text,
    /// A payload was to be opened.
    140 LOG_TYPE_E2E_DATA Text,
    /// A key for messages was made.
    141 LOG_TYPE_KEYSERVICE_CREATE Text,
    /// A key for messages was brought.
    142 LOG_TYPE_KEYSERVICE_UPLOAD Text,
    /// A message was left.
    143 LOG_TYPE_KEYSERVICE_SEND Text,
    /// The messages of a key were read.
    144 LOG_TYPE_KEYSERVICE_READ Text,
    /// A key and its messages were deleted.
    145 LOG_TYPE_KEYSERVICE_DELETE Text,
    /// A token of limited use was issued.
    146 LOG_TYPE_TOKEN_ISSUED Text,
    /// A token of limited use had its last use.
    147 LOG_TYPE_TOKEN_EXHAUSTED Text,
    /// An account was made, locked or unlocked, or got another password.
    148 LOG_TYPE_ACCOUNT_CHANGED Text,
    /// Somebody failed so often that nothing of his is looked at for a while.
    149 LOG_TYPE_GUESSING Text,
    /// A key was destroyed because its time was over.
    150 LOG_TYPE_KEY_EXPIRED Text,
    /// A key of the daemon's own was made at its first use.
    151 LOG_TYPE_SYSTEM_KEY_MADE Text,
}

/// How it ended: field 4 of a line, in decimal.
#[expect(non_camel_case_types, reason = "the documented names, as auditors search for them")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum LogResult {
    /// It was done.
    LOG_RESULT_OK = 0,
    /// It was tried or refused, and did not happen.
    LOG_RESULT_FAILED = 1,
    /// It could not be tried: the arguments made no sense, or the work broke off.
    LOG_RESULT_ERROR = 2,
}

impl LogResult {
    /// The documented name, such as `LOG_RESULT_OK`.
    pub fn name(self) -> &'static str {
        match self {
            Self::LOG_RESULT_OK => "LOG_RESULT_OK",
            Self::LOG_RESULT_FAILED => "LOG_RESULT_FAILED",
            Self::LOG_RESULT_ERROR => "LOG_RESULT_ERROR",
        }
    }

    /// The number in field 4.
    pub fn code(self) -> u8 {
        match self {
            Self::LOG_RESULT_OK => 0,
            Self::LOG_RESULT_FAILED => 1,
            Self::LOG_RESULT_ERROR => 2,
        }
    }

    /// The result with this number, if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::LOG_RESULT_OK),
            1 => Some(Self::LOG_RESULT_FAILED),
            2 => Some(Self::LOG_RESULT_ERROR),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_types_are_the_same_list() {
        assert_eq!(LogType::ALL.len(), 63);
        for kind in LogType::ALL {
            assert_eq!(LogType::from_code(kind.code()), Some(*kind));
            assert!(kind.name().starts_with("LOG_TYPE_"));
        }
        for free in [16, 17, 27, 28, 43, 127, 255] {
            assert_eq!(LogType::from_code(free), None);
        }
        assert_eq!(LogType::LOG_TYPE_CRYPTO_ECDH.code(), 38);
        assert_eq!(LogType::LOG_TYPE_CRYPTO_ECDH.name(), "LOG_TYPE_CRYPTO_ECDH");
    }
}
