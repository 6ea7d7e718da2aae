//! How operations get to where the token is, and answers back.

pub mod frame;
