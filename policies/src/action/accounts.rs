//! What key agreement and login let one do, beyond what is open to everybody.

use super::{Action, Roles};

/// Make accounts, change their passwords, lock them. It is the user's in person: an account may be
/// given any scope, also one that its maker has no role for.
#[derive(Clone, Copy, Debug, Default)]
pub struct ManageAccounts;

impl Action for ManageAccounts {
    const ROLES: Roles = Roles::USER;
    const SCOPES: &'static [&'static str] = &["account:manage"];
}
