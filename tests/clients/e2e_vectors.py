"""The published vectors of the API for end-to-end key exchanges, against a device that has their key.

`e2e_vectors.py key FILE` prints the numbers of the RSA key. `e2e_vectors.py run FILE URL CA TOKEN STATE` sends
all of them. Events are random: the state file STATE is told which one is due.
"""

import hashlib
import json
import sqlite3
import sys
from collections import Counter

from cryptography.hazmat.primitives import serialization

from e2e import DATA, KEY, Client, cbc_decrypt, opened


def numbers(vectors):
    key = serialization.load_pem_private_key(vectors["rsa_private_pkcs8_pem"].encode(), None)
    private = key.private_numbers()
    found = {
        "n": private.public_numbers.n, "e": private.public_numbers.e, "d": private.d, "p": private.p,
        "q": private.q, "dmp1": private.dmp1, "dmq1": private.dmq1, "iqmp": private.iqmp,
    }
    digits = lambda number: f"{number:0{2 * ((number.bit_length() + 7) // 8)}x}"
    return {name: digits(number) for name, number in found.items()}


def run(vectors, url, ca, token, state):
    count = Counter()
    client = Client(url, ca, token)
    key, iv = bytes.fromhex(vectors["EK"]), bytes.fromhex(vectors["IV"])

    def due(event):
        with sqlite3.connect(state, timeout=20) as rows:
            name = hashlib.sha256(event.encode()).digest()
            assert rows.execute("UPDATE e2e_sessions SET event = ?", (name,)).rowcount == 1

    for form in ("encryptedKey_hexkey", "encryptedKey_rawkey"):
        one = vectors["v1"]
        body = {"encryptedKey": one[form], "checkDigit": one["checkDigit_cbc_spaces"]}
        event = client.ask("POST", KEY, 201, body).headers["eventID"]
        assert len(event) == len(one["eventID_hex"])
        assert len(cbc_decrypt(key, iv, bytes.fromhex(event))) == 32
        count[form] += 1
    two = vectors["v2"]
    names = ("algorithm", "encryptedPayload", "encKeyCheckDigit", "hmacKeyCheckDigit")
    reply = client.ask("POST", "/security/e2e/key", 200, {name: two[name] for name in names})
    assert len(reply.headers["eventId"]) == len(two["eventId"])
    count["v2 key"] += 1
    due(vectors["SR"])
    reply = client.ask("POST", DATA, 200, {"encryptedPayload": two["data_payload"]})
    assert opened(reply).decode() == two["data_plain"][64:]
    count["v2 data"] += 1
    half = client.ask("GET", KEY, 200).json()
    assert half["modulus"] == vectors["modulus_hex"] and half["exponent"] == vectors["exponent_hex"]
    count["modulus"] += 1
    due(vectors["SR"])
    browser = vectors["browser"]
    reply = client.ask("POST", DATA, 200, {"encryptedPayload": browser["password_hex"]})
    assert opened(reply).decode() == browser["plain"].split(",")[1]
    count["browser"] += 1
    print(json.dumps(count))


if __name__ == "__main__":
    with open(sys.argv[2]) as file:
        known = json.load(file)
    if sys.argv[1] == "key":
        print(json.dumps(numbers(known)))
    else:
        run(known, *sys.argv[3:])
