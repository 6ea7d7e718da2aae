//! What is known of an operation without doing it.

use policies::Kid;

use super::Operation;
use crate::exchange::Exchange;
use crate::mailbox::Mailbox;
use crate::task::{Held, Key};

impl Operation {
    /// What [`name`](Self::name) answers.
    pub const NAMES: [&str; 24] = [
        "agree",
        "agree_identity",
        "agree_once",
        "attest",
        "derive",
        "destroy",
        "destroy_creation",
        "employ",
        "exchange",
        "generate_pair",
        "generate_sealed",
        "generate_secret",
        "list",
        "mac",
        "mailbox",
        "make_logger",
        "provision",
        "read_anchors",
        "retire_logger",
        "sealed",
        "self_test",
        "sign_log",
        "status",
        "write_anchor",
    ];

    /// Its kind, for those who count. It says nothing of any key.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Agree { .. } => "agree",
            Self::AgreeIdentity { .. } => "agree_identity",
            Self::AgreeOnce { .. } => "agree_once",
            Self::Attest { .. } => "attest",
            Self::Derive { .. } => "derive",
            Self::Destroy { .. } => "destroy",
            Self::DestroyCreation { .. } => "destroy_creation",
            Self::Employ { .. } => "employ",
            Self::Exchange(_) => "exchange",
            Self::GeneratePair { .. } => "generate_pair",
            Self::GenerateSealed { .. } => "generate_sealed",
            Self::GenerateSecret { .. } => "generate_secret",
            Self::List => "list",
            Self::Mac { .. } => "mac",
            Self::Mailbox(_) => "mailbox",
            Self::MakeLogger => "make_logger",
            Self::Provision => "provision",
            Self::ReadAnchors => "read_anchors",
            Self::RetireLogger { .. } => "retire_logger",
            Self::Sealed { .. } => "sealed",
            Self::SelfTest => "self_test",
            Self::SignLog { .. } => "sign_log",
            Self::Status => "status",
            Self::WriteAnchor { .. } => "write_anchor",
        }
    }

    /// The key of a caller in the token that it works with.
    pub fn own_key(&self) -> Option<Kid> {
        match self {
            Self::Agree { kid, .. } => Some(*kid),
            Self::Derive { key: Key { kid, held: Held::Resident, .. }, .. }
            | Self::Employ { key: Key { kid, held: Held::Resident, .. }, .. } => Some(*kid),
            _ => None,
        }
    }

    /// Whether it opens a sealed key of a caller, or a mailbox.
    pub(crate) fn opens_sealed(&self) -> bool {
        match self {
            Self::Derive { key, .. } | Self::Employ { key, .. } => {
                matches!(key.held, Held::Sealed(_))
            }
            Self::Mailbox(Mailbox::Open { .. }) | Self::Sealed { .. } => true,
            _ => false,
        }
    }

    /// Whether it may be run again when its outcome is unknown.
    pub fn is_repeatable(&self) -> bool {
        !matches!(
            self,
            Self::Destroy { .. }
                | Self::DestroyCreation { .. }
                | Self::Exchange(Exchange::Key { .. })
                | Self::GeneratePair { .. }
                | Self::GenerateSecret { .. }
                | Self::Mailbox(Mailbox::Ready)
                | Self::MakeLogger
                | Self::Provision
                | Self::RetireLogger { .. }
        )
    }

    /// Whether it is slow enough to have its own thread, so that it can't starve the others.
    pub fn is_slow(&self) -> bool {
        !self.is_repeatable()
            || matches!(
                self,
                Self::AgreeOnce { .. }
                    | Self::List
                    | Self::Mailbox(Mailbox::Make { .. } | Mailbox::Open { .. })
                    | Self::WriteAnchor { .. }
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_token_is_never_repeated() {
        let kid = Kid::from_bytes([1; 16]);
        assert!(!Operation::Destroy { kid }.is_repeatable());
        assert!(!Operation::Provision.is_repeatable());
        assert!(Operation::Mac { message: vec![] }.is_repeatable());
    }
}
