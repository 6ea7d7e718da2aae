"""A client of the API for end-to-end key exchanges, written from its description alone.

`e2e.py URL CA TOKEN PASSWORD` agrees on sessions in each of the three forms, with RSA and AES by `cryptography`
(OpenSSL) on this side, sends payloads in them, and prints how often which answer was as described. TOKEN
has the scopes e2e:exchange and e2e:use; in the file PASSWORD is that of the account `operator`.
"""

import base64
import hmac
import json
import secrets
import sys
import threading
import time
from collections import Counter

import requests
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY, DATA = "/v1/security/e2eKey", "/v1/security/e2eData"


def cbc_encrypt(key, iv, plain):
    pad = block_padding.PKCS7(128).padder()
    work = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return work.update(pad.update(plain) + pad.finalize()) + work.finalize()


def cbc_decrypt(key, iv, sealed):
    work = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    unpad = block_padding.PKCS7(128).unpadder()
    return unpad.update(work.update(sealed) + work.finalize()) + unpad.finalize()


def check_digit(key, iv):
    work = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return work.update(b" " * 16).hex()[:6]


class Client:
    """An installation of an application."""

    def __init__(self, url, ca, token, uuid=None):
        self.url = url
        self.uuid = uuid or secrets.token_hex(16)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = ca
        self.session.headers.update({
            "Authorization": f"Bearer {token}",
            "client_id": "a-client",
            "uuid": self.uuid,
            "Accept-Language": "en-US",
        })

    def ask(self, method, path, status, body=None, **headers):
        reply = self.session.request(
            method, f"{self.url}{path}", timeout=60, json=body, headers=headers
        )
        assert reply.status_code == status, (method, path, reply.status_code, reply.text)
        assert reply.headers["Cache-Control"] == "no-store", path
        return reply

    def refusal(self, path, body, status, kind, code, **headers):
        reply = self.ask("POST", path, status, body, **headers).json()
        assert (reply["type"], reply["code"]) == (kind, code), reply
        assert set(reply) <= {"type", "code", "details", "location", "moreInfo"}, reply
        return reply

    def public_key(self):
        """The device's key; the session that comes with it is the browser's."""
        reply = self.ask("GET", KEY, 200)
        body = reply.json()
        assert set(body) == {"modulus", "exponent", "keyIdentifier"}, body
        assert len(body["modulus"]) in (512, 768) and len(body["keyIdentifier"]) == 32, body
        assert reply.headers["bizToken"]
        numbers = rsa.RSAPublicNumbers(int(body["exponent"], 16), int(body["modulus"], 16))
        assert numbers.e == 65537
        return numbers.public_key(), reply.headers["eventID"]


def expiry(reply):
    left = int(reply.headers["eventIDExpiry"]) / 1000 - time.time()
    assert 25 * 60 < left <= 30 * 60 + 5, left


class One:
    """A session of version 1."""

    def __init__(self, client, public, as_digits=True, key=None, iv=None):
        self.client = client
        self.key, self.iv = key or secrets.token_bytes(32), iv or secrets.token_bytes(16)
        plain = self.key.hex().upper().encode() if as_digits else self.key
        sealed = public.encrypt(plain, padding.PKCS1v15())
        body = {
            "encryptedKey": (self.iv + sealed).hex().upper(),
            "checkDigit": check_digit(self.key, self.iv),
            "algorithm": "AES",
        }
        reply = client.ask("POST", KEY, 201, body)
        assert reply.content == b""
        expiry(reply)
        self.event = self.read(reply)

    def read(self, reply):
        text = reply.headers["eventID"]
        assert text == text.upper(), text
        event = cbc_decrypt(self.key, self.iv, bytes.fromhex(text))
        assert len(event) == 32, event
        return event

    def frame(self, data, event=None):
        plain = secrets.token_hex(16).encode() + (event or self.event) + data
        return cbc_encrypt(self.key, self.iv, plain).hex()

    def send(self, data):
        reply = self.client.ask("POST", DATA, 200, {"encryptedPayload": self.frame(data)})
        self.event = self.read(reply)
        return opened(reply)


