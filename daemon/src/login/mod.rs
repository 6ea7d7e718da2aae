//! Logging in: challenges, the session key, bearer tokens, the delay against guessing.

mod challenge;
mod checkin;
mod desk;
mod external;
mod scheme;
mod throttle;
mod tickets;

pub use challenge::time_nonce;
pub use checkin::{Asks, CheckIn, Standing, Told};
pub(crate) use desk::owner;
pub use desk::{Challenge, Desk, LoginClaims, Session};
pub use external::{Errand, External};
pub(crate) use scheme::{open as open_scope, seal as seal_scope};
pub use throttle::Throttle;
pub(crate) use tickets::Fare;
pub use tickets::{NewTicket, Tickets};
