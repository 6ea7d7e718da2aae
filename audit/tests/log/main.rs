//! The log on a real directory.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests, which the allowance for tests does not reach"
)]

mod anchors;
mod bundles;
mod feed;
mod key;
mod live_file;
mod restarting;
mod writing;
