"""What a thief finds who has the state file of the key service and the passphrase of a key.

`key_service_two.py STATE TOKEN PASSPHRASE` reads the SQLite file STATE as docs/key-service.md describes
it, with Argon2id and AES-GCM by `cryptography` (OpenSSL), opens the outer layer around the private half of
the key, and prints what is inside and what else the file has of the key and its first message, in
hexadecimal. Whether more than that can be had without the token is tried here, too.
"""

import base64
import json
import sqlite3
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding


def derived(layer, passphrase):
    memory, passes = (int.from_bytes(layer[at:at + 4], "big") for at in (1, 5))
    kdf = Argon2id(salt=layer[9:25], length=32, iterations=passes, lanes=1, memory_cost=memory)
    return kdf.derive(passphrase.encode())


def opened(layer, token, passphrase):
    assert layer[0] == 1
    bound = b"claviger mailbox v1\0" + bytes.fromhex(token) + layer[:37]
    return AESGCM(derived(layer, passphrase)).decrypt(layer[25:37], layer[37:], bound)


def is_private_key(candidate):
    try:
        serialization.load_der_private_key(candidate, None)
    except (ValueError, TypeError):
        return False
    return True


def unwraps(wrapped, key):
    try:
        aes_key_unwrap_with_padding(key, wrapped)
    except InvalidUnwrap:
        return False
    return True


def main(state, token, passphrase):
    base = sqlite3.connect(f"file:{state}?mode=ro", uri=True)
    layer, modulus = base.execute(
        "SELECT sealed, modulus FROM keyservice_keys WHERE token = ?", [bytes.fromhex(token)]
    ).fetchone()
    key, message = base.execute("SELECT encryption_key, message FROM keyservice_messages").fetchone()
    try:
        opened(layer, token, passphrase + "x")
        raise SystemExit("another passphrase opens it")
    except InvalidTag:
        pass
    inner = opened(layer, token, passphrase)
    # A private key of 3072 bits in PKCS#8 has some 1790 bytes, and could begin anywhere.
    assert len(inner) % 8 == 0 and len(inner) > 1700, len(inner)
    readable = [at for at in range(len(inner) - 1000) if inner[at] == 0x30 and is_private_key(inner[at:])]
    assert not readable, readable
    everything = [row[0] for row in base.execute("SELECT document FROM settings")]
    words = [derived(layer, passphrase), bytes(32), modulus[:32], layer[9:25] * 2]
    assert not any(unwraps(inner, word) for word in words)
    private = everything + [bytes(inner).hex(), message]
    assert not any("BEGIN" in str(text) for text in private)
    print(json.dumps({
        "layer": layer.hex(),
        "inner": inner.hex(),
        "modulus": modulus.hex(),
        "block": base64.b64decode(key.removeprefix("claviger1:")).hex(),
        "message": message,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
