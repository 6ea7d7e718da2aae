//! What the key service lets one do. Where it is open to anyone, token and passphrase of a key are
//! all that is asked for, and nobody's scope or role counts.

use super::{Action, Door, Roles};
use crate::scope::Scope;

/// One action: its name, its scope, and what it is.
macro_rules! actions {
    ($($name:ident = $scope:literal, $about:literal;)*) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name {
            /// Whether anybody may.
            pub anyone: bool,
        }

        impl Action for $name {
            const DOOR: Door = Door::Conditional;
            const ROLES: Roles = Roles::ALL;
            const SCOPES: &'static [&'static str] = &[$scope];

            fn within(&self, scope: &Scope) -> bool {
                self.anyone || scope.covers($scope)
            }

            fn open_to_anyone(&self) -> bool {
                self.anyone
            }
        }
    )*};
}

actions! {
    CreateMailbox = "keyservice:create", "Have a key made for messages, or bring one.";
    DeleteMailbox = "keyservice:delete", "Delete a key and its messages.";
    ReadMailbox = "keyservice:read", "Read the messages of a key.";
    SendMessage = "keyservice:send", "Leave a message.";
}
