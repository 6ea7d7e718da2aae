"""Looks for a padding oracle in end-to-end key exchanges.

`e2e_oracle.py URL CA TOKEN COUNT` sends COUNT key exchanges that are malformed inside in ten ways, in
random order, with good ones and wrong check digits between. It prints whether all were answered alike,
and the Kruskal-Wallis statistic of how long the answers took.
"""

import json
import secrets
import sys

from alike import compare, told
from e2e import KEY, Client, check_digit


def filler(length):
    return bytes(1 + secrets.randbelow(255) for _ in range(length))


def padded(message, length, head=b"\x00\x02"):
    return head + filler(length - 3 - len(message)) + b"\x00" + message


def with_byte(block, at, byte):
    return block[:at] + bytes([byte]) + block[at + 1:]


# What is in the block: its length and a key. The first is as it must be.
CLASSES = {
    "wrong check digit": lambda n, key: padded(key, n),
    "first byte 1": lambda n, key: padded(key, n, b"\x01\x02"),
    "block type 1": lambda n, key: padded(key, n, b"\x00\x01"),
    "block type 0": lambda n, key: padded(key, n, b"\x00\x00"),
    "zero in the first filler": lambda n, key: with_byte(padded(key, n), 5, 0),
    "no separator": lambda n, key: b"\x00\x02" + filler(n - 2),
    "separator early": lambda n, key: with_byte(padded(key, n), n - 60, 0),
    "separator late": lambda n, key: padded(key[:16], n),
    "empty": lambda n, key: padded(b"", n),
    "64 that are no digits": lambda n, key: padded(b"z" * 64, n),
    "33 bytes": lambda n, key: padded(key + b"1", n),
}


def prepared(client, modulus, make, wrong):
    """A request, to be sent."""
    length = (modulus.bit_length() + 7) // 8
    key, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    # One that is too large can be seen to be so.
    block = int.from_bytes(make(length, key), "big") % modulus
    sealed = pow(block, 65537, modulus).to_bytes(length, "big")
    digit = int(check_digit(key, iv), 16) ^ wrong
    body = {"encryptedKey": (iv + sealed).hex(), "checkDigit": f"{digit:06x}"}
    return lambda: client.session.post(f"{client.url}{KEY}", json=body, timeout=60)


def main(url, ca, token, count):
    client = Client(url, ca, token)
    modulus = int(client.ask("GET", KEY, 200).json()["modulus"], 16)
    good = []

    def between():
        good.append(prepared(client, modulus, CLASSES["wrong check digit"], 0)().status_code == 201)

    rounds = int(count) // (len(CLASSES) - 1)
    ways = {
        name: lambda make=make: prepared(client, modulus, make, 1) for name, make in CLASSES.items()
    }
    faces, times = compare(ways, rounds, between)
    print(json.dumps({
        "answers": sorted(faces),
        "asked": rounds * (len(CLASSES) - 1),
        "good": sum(good),
        "rounds": rounds,
    } | told(times)))


if __name__ == "__main__":
    main(*sys.argv[1:])
