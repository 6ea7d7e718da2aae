//! A second opinion: what keys of the device compute, computed here by other implementations.

pub(crate) mod agree;
pub(crate) mod cipher;
pub(crate) mod edwards;
pub(crate) mod lattice;
pub(crate) mod mac;
pub(crate) mod sign;
