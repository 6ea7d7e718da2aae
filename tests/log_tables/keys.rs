//! The tables of key management and cryptography (hem.md A9, A10).

use crate::walk::{Row, row};

/// A9: the column of log entries. What it leaves empty has none.
#[rustfmt::skip]
pub(crate) const KEYS: &[Row] = &[
    row("POST /api/keymgmt/create", GEN, r#"{"label":"a","type":"AES256"}"#, 200, "KEY_GENERATION OK user <new>"),
    row("POST /api/keymgmt/create", GEN, r#"{"label":"a"}"#, 400, "KEY_GENERATION ERROR user -"),
    row("POST /api/keymgmt/create", GEN, r#"{"label":"a","type":"CURVE25519","descr":"<pairing>"}"#, 406, "KEY_GENERATION FAILED user -"),

    row("POST /api/keymgmt/update", "user keymgmt:upd", r#"{"kid":"<new>","label":"b"}"#, 200, "KEY_ATTRIBUTES_CHANGED OK user <new>"),
    row("POST /api/keymgmt/update", "user keymgmt:upd", r#"{"kid":"<new>"}"#, 400, "KEY_ATTRIBUTES_CHANGED ERROR user <new>"),
    row("POST /api/keymgmt/update", "user keymgmt:upd", r#"{"label":"b"}"#, 400, "KEY_ATTRIBUTES_CHANGED ERROR user -"),
    row("POST /api/keymgmt/update", "user keymgmt:upd", r#"{"kid":"<absent>","label":"b"}"#, 406, "KEY_ATTRIBUTES_CHANGED FAILED user <absent>"),

    row("GET /api/keymgmt/get/<new>", "user keymgmt:get", "", 200, ""),
    row("GET /api/keymgmt/get/xyz", "user keymgmt:get", "", 400, ""),
    row("GET /api/keymgmt/get/<absent>", "user keymgmt:get", "", 406, ""),
    row("GET /api/keymgmt/list", "user keymgmt:list", "", 200, ""),
    row("GET /api/keymgmt/list/0", "user keymgmt:list", "", 200, ""),
    row("GET /api/keymgmt/list/0/1", "user keymgmt:list", "", 200, ""),
    row("GET /api/keymgmt/list/x", "user keymgmt:list", "", 406, ""),
    row("GET /api/keymgmt/list/0/x", "user keymgmt:list", "", 406, ""),
    row("POST /api/keymgmt/search", "user keymgmt:search", r#"{"descr":"^QUFBQUFB"}"#, 200, ""),
    row("POST /api/keymgmt/search", "user keymgmt:search", "{}", 400, ""),
    row("POST /api/keymgmt/search", "user keymgmt:search", r#"{"descr":"<long>"}"#, 406, ""),

    row("DELETE /api/keymgmt/delete/<new>", "user keymgmt:del", "", 200, "KEY_DELETE OK user <new>"),
    row("DELETE /api/keymgmt/delete/<new>", "user keymgmt:del", "", 406, "KEY_DELETE FAILED user <new>"),
    row("DELETE /api/keymgmt/delete/xyz", "user keymgmt:del", "", 400, "KEY_DELETE ERROR user -"),

    row("POST /api/keymgmt/import", "user keymgmt:imp", r#"{"label":"a","type":"CURVE25519","pubkey":"<public>"}"#, 200, "KEY_IMPORT OK user <new>"),
    row("POST /api/keymgmt/import", "user keymgmt:imp", r#"{"label":"a","type":"CURVE25519","pubkey":"<public>"}"#, 406, "KEY_IMPORT FAILED user -"),
    row("POST /api/keymgmt/import", "user keymgmt:imp", r#"{"label":"a"}"#, 400, "KEY_IMPORT ERROR user -"),

    row("POST /api/keymgmt/derive", GEN, r#"{"kid":"<ec>","label":"a","type":"AES256","ext_kid":"<ec>"}"#, 200, "KEY_DERIVE OK user <new>"),
    row("POST /api/keymgmt/derive", GEN, r#"{"kid":"<ec>","label":"a"}"#, 400, "KEY_DERIVE ERROR user <ec>"),
    row("POST /api/keymgmt/derive", GEN, r#"{"label":"a"}"#, 400, "KEY_DERIVE ERROR user -"),
    row("POST /api/keymgmt/derive", GEN, r#"{"kid":"<ec>","label":"a","type":"AES256","ext_kid":"<aes>"}"#, 406, "KEY_DERIVE ERROR user <ec>"),

    // By an authenticator: its KID is the subject.
    row("POST /api/keymgmt/create", "phone keymgmt:gen", r#"{"label":"a"}"#, 400, "KEY_GENERATION ERROR <phone> -"),
];

/// A10: OK for 200, ERROR for 400, FAILED for 406.
#[rustfmt::skip]
pub(crate) const CRYPTO: &[Row] = &[
    row("POST /api/crypto/hmac/hash", MAC, r#"{"kid":"<mac-key>","msg":"bWVzc2FnZQ=="}"#, 200, "CRYPTO_HMAC_HASH OK user <mac-key>"),
    row("POST /api/crypto/hmac/hash", MAC, r#"{"kid":"<mac-key>"}"#, 400, "CRYPTO_HMAC_HASH ERROR user <mac-key>"),
    row("POST /api/crypto/hmac/hash", EC, r#"{"kid":"<ec>","ext_kid":"<ec>","msg":"bWVzc2FnZQ=="}"#, 406, "CRYPTO_HMAC_HASH FAILED user <ec>"),
    row("POST /api/crypto/hmac/verify", MAC, r#"{"kid":"<mac-key>","msg":"bWVzc2FnZQ==","mac":"<mac>"}"#, 200, "CRYPTO_HMAC_VERIFY OK user <mac-key>"),
    row("POST /api/crypto/hmac/verify", MAC, r#"{"kid":"<mac-key>"}"#, 400, "CRYPTO_HMAC_VERIFY ERROR user <mac-key>"),
    row("POST /api/crypto/hmac/verify", MAC, r#"{"kid":"<mac-key>","msg":"QUFB","mac":"<mac>"}"#, 406, "CRYPTO_HMAC_VERIFY FAILED user <mac-key>"),

    row("POST /api/crypto/exdsa/sign", EC, r#"{"kid":"<ec>","msg":"bWVzc2FnZQ==","alg":"SHA256WithECDSA"}"#, 200, "CRYPTO_EXDSA_SIGN OK user <ec>"),
    row("POST /api/crypto/exdsa/sign", EC, r#"{"kid":"<ec>","msg":"bWVzc2FnZQ==","alg":"RSA"}"#, 400, "CRYPTO_EXDSA_SIGN ERROR user <ec>"),
    row("POST /api/crypto/exdsa/sign", EC, r#"{"kid":"<ec>","msg":"bWVzc2FnZQ==","alg":"Ed25519"}"#, 406, "CRYPTO_EXDSA_SIGN FAILED user <ec>"),
    row("POST /api/crypto/exdsa/verify", EC, r#"{"kid":"<ec>","msg":"bWVzc2FnZQ==","alg":"SHA256WithECDSA","sign":"<sign>"}"#, 200, "CRYPTO_EXDSA_VERIFY OK user <ec>"),
    row("POST /api/crypto/exdsa/verify", EC, r#"{"kid":"<ec>"}"#, 400, "CRYPTO_EXDSA_VERIFY ERROR user <ec>"),
    row("POST /api/crypto/exdsa/verify", EC, r#"{"kid":"<ec>","msg":"QUFB","alg":"SHA256WithECDSA","sign":"<sign>"}"#, 406, "CRYPTO_EXDSA_VERIFY FAILED user <ec>"),

    row("POST /api/crypto/cipher/encrypt", AES, r#"{"kid":"<aes>","msg":"bWVzc2FnZQ==","alg":"AES256-GCM"}"#, 200, "CRYPTO_ENCRYPT OK user <aes>"),
    row("POST /api/crypto/cipher/encrypt", AES, r#"{"kid":"<aes>","msg":"bWVzc2FnZQ==","alg":"AES"}"#, 400, "CRYPTO_ENCRYPT ERROR user <aes>"),
    row("POST /api/crypto/cipher/encrypt", EC, r#"{"kid":"<ec>","ext_kid":"<aes>","msg":"bWVzc2FnZQ==","alg":"AES256-GCM"}"#, 406, "CRYPTO_ENCRYPT FAILED user <ec>"),
    row("POST /api/crypto/cipher/decrypt", AES, r#"{"kid":"<aes>","msg":"<ciphertext>","alg":"AES256-GCM","iv":"<iv>","tag":"<tag>"}"#, 200, "CRYPTO_DECRYPT OK user <aes>"),
    row("POST /api/crypto/cipher/decrypt", AES, r#"{"kid":"<aes>","msg":"<ciphertext>","alg":"AES256-GCM"}"#, 400, "CRYPTO_DECRYPT ERROR user <aes>"),
    row("POST /api/crypto/cipher/decrypt", AES, r#"{"kid":"<aes>","msg":"<ciphertext>","alg":"AES256-GCM","iv":"<iv>","tag":"<iv>"}"#, 406, "CRYPTO_DECRYPT FAILED user <aes>"),
    row("POST /api/crypto/cipher/wrap", AES, r#"{"kid":"<aes>","msg":"AAAAAAAAAAAAAAAAAAAAAA=="}"#, 200, "CRYPTO_WRAP OK user <aes>"),
    row("POST /api/crypto/cipher/wrap", AES, r#"{"kid":"<aes>"}"#, 400, "CRYPTO_WRAP ERROR user <aes>"),
    row("POST /api/crypto/cipher/wrap", AES, r#"{"kid":"<aes>","msg":"AAAAAAAAAAA="}"#, 406, "CRYPTO_WRAP FAILED user <aes>"),
    row("POST /api/crypto/cipher/unwrap", AES, r#"{"kid":"<aes>","msg":"<wrapped>"}"#, 200, "CRYPTO_UNWRAP OK user <aes>"),
    row("POST /api/crypto/cipher/unwrap", AES, r#"{"kid":"<aes>"}"#, 400, "CRYPTO_UNWRAP ERROR user <aes>"),
    row("POST /api/crypto/cipher/unwrap", AES, r#"{"kid":"<aes>","msg":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#, 406, "CRYPTO_UNWRAP FAILED user <aes>"),

    row("POST /api/crypto/ecdh", EC, r#"{"kid":"<ec>","ext_kid":"<ec>"}"#, 200, "CRYPTO_ECDH OK user <ec>"),
    row("POST /api/crypto/ecdh", EC, r#"{"kid":"<ec>","ext_kid":"<ec>","alg":"MD5"}"#, 400, "CRYPTO_ECDH ERROR user <ec>"),
    row("POST /api/crypto/ecdh", EC, r#"{"kid":"xyz"}"#, 400, "CRYPTO_ECDH ERROR user -"),
    row("POST /api/crypto/ecdh", EC, r#"{"kid":"<ec>"}"#, 406, "CRYPTO_ECDH FAILED user <ec>"),

    row("POST /api/crypto/pqc/mlkem/encaps", KEM, r#"{"kid":"<kem>"}"#, 200, "CRYPTO_PQC_MLKEM_ENCAPS OK user <kem>"),
    row("POST /api/crypto/pqc/mlkem/encaps", KEM, "{}", 400, "CRYPTO_PQC_MLKEM_ENCAPS ERROR user -"),
    row("POST /api/crypto/pqc/mlkem/encaps", EC, r#"{"kid":"<ec>"}"#, 406, "CRYPTO_PQC_MLKEM_ENCAPS FAILED user <ec>"),
    row("POST /api/crypto/pqc/mlkem/decaps", KEM, r#"{"kid":"<kem>","ct":"<ct>"}"#, 200, "CRYPTO_PQC_MLKEM_DECAPS OK user <kem>"),
    row("POST /api/crypto/pqc/mlkem/decaps", KEM, r#"{"kid":"<kem>"}"#, 400, "CRYPTO_PQC_MLKEM_DECAPS ERROR user <kem>"),
    row("POST /api/crypto/pqc/mlkem/decaps", KEM, r#"{"kid":"<kem>","ct":"QUFB"}"#, 406, "CRYPTO_PQC_MLKEM_DECAPS FAILED user <kem>"),
    row("POST /api/crypto/pqc/mldsa/sign", DSA, r#"{"kid":"<dsa>","msg":"bWVzc2FnZQ=="}"#, 200, "CRYPTO_PQC_MLDSA_SIGN OK user <dsa>"),
    row("POST /api/crypto/pqc/mldsa/sign", DSA, r#"{"kid":"<dsa>"}"#, 400, "CRYPTO_PQC_MLDSA_SIGN ERROR user <dsa>"),
    row("POST /api/crypto/pqc/mldsa/sign", EC, r#"{"kid":"<ec>","msg":"bWVzc2FnZQ=="}"#, 406, "CRYPTO_PQC_MLDSA_SIGN FAILED user <ec>"),
    row("POST /api/crypto/pqc/mldsa/verify", DSA, r#"{"kid":"<dsa>","msg":"bWVzc2FnZQ==","sign":"<sign>"}"#, 200, "CRYPTO_PQC_MLDSA_VERIFY OK user <dsa>"),
    row("POST /api/crypto/pqc/mldsa/verify", DSA, r#"{"kid":"<dsa>"}"#, 400, "CRYPTO_PQC_MLDSA_VERIFY ERROR user <dsa>"),
    row("POST /api/crypto/pqc/mldsa/verify", DSA, r#"{"kid":"<dsa>","msg":"QUFB","sign":"<sign>"}"#, 406, "CRYPTO_PQC_MLDSA_VERIFY FAILED user <dsa>"),
];

const GEN: &str = "user keymgmt:gen";
const AES: &str = "user keymgmt:use:<aes>";
const DSA: &str = "user keymgmt:use:<dsa>";
const EC: &str = "user keymgmt:use:<ec>";
const KEM: &str = "user keymgmt:use:<kem>";
const MAC: &str = "user keymgmt:use:<mac-key>";