class Two:
    """A session of version 2."""

    def __init__(self, client, public, path="/security/e2e/key"):
        self.client = client
        self.key, self.iv, self.mac = (secrets.token_bytes(n) for n in (32, 16, 32))
        plain = (self.key + self.iv + self.mac).hex().encode()
        sealed = public.encrypt(plain, padding.PKCS1v15())
        body = {
            "algorithm": "AES",
            # Such clients write a number.
            "encryptedPayload": f"{int.from_bytes(sealed, 'big'):x}",
            "encKeyCheckDigit": check_digit(self.key, self.iv).upper(),
            "hmacKeyCheckDigit": check_digit(self.mac, self.iv),
        }
        reply = client.ask("POST", path, 200, body)
        expiry(reply)
        self.event = self.read(reply)

    def read(self, reply):
        sealed, mac = map(base64.b64decode, reply.headers["eventId"].split("."))
        assert hmac.compare_digest(mac, hmac.digest(self.mac, sealed, "sha256"))
        event = cbc_decrypt(self.key, self.iv, sealed)
        assert len(event) == 32, event
        return event

    def frame(self, data, event=None):
        plain = secrets.token_hex(16).encode() + (event or self.event) + data
        sealed = cbc_encrypt(self.key, self.iv, plain)
        mac = hmac.digest(self.mac, sealed, "sha256")
        return f"{base64.b64encode(sealed).decode()}.{base64.b64encode(mac).decode()}"

    def send(self, data, lose_plus=False):
        frame = self.frame(data)
        frame = frame.replace("+", " ") if lose_plus else frame
        reply = self.client.ask("POST", DATA, 200, {"encryptedPayload": frame})
        self.event = self.read(reply)
        return opened(reply)


class Browser:
    """A session of a browser."""

    def __init__(self, client):
        self.client = client
        self.public, self.event = client.public_key()

    def frame(self, data, event=None):
        plain = (event or self.event).encode() + b"," + data
        return self.public.encrypt(plain, padding.PKCS1v15()).hex()

    def send(self, data):
        reply = self.client.ask("POST", DATA, 200, {"encryptedPayload": self.frame(data)})
        self.event = reply.headers["eventID"]
        return opened(reply)


def cut(client, count):
    """Clients that write a number: leading zeros are cut, by digits or by bytes."""
    session = Browser(client)
    for length in (511, 510):
        frame = session.frame(b"c<&>")
        while len(frame.lstrip("0")) != length:
            frame = session.frame(b"c<&>")
        reply = client.ask("POST", DATA, 200, {"encryptedPayload": frame.lstrip("0")})
        assert opened(reply) == b"c<&>"
        session.event = reply.headers["eventID"]
        count["browser, zeros cut"] += 1
    for frame in ("", "0", "x" * 512, "0" + session.frame(b"c")):
        stale(client, frame)


def opened(reply):
    body = reply.json()
    assert set(body) == {"type", "data"}, body
    return body["type"].encode() + base64.b64decode(body["data"])


def stale(client, frame):
    client.refusal(DATA, {"encryptedPayload": frame}, 400, "invalid", "invalidRequest")


def flow(client, make, count, what):
    session = make(client)
    for data in (b"a1234", b"bPassw0rd!", b"c" + secrets.token_hex(40).encode(), b"a"):
        before = session.event
        assert session.send(data) == data
        assert session.event != before
        stale(client, session.frame(data, before))
        count[f"{what}, opened"] += 1
        count["replayed or foreign, refused"] += 1
    other = Client(client.url, client.session.verify, bearer(client))
    stale(other, session.frame(b"a1"))
    stale(client, session.frame(b"a1", type(before)(before[::-1])))
    stale(client, session.frame(b"d1"))
    count["replayed or foreign, refused"] += 3
    assert session.send(b"a2") == b"a2", "none of these took the event"
    count[f"{what}, opened"] += 1


