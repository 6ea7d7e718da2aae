//! The published APIs, each with its own way to say no.

pub mod hem;
