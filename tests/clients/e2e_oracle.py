"""Looks for a padding oracle in end-to-end key exchanges.

`e2e_oracle.py URL CA TOKEN COUNT` sends COUNT key exchanges that are malformed inside in ten ways, in
random order, with good ones and wrong check digits between. It prints whether all were answered alike,
and the Kruskal-Wallis statistic of how long the answers took.
"""

import json
import math
import random
import secrets
import statistics
import sys
import time

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


def ask(client, modulus, make, wrong):
    length = (modulus.bit_length() + 7) // 8
    key, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    # One that is too large can be seen to be so.
    block = int.from_bytes(make(length, key), "big") % modulus
    sealed = pow(block, 65537, modulus).to_bytes(length, "big")
    digit = int(check_digit(key, iv), 16) ^ wrong
    body = {"encryptedKey": (iv + sealed).hex(), "checkDigit": f"{digit:06x}"}
    began = time.perf_counter()
    reply = client.session.post(f"{client.url}{KEY}", json=body, timeout=60)
    return reply, time.perf_counter() - began


def face(reply):
    """All of an answer but what differs between any two."""
    headers = {k.lower(): v for k, v in reply.headers.items()}
    for name in ("audit-index", "date"):
        headers.pop(name, None)
    return json.dumps([reply.status_code, reply.text, sorted(headers.items())])


def kruskal_wallis(groups):
    """H and its probability by chance, with as many degrees of freedom as groups but one."""
    ranked = sorted((value, which) for which, group in enumerate(groups) for value in group)
    sums, total = [0.0] * len(groups), len(ranked)
    for rank, (_, which) in enumerate(ranked, 1):
        sums[which] += rank
    parts = (s * s / len(group) for s, group in zip(sums, groups))
    h = 12 / (total * (total + 1)) * sum(parts) - 3 * (total + 1)
    # The upper incomplete gamma function of an integer or half of one.
    a, x = (len(groups) - 1) / 2, h / 2
    term = series = math.exp(-x + a * math.log(x) - math.lgamma(a + 1)) if x > 0 else 0.0
    for n in range(1, 1000):
        term *= x / (a + n)
        series += term
    return h, max(0.0, 1 - series)


def main(url, ca, token, count):
    client = Client(url, ca, token)
    modulus = int(client.ask("GET", KEY, 200).json()["modulus"], 16)
    names = list(CLASSES)
    for name in names:
        ask(client, modulus, CLASSES[name], 1)
    times, faces, good = {name: [] for name in names}, {}, 0
    rounds = int(count) // (len(names) - 1)
    for _ in range(rounds):
        random.shuffle(names)
        for name in names:
            reply, took = ask(client, modulus, CLASSES[name], 1)
            times[name].append(took)
            faces.setdefault(face(reply), name)
        reply, _ = ask(client, modulus, CLASSES["wrong check digit"], 0)
        good += reply.status_code == 201
    h, p = kruskal_wallis(list(times.values()))
    medians = {name: statistics.median(times[name]) * 1e6 for name in CLASSES}
    middle = medians["wrong check digit"]
    print(json.dumps({
        "answers": sorted(faces),
        "asked": rounds * (len(CLASSES) - 1),
        "good": good,
        "rounds": rounds,
        "kruskal-wallis": {"h": round(h, 2), "p": round(p, 4)},
        "median us": round(middle, 1),
        "largest difference us": round(max(abs(m - middle) for m in medians.values()), 1),
        "differences us": {name: round(m - middle, 1) for name, m in medians.items()},
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
