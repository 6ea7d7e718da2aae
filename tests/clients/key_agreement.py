"""A client of /rest, written from its description alone: first it proves itself by the published
vectors, then it agrees on keys with a daemon.

Usage: key_agreement.py VECTORS URL CA_FILE SCHEME...; prints what it counted."""

import base64
import hmac
import json
import re
import secrets
import sys
from collections import Counter

import requests
from cryptography.hazmat.primitives.asymmetric import dh, ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)


def prime(bits, pi_bits, more):
    """The primes of RFC 3526, by their formula."""
    return 2**bits - 2 ** (bits - 64) - 1 + 2**64 * (pi(pi_bits) + more)


def pi(bits):
    """Pi times 2^bits, rounded down (Machin)."""
    one = 1 << (bits + 64)

    def arctan_of_inverse(x):
        total, power, k, sign = 0, one // x, 1, 1
        while power:
            total += sign * (power // k)
            power //= x * x
            k, sign = k + 2, -sign
        return total

    return (4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))) >> 64


P14, P15 = prime(2048, 1918, 124476), prime(3072, 2942, 1690314)
# In DER.
DH_OIDS = {
    "PKCS #3": bytes.fromhex("06092a864886f70d010301"),
    "X9.42": bytes.fromhex("06072a8648ce3e0201"),
}
SCHEMES = {
    "SCHEME-AES1": (P14, 256, 16),
    "SCHEME-AES2": (P15, 384, 32),
    "SCHEME-EC-AES1": (ec.SECP256R1(), 32, 16),
    "SCHEME-EC-AES2": (ec.SECP384R1(), 48, 32),
}


def b64(data):
    return base64.b64encode(data).decode()


def sized(*parts):
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def hkdf(salt, secret, info, length):
    key = hmac.digest(salt, secret, "sha256")
    out, block, count = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([count]), "sha256")
        out, count = out + block, count + 1
    return out[:length]


