"""Answers what the daemon's answers should be: a JSON object a line, bytes in base64.

Agreements, MACs, AES, ML-KEM, ML-DSA and ECDSA by `cryptography` (OpenSSL) and the standard library,
EdDSA with contexts and of hashes by PyCryptodome.
"""

import hashlib
import hmac
import json
import sys
from base64 import b64decode, b64encode

from Crypto.Hash import SHA512, SHAKE256
from Crypto.Signature import eddsa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, mlkem
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def main():
    for line in sys.stdin:
        question = json.loads(line)
        task = question.pop("do")
        given = {name: b64decode(value) if name in BYTES else value for name, value in question.items()}
        answer = TASKS[task](**given)
        told = {name: b64encode(value).decode() if isinstance(value, bytes) else value
                for name, value in answer.items()}
        print(json.dumps(told), flush=True)


def peer(kind):
    """A fresh key pair."""
    private = load_private(kind, None)
    if kind in CURVES:
        length = (private.curve.key_size + 7) // 8
        raw = private.private_numbers().private_value.to_bytes(length, "big")
    else:
        raw = private.private_bytes_raw()
    return {"private": raw, "public": public_bytes(private)}


def public_of(kind, private):
    """The public key as the API gives it."""
    return {"public": public_bytes(load_private(kind, private))}


def agree(kind, private, public):
    """The raw secret: x-coordinates at full length."""
    private = load_private(kind, private)
    if kind in CURVES:
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(private.curve, public)
        return {"secret": private.exchange(ec.ECDH(), theirs)}
    load = X448PublicKey if kind == "CURVE448" else X25519PublicKey
    return {"secret": private.exchange(load.from_public_bytes(public))}


def digest(alg, msg):
    return {"digest": hashlib.new(HASHES[alg], msg).digest()}


def mac(alg, key, msg):
    return {"mac": hmac.new(key, msg, HASHES[alg]).digest()}


def derive(secret, info, length):
    """HKDF-SHA-256 without salt."""
    return {"key": HKDF(hashes.SHA256(), length, None, info).derive(secret)}


def encrypt(alg, key, msg, iv, aad):
    mode = alg[-3:]
    if mode == "GCM":
        sealed = AESGCM(key).encrypt(iv, msg, aad)
        return {"msg": sealed[:-16], "tag": sealed[-16:]}
    if mode == "CBC":
        pad = padding.PKCS7(128).padder()
        msg = pad.update(msg) + pad.finalize()
    run = block_cipher(mode, key, iv).encryptor()
    return {"msg": run.update(msg) + run.finalize(), "tag": b""}


def decrypt(alg, key, msg, iv, tag, aad):
    mode = alg[-3:]
    if mode == "GCM":
        return {"plain": AESGCM(key).decrypt(iv, msg + tag, aad)}
    run = block_cipher(mode, key, iv).decryptor()
    plain = run.update(msg) + run.finalize()
    if mode == "CBC":
        unpad = padding.PKCS7(128).unpadder()
        plain = unpad.update(plain) + unpad.finalize()
    return {"plain": plain}


def wrap(key, msg):
    return {"wrapped": aes_key_wrap(key, msg)}


def unwrap(key, msg):
    return {"unwrapped": aes_key_unwrap(key, msg)}


def encapsulate(kind, public):
    load = {"MLKEM768": mlkem.MLKEM768PublicKey, "MLKEM1024": mlkem.MLKEM1024PublicKey}[kind]
    secret, ciphertext = load.from_public_bytes(public).encapsulate()
    return {"ss": secret, "ct": ciphertext}


def verify(kind, alg, public, msg, ctx, sign):
    """Whether the signature holds."""
    try:
        if kind in CURVES:
            key = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[kind](), public)
            hash_ = {"SHA256": hashes.SHA256, "SHA384": hashes.SHA384, "SHA512": hashes.SHA512}
            key.verify(sign, msg, ec.ECDSA(hash_[alg[:6]]()))
        elif kind.startswith("MLDSA"):
            key = getattr(mldsa, f"{kind}PublicKey").from_public_bytes(public)
            key.verify(sign, msg, ctx)
        else:
            if alg.endswith("ph"):
                msg = SHA512.new(msg) if kind == "ED25519" else SHAKE256.new(msg)
            context = b"" if alg == "Ed25519" else ctx
            eddsa.new(eddsa.import_public_key(public), "rfc8032", context=context).verify(msg, sign)
    except (InvalidSignature, ValueError):
        return {"holds": False}
    return {"holds": True}


def load_private(kind, raw):
    """A private key from its bytes, or a fresh one."""
    if kind in CURVES:
        curve = CURVES[kind]()
        if raw is None:
            return ec.generate_private_key(curve)
        return ec.derive_private_key(int.from_bytes(raw, "big"), curve)
    load = {"CURVE25519": X25519PrivateKey, "CURVE448": X448PrivateKey,
            "ED25519": Ed25519PrivateKey, "ED448": Ed448PrivateKey}[kind]
    return load.generate() if raw is None else load.from_private_bytes(raw)


def public_bytes(private):
    public = private.public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        return public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return public.public_bytes_raw()


def block_cipher(mode, key, iv):
    return Cipher(algorithms.AES(key), modes.CBC(iv) if mode == "CBC" else modes.ECB())


BYTES = {"private", "public", "msg", "key", "secret", "info", "iv", "tag", "aad", "ctx", "sign"}
CURVES = {"SECP256R1": ec.SECP256R1, "SECP384R1": ec.SECP384R1, "SECP521R1": ec.SECP521R1,
          "SECP256K1": ec.SECP256K1}
HASHES = {"SHA2-256": "sha256", "SHA2-384": "sha384", "SHA2-512": "sha512",
          "SHA3-256": "sha3_256", "SHA3-384": "sha3_384", "SHA3-512": "sha3_512"}
TASKS = {task.__name__: task for task in (
    peer, public_of, agree, digest, mac, derive, encrypt, decrypt, wrap, unwrap, encapsulate, verify)}

if __name__ == "__main__":
    main()
