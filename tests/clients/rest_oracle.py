"""Looks for what tells logins apart that came to nothing.

`rest_oracle.py URL CA USERNAME PASSWORD LOCKED ROUNDS SCHEME` logs in ROUNDS times by a wrong password, a name
that nobody has, the names of locked accounts with PASSWORD, the right one, and with references that are
unknown, used, or of another key; one after the other, in random order. LOCKED are the names of those accounts,
with commas. It prints who was answered alike, and the statistic of how long the answers took.
"""

import json
import secrets
import sys
import uuid
from itertools import cycle

from alike import compare, told
from rest_login import Client, tokens


def main(url, ca, username, password, locked, rounds, scheme):
    client = Client(url, ca, "", username, password)
    used, key = client.agree(scheme)
    tokens(client.post("login", client.sealed(used, key), used))
    names = cycle(locked.split(","))

    def sent(reference=None, **other):
        body = client.body(**other) if reference is None else client.sealed(reference, key, **other)
        return lambda: client.post("login", body, reference)

    def of_another_key():
        reference, _ = client.agree(scheme)
        return sent(reference)

    ways = {
        "wrong password": lambda: sent(password=secrets.token_hex(8)),
        "nobody": lambda: sent(username=secrets.token_hex(8)),
        "locked": lambda: sent(username=next(names)),
        "unknown reference": lambda: sent(str(uuid.uuid4())),
        "used reference": lambda: sent(used),
        "another key": of_another_key,
    }

    def between():
        """A good login forgives the failures before it."""
        tokens(client.post("login", client.body()))

    faces, times = compare(ways, int(rounds), between)
    alike = [{"answer": shown, "ways": who} for shown, who in sorted(faces.items())]
    print(json.dumps({"alike": alike, "rounds": int(rounds)} | told(times)))


if __name__ == "__main__":
    main(*sys.argv[1:])