class Numbers:
    """Diffie-Hellman modulo a prime."""

    def __init__(self, p, length, private=None):
        self.p, self.length = p, length
        self.private = private or secrets.randbits(512)

    def raw(self):
        return pow(2, self.private, self.p).to_bytes(self.length, "big")

    def forms(self):
        y = pow(2, self.private, self.p)
        x942 = dh.DHParameterNumbers(self.p, 2, (self.p - 1) // 2)
        forms = {
            "PKCS #3": dh_info("PKCS #3", y, self.p, 2),
            "X9.42": spki(dh.DHPublicNumbers(y, x942).public_key()),
        }
        assert all(DH_OIDS[form] in data[:40] for form, data in forms.items())
        return {"raw": self.raw()} | forms

    def read(self, form, data):
        if form == "raw":
            assert len(data) == self.length
            return data
        assert DH_OIDS[form] in data[:40], form
        numbers = load_der_public_key(data).public_numbers()
        parameters = numbers.parameter_numbers
        assert (parameters.p, parameters.g) == (self.p, 2)
        # OpenSSL knows it of these groups, where the form does not say it.
        assert parameters.q == (self.p - 1) // 2
        return numbers.y.to_bytes(self.length, "big")

    def secret(self, theirs):
        y = int.from_bytes(theirs, "big")
        assert 2 <= y <= self.p - 2 and pow(y, (self.p - 1) // 2, self.p) == 1
        return pow(y, self.private, self.p).to_bytes(self.length, "big")


class Points:
    """Diffie-Hellman on a curve."""

    def __init__(self, curve, length, private=None):
        self.curve, self.length = curve, length
        new = ec.generate_private_key(curve)
        self.key = ec.derive_private_key(private, curve) if private else new

    def raw(self):
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def forms(self):
        return {"raw": self.raw(), "SPKI": spki(self.key.public_key())}

    def read(self, form, data):
        if form == "raw":
            return data
        key = load_der_public_key(data)
        assert key.curve.name == self.curve.name
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def secret(self, theirs):
        peer = ec.EllipticCurvePublicKey.from_encoded_point(self.curve, theirs)
        return self.key.exchange(ec.ECDH(), peer)


def spki(key):
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def der(tag, *parts):
    content = b"".join(parts)
    count = len(content)
    if count < 128:
        head = bytes([count])
    elif count < 256:
        head = bytes([0x81, count])
    else:
        head = bytes([0x82]) + count.to_bytes(2, "big")
    return bytes([tag]) + head + content


def number(value):
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def dh_info(form, y, *parameters):
    """`spki` writes X9.42 in any case, for the groups that OpenSSL knows."""
    numbers = der(0x30, *(number(value) for value in parameters))
    return der(0x30, der(0x30, DH_OIDS[form], numbers), der(3, b"\0", number(y)))


def pair(scheme, private=None):
    group, length, _ = SCHEMES[scheme]
    return (Numbers if isinstance(group, int) else Points)(group, length, private)


def derive(scheme, z, nonce, client, server, client_public, server_public, reference):
    """K_enc and the proof."""
    info = b"horizon-key-agreement/v1\0" + sized(
        scheme.encode(), client, server, client_public, server_public, reference.encode()
    )
    length = SCHEMES[scheme][2]
    keys = hkdf(nonce, z, info, length + 32)
    text = b"KC_1_V" + sized(server, client, server_public, client_public, nonce)
    return keys[:length], hmac.digest(keys[length:], text, "sha256")


def vectors(path, count):
    with open(path) as file:
        data = json.load(file)
    nonce, reference = base64.b64decode(data["nonce_b64"]), data["client_reference_id"]
    client = base64.b64decode(data["identifier_client_b64"])
    server = base64.b64decode(data["identifier_server_b64"])
    for case in data["cases"]:
        scheme = case["scheme"]
        ours, theirs = (pair(scheme, int(case[f"{who}_priv"], 16)) for who in ("client", "server"))
        raw = [base64.b64decode(case[f"{who}_pub_raw"]) for who in ("client", "server")]
        assert [ours.raw(), theirs.raw()] == raw, scheme
        z = ours.secret(theirs.raw())
        assert z == theirs.secret(ours.raw()) == bytes.fromhex(case["Z"]), scheme
        key, proof = derive(scheme, z, nonce, client, server, *raw, reference)
        assert key.hex() == case["k_enc"] and b64(proof) == case["proof"], scheme
        sealed = base64.b64decode(case["enc_password"])
        bound = "\0".join((reference, data["domain"], data["username"])).encode()
        plain = AESGCM(key).decrypt(sealed[:12], sealed[12:], bound)
        assert plain.decode() == data["password_plain"], scheme
        count["vector"] += 1


class Client:
    def __init__(self, url, ca):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = ca

    def post(self, body, **how):
        how = how or {"json": body}
        return self.session.post(f"{self.url}/rest/key-agreement", timeout=60, **how)

    def agree(self, scheme, form, offered, count, ids):
        ours, nonce, identifier = pair(scheme), secrets.token_bytes(16), b"a client\0\xff"
        reply = self.post(offer(ours.forms()[form], offered, nonce, identifier))
        assert reply.status_code == 200, (scheme, form, reply.status_code, reply.text)
        assert reply.headers["Content-Type"] == "application/json"
        told = reply.json()
        names = {"client_reference_id", "identifier", "proof", "public_key", "scheme"}
        assert set(told) == names and told["scheme"] == scheme, told
        reference = told["client_reference_id"]
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", reference)
        server = base64.b64decode(told["identifier"], validate=True)
        assert server == b"Broker"
        theirs = ours.read(form, base64.b64decode(told["public_key"], validate=True))
        both = (identifier, server, ours.raw(), theirs)
        _, proof = derive(scheme, ours.secret(theirs), nonce, *both, reference)
        assert told["proof"] == b64(proof), (scheme, form)
        ids.update((reference, theirs))
        count[f"{scheme}, {form}"] += 1

    def refused(self, what, body, count, **how):
        reply = self.post(body, **how)
        assert (reply.status_code, reply.content) == (400, b""), (what, reply.status_code, reply.text)
        count["refused with an empty 400"] += 1


def offer(public, schemes, nonce=bytes(16), identifier=b"x"):
    return {
        "identifier": b64(identifier),
        "nonce": b64(nonce),
        "public_key": b64(public),
        "supported_schemes": schemes,
    }


def bad_keys():
    """Keys that must not be used, by the scheme that they would be for."""
    for scheme in ("SCHEME-AES1", "SCHEME-AES2"):
        p, length, _ = SCHEMES[scheme]
        good = pair(scheme)
        for y in (0, 1, p - 1, p, p - 2, p - pow(2, 77, p), 2**(8 * length) - 1):
            yield scheme, y.to_bytes(length, "big")
        yield scheme, good.raw()[:-1]
        yield scheme, bytes(1) + good.raw()
        y = pow(2, good.private, p)
        for group in ((p, 5), (p, 4), (p - 2, 2), (p, p - 2)):
            yield scheme, dh_info("PKCS #3", y, *group)
        yield scheme, dh_info("PKCS #3", p - y, p, 2)
        yield scheme, dh_info("X9.42", y, p, 2, p // 4)
        yield scheme, good.forms()["PKCS #3"] + b"\0"
    for scheme, other in (("SCHEME-EC-AES1", ec.SECP256K1()), ("SCHEME-EC-AES2", ec.SECP521R1())):
        good = pair(scheme).raw()
        yield scheme, good[:-1] + bytes([good[-1] ^ 1])
        yield scheme, bytes(len(good))
        yield scheme, b"\4" + bytes(len(good) - 1)
        yield scheme, b"\0"
        half = len(good) // 2
        yield scheme, bytes([2 + (good[-1] & 1)]) + good[1 : half + 1]
        yield scheme, bytes([6 + (good[-1] & 1)]) + good[1:]
        yield scheme, spki(ec.generate_private_key(other).public_key())


def refusals(client, served, count):
    scheme = served[0]
    good = offer(pair(scheme).raw(), [scheme])
    for name in good:
        client.refused(f"no {name}", {k: v for k, v in good.items() if k != name}, count)
        for wrong in (7, None, "***", {}):
            client.refused(f"{name} {wrong!r}", good | {name: wrong}, count)
    for length in (0, 15, 65):
        client.refused("nonce", good | {"nonce": b64(bytes(length))}, count)
    for length in (0, 257):
        client.refused("identifier", good | {"identifier": b64(bytes(length))}, count)
    others = [other for other in SCHEMES if other != scheme]
    for schemes in ([], [scheme, scheme], [scheme, "SCHEME-X"], [scheme.lower()], others, scheme):
        client.refused("schemes", good | {"supported_schemes": schemes}, count)
    for kind, key in bad_keys():
        if kind in served:
            client.refused(f"bad key of {kind}", offer(key, list(SCHEMES)), count)
    for kind in set(SCHEMES) - set(served):
        client.refused("not offered", offer(pair(kind).raw(), list(SCHEMES)), count)
    client.refused("no JSON", None, count, data=b"{", headers={"Content-Type": "application/json"})
    client.refused("no media type", None, count, data=json.dumps(good).encode())


def limits(client, scheme, count):
    """The longest and the shortest that are allowed."""
    for nonce, identifier in ((16, 1), (64, 256)):
        ours = pair(scheme)
        reply = client.post(offer(ours.raw(), [scheme], bytes(nonce), bytes(identifier)))
        assert reply.status_code == 200, reply.status_code
        count["at a limit"] += 1


def main():
    path, url, ca, *served = sys.argv[1:]
    count, ids = Counter(), set()
    vectors(path, count)
    client = Client(url, ca)
    for scheme in served:
        for form in pair(scheme).forms():
            for offered in ([scheme], list(SCHEMES)):
                client.agree(scheme, form, offered, count, ids)
    agreements = sum(number for what, number in count.items() if what.startswith("SCHEME"))
    assert len(ids) == 2 * agreements, "a reference or a key came twice"
    limits(client, served[0], count)
    refusals(client, served, count)
    for method, status in (("GET", 405), ("PUT", 405)):
        reply = client.session.request(method, f"{url}/rest/key-agreement", timeout=60)
        assert reply.status_code == status, (method, reply.status_code)
        (error,) = reply.json()["errors"]
        assert set(error) == {"error_key", "error_message"}, error
    print(json.dumps(count))


if __name__ == "__main__":
    main()