def bearer(client):
    return client.session.headers["Authorization"].split(" ")[1]


def race(client, public, count):
    """64 at once with one event: exactly one."""
    session = One(client, public)
    frame = session.frame(b"b64")
    gate, statuses = threading.Barrier(64), []

    def one():
        mine = Client(client.url, client.session.verify, bearer(client), client.uuid)
        mine.session.head(f"{client.url}/api/system/status", timeout=60)
        gate.wait()
        reply = mine.session.post(
            f"{client.url}{DATA}", json={"encryptedPayload": frame}, timeout=60
        )
        statuses.append(reply.status_code)

    threads = [threading.Thread(target=one) for _ in range(64)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    count["64 with one event, opened"] += statuses.count(200)
    count["64 with one event, refused"] += statuses.count(400)


def mistakes(client, public, count):
    key, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    sealed = public.encrypt(key, padding.PKCS1v15())
    modulus = public.public_numbers().n.to_bytes(len(sealed), "big")
    digit = check_digit(key, iv)
    good = {"encryptedKey": (iv + sealed).hex(), "checkDigit": digit}

    def refused(change, kind, code, path=KEY, body=good):
        client.refusal(path, {**body, **change}, 400, kind, code)
        count[code] += 1

    for change in (
        {"encryptedKey": "xy" * 272},
        {"encryptedKey": (iv + sealed).hex()[:-2]},
        {"encryptedKey": (iv + sealed).hex()[:-1]},
        {"encryptedKey": (iv + sealed).hex() + "00"},
        {"encryptedKey": (iv + modulus).hex()},
        {"encryptedKey": (iv + b"\xff" * len(sealed)).hex()},
        {"encryptedKey": ""},
    ):
        refused(change, "error", "cannotDecryptKey")
    wrong = f"{int(digit, 16) ^ 1:06x}"
    for change in (
        {"checkDigit": wrong},
        {"encryptedKey": (iv + public.encrypt(key[:31], padding.PKCS1v15())).hex()},
        {"encryptedKey": (iv + public.encrypt(b"g" * 64, padding.PKCS1v15())).hex()},
        {"encryptedKey": (iv + bytes(len(sealed) - 1) + b"\x02").hex()},
        {"encryptedKey": (bytes(16) + sealed).hex()},
    ):
        refused(change, "error", "chkDigitNotMatch")
    for change in (
        {"checkDigit": digit[:5]},
        {"checkDigit": None},
        {"checkDigit": "nohexx"},
        {"algorithm": "DES"},
        {"encryptedKey": 7},
        {"encryptedKey": None},
    ):
        refused(change, "invalid", "invalidRequest")
    for uuid in ("", "x" * 65, "two words"):
        client.refusal(KEY, good, 400, "invalid", "invalidRequest", uuid=uuid)
        count["invalidRequest"] += 1
    reply = client.ask("POST", KEY, 201, {**good, "checkDigit": digit.upper(), "more": [1]})
    assert reply.headers["eventID"]


def two_mistakes(client, public, count):
    key, iv, mac = (secrets.token_bytes(n) for n in (32, 16, 32))
    sealed = public.encrypt((key + iv + mac).hex().encode(), padding.PKCS1v15()).hex()
    good = {
        "algorithm": "AES",
        "encryptedPayload": sealed,
        "encKeyCheckDigit": check_digit(key, iv),
        "hmacKeyCheckDigit": check_digit(mac, iv),
    }
    short = public.encrypt((key + iv).hex().encode(), padding.PKCS1v15()).hex()
    for change, kind, code in (
        ({"encryptedPayload": "0" + sealed}, "error", "cannotDecryptKey"),
        ({"encryptedPayload": "q"}, "error", "cannotDecryptKey"),
        ({"encryptedPayload": "f" * len(sealed)}, "error", "cannotDecryptKey"),
        ({"encryptedPayload": "7"}, "error", "chkDigitNotMatch"),
        ({"encryptedPayload": short}, "error", "chkDigitNotMatch"),
        ({"encKeyCheckDigit": check_digit(mac, iv)}, "error", "chkDigitNotMatch"),
        ({"hmacKeyCheckDigit": check_digit(key, iv)}, "error", "chkDigitNotMatch"),
        ({"algorithm": "RSA"}, "invalid", "invalidRequest"),
        ({"encryptedPayload": ""}, "invalid", "invalidRequest"),
    ):
        client.refusal("/v1/security/e2e/key", {**good, **change}, 400, kind, code)
        count[code] += 1
    client.ask("POST", "/v1/security/e2e/key", 200, good)


def logins(client, public, password, count):
    """A password in a payload is checked, and not handed out."""
    makers = (lambda: One(client, public), lambda: Two(client, public), lambda: Browser(client))
    for make in makers:
        session = make()
        ask = {"purpose": "login", "username": "Operator"}
        for flaw in ({"username": ""}, {"username": None}, {"purpose": None}):
            body = {**ask, **flaw, "encryptedPayload": session.frame(b"b" + password)}
            client.refusal(DATA, body, 400, "invalid", "invalidRequest")
        frame = session.frame(b"b" + password)
        reply = client.ask("POST", DATA, 200, {**ask, "encryptedPayload": frame})
        body = reply.json()
        assert set(body) == {"type", "access_token", "refresh_token"} and body["type"] == "b", body
        refreshed = requests.post(
            f"{client.url}/rest/refresh", verify=client.session.verify, timeout=60,
            json={"refresh_token": body["refresh_token"]},
        )
        assert refreshed.status_code == 200 and refreshed.json()["access_token"], refreshed.text
        stale(client, frame)
        count["logged in"] += 1
    refused = []
    for name, data in (("operator", b"bwrong password"), ("nobody", b"b" + password)):
        session = Two(client, public)
        frame = session.frame(data)
        body = {"purpose": "login", "username": name, "encryptedPayload": frame}
        reply = client.ask("POST", DATA, 401, body)
        refused.append(reply.json())
        client.refusal(DATA, body, 400, "invalid", "invalidRequest")
        expiry(reply)
        session.event = session.read(reply)
        assert session.send(b"cgoes on") == b"cgoes on"
        count["login refused"] += 1
    assert refused[0] == refused[1]
    assert (refused[0]["type"], refused[0]["code"]) == ("error", "unAuthorized"), refused
    session = Two(client, public)
    body = {"purpose": "login", "username": "operator", "encryptedPayload": session.frame(b"a1234")}
    session.event = session.read(client.ask("POST", DATA, 400, body))
    assert session.send(b"a1234") == b"a1234"


def main(url, ca, token, password_file):
    with open(password_file, "rb") as file:
        password = file.read().strip()
    count = Counter()
    client = Client(url, ca, token)
    public, _ = client.public_key()
    assert client.public_key()[0].public_numbers() == public.public_numbers()
    flow(client, lambda c: One(c, public), count, "version 1")
    flow(client, lambda c: One(c, public, as_digits=False), count, "version 1")
    flow(client, lambda c: Two(c, public), count, "version 2")
    flow(client, lambda c: Two(c, public, "/v1/security/e2e/key"), count, "version 2")
    flow(client, Browser, count, "browser")
    cut(client, count)
    session = Two(client, public)
    for _ in range(8):
        assert session.send(b"c<&=+>", lose_plus=True) == b"c<&=+>"
        count["a space for a plus, opened"] += 1
    mistakes(client, public, count)
    two_mistakes(client, public, count)
    race(client, public, count)
    for purpose in ("Login", "pin"):
        other = {"encryptedPayload": "00", "purpose": purpose, "username": "operator"}
        client.refusal(DATA, other, 422, "error", "businessValidationFailed")
    logins(client, public, password, count)
    print(json.dumps(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
