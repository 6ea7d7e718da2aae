//! What leaves the API is what other implementations say: every kind of signature and of secret is
//! checked by OpenSSL and PyCryptodome (`tests/python/oracle.py`), which share no code with the
//! daemon. ML-KEM-512, which they lack, is checked by AWS-LC. docs/vectors.md has the table.

mod agreed;
mod derived;
mod kem;
mod known;
mod signatures;
