"""A client of the post-quantum API, written from its description alone.

`pqc.py URL CA TOKEN OTHER` uses every endpoint, with ML-KEM, ML-DSA and AES by `cryptography` (OpenSSL) on
the other side, and prints how often which answer was as that says. TOKEN has the scopes token:new,
pqc:kem, pqc:sign and pqc:aes; OTHER is a token of somebody else for pqc:kem.
"""

import json
import secrets
import sys
from collections import Counter

import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEM = {"ML-KEM-512": (1600, 1536), "ML-KEM-768": (2368, 2176), "ML-KEM-1024": (3136, 3136)}
DSA = {"ML-DSA-44": (2624, 4840), "ML-DSA-65": (3904, 6618), "ML-DSA-87": (5184, 9254)}


class Client:
    def __init__(self, url, ca, token, scheme="Bearer"):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = ca
        self.session.headers["Authorization"] = f"{scheme} {token}"

    def ask(self, method, path, status=200, **how):
        reply = self.session.request(method, f"{self.url}{path}", timeout=60, **how)
        assert reply.status_code == status, (method, path, reply.status_code, reply.text)
        assert reply.headers["Cache-Control"] == "no-store", path
        assert reply.headers["Content-Type"] == "application/json", path
        return reply

    def post(self, path, body=None, **how):
        return self.ask("POST", path, json=body, **how).json()

    def get(self, path, **query):
        return self.ask("GET", path, params=query).json()

    def refusal(self, path, body, status, field=None):
        """The detail of a refusal; of a 422 the place and the word, too."""
        reply = self.ask("POST", path, status, json=body).json()
        if status != 422:
            assert isinstance(reply["detail"], str), reply
            return reply
        (flaw,) = reply["detail"]
        assert set(flaw) == {"loc", "msg", "type"}, flaw
        assert flaw["loc"] == (["body", field] if field else ["body"]), flaw
        return reply


def is_hex(text, digits=None):
    assert all(c in "0123456789abcdef" for c in text), text[:80]
    assert digits is None or len(text) == digits, (len(text), digits)
    return bytes.fromhex(text)


def holds(name, pk, message, signature):
    key = getattr(mldsa, f"{name.replace('-', '')}PublicKey").from_public_bytes(pk)
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def key_exchange(client, other, count):
    """Keys of every set: what one side encapsulates the other opens."""
    verifiers = set()
    for base in ("/api/kc", "/api/kem"):
        for name, (digits, cipher_digits) in KEM.items():
            made = client.post(f"{base}/generate_keys", {"algorithm": name})
            assert set(made) == {"pk", "verification_key", "verification_signature", "signature"}
            assert made["signature"] == made["verification_signature"]
            pk = is_hex(made["pk"], digits)
            signature = is_hex(made["signature"], 6618)
            verifier = is_hex(made["verification_key"], 3904)
            assert holds("ML-DSA-65", verifier, pk, signature)
            assert not holds("ML-DSA-65", verifier, pk[:-1] + bytes([pk[-1] ^ 1]), signature)
            count["verification signature, by OpenSSL"] += 1
            verifiers.add(verifier)

            sent = client.post(f"{base}/encapsulate_key", {
                "pk": made["pk"], "signature": made["signature"],
                "verif_key": made["verification_key"]})
            assert set(sent) == {"cipher", "shared_key"}
            is_hex(sent["cipher"], cipher_digits), is_hex(sent["shared_key"], 64)
            ask = {"cipher": sent["cipher"], "pk": made["pk"]}
            opened = client.post(f"{base}/decapsulate_key", ask)
            assert opened == {"shared_key": sent["shared_key"]}
            count["own encapsulation, opened"] += 1

            changed = {**ask, "cipher": "00" * (cipher_digits // 2)}
            rejected = client.post(f"{base}/decapsulate_key", changed)
            is_hex(rejected["shared_key"], 64)
            assert rejected["shared_key"] != sent["shared_key"]
            assert rejected == client.post(f"{base}/decapsulate_key", changed)
            count["implicit rejection"] += 1

            if name != "ML-KEM-512":
                theirs = getattr(mlkem, f"{name.replace('-', '')}PublicKey").from_public_bytes(pk)
                secret, ciphertext = theirs.encapsulate()
                ask = {"cipher": ciphertext.hex(), "pk": made["pk"]}
                opened = client.post(f"{base}/decapsulate_key", ask)
                assert opened == {"shared_key": secret.hex()}
                count["encapsulation by OpenSSL, opened here"] += 1

            assert other.refusal(f"{base}/decapsulate_key", ask, 403)
            count["somebody else's key, refused"] += 1
    assert len(verifiers) == 1
    for base in ("/api/kc", "/api/kem"):
        is_hex(client.get(f"{base}/generate_keys")["pk"], 2368)
        is_hex(client.get(f"{base}/generate_keys", algorithm="ML-KEM-512")["pk"], 1600)
        is_hex(client.post(f"{base}/generate_keys")["pk"], 2368)


def foreign_keys(client, count):
    """The API encapsulates for anybody whose key is signed."""
    signer = mldsa.MLDSA65PrivateKey.generate()
    for kind in (mlkem.MLKEM768PrivateKey, mlkem.MLKEM1024PrivateKey):
        private = kind.generate()
        pk = private.public_key().public_bytes_raw()
        ask = {"pk": pk.hex(), "signature": signer.sign(pk).hex(),
               "verification_key": signer.public_key().public_bytes_raw().hex()}
        sent = client.post("/api/kc/encapsulate_key", ask)
        assert private.decapsulate(bytes.fromhex(sent["cipher"])).hex() == sent["shared_key"]
        count["encapsulation here, opened by OpenSSL"] += 1
        other = mldsa.MLDSA65PrivateKey.generate().sign(pk).hex()
        client.refusal("/api/kc/encapsulate_key", {**ask, "signature": other}, 422, "signature")
        count["wrong signature, nothing encapsulated"] += 1


def signatures(client, count):
    for name, (key_digits, digits) in DSA.items():
        keys = set()
        for member, text in (("data", "a text"), ("message", "Grüße, 世界 \U0001f511\n"), ("data", "")):
            signed = client.post("/api/signature/sign", {member: text, "algorithm": name})
            assert set(signed) == {"signature", "pk"}
            pk, signature = is_hex(signed["pk"], key_digits), is_hex(signed["signature"], digits)
            assert holds(name, pk, text.encode(), signature)
            ask = {**signed, member: text}
            assert client.post("/api/signature/verify", ask) == {"verified": True}
            assert client.post("/api/signature/verify", {**ask, member: text + "."}) == {
                "verified": False}
            keys.add(pk)
            count[f"{name} signature, verified by OpenSSL"] += 1
        assert len(keys) == 1, "the key is the caller's own"
        signer = getattr(mldsa, f"{name.replace('-', '')}PrivateKey").generate()
        ask = {"data": "theirs", "pk": signer.public_key().public_bytes_raw().hex(),
               "signature": signer.sign(b"theirs").hex()}
        assert client.post("/api/signature/verify", ask) == {"verified": True}
        count[f"{name} signature by OpenSSL, verified"] += 1
    assert len(client.post("/api/signature/sign", {"data": "x"})["pk"]) == 3904


def texts(client, count):
    key = secrets.token_bytes(32)
    for text in ("a text", "Grüße, 世界 \U0001f511\0\n", "x" * 20000, ""):
        sealed = client.post("/api/aes/encrypt_text", {"unencrypted": text, "key": key.hex()})
        raw = is_hex(sealed)
        assert AESGCM(key).decrypt(raw[:12], raw[12:], None).decode() == text
        count["AES by the API, opened by OpenSSL"] += 1
        nonce = secrets.token_bytes(12)
        theirs = (nonce + AESGCM(key).encrypt(nonce, text.encode(), None)).hex()
        for ciphertext in (sealed, theirs):
            ask = {"ciphertext": ciphertext, "key": key.hex()}
            assert client.post("/api/aes/decrypt_text", ask) == text
        count["AES by OpenSSL, opened by the API"] += 1
    nonce = secrets.token_bytes(12)
    garbled = (nonce + AESGCM(key).encrypt(nonce, b"\xff\xfe", None)).hex()
    refusals = {
        json.dumps(client.refusal("/api/aes/decrypt_text", ask, 422, "ciphertext"))
        for ask in (
            {"ciphertext": theirs, "key": secrets.token_hex(32)},
            {"ciphertext": theirs[:-2] + ("00" if theirs[-2:] != "00" else "01"), "key": key.hex()},
            {"ciphertext": theirs[2:], "key": key.hex()},
            {"ciphertext": "00" * 27, "key": key.hex()},
            {"ciphertext": "", "key": key.hex()},
            {"ciphertext": garbled, "key": key.hex()},
        )
    }
    assert len(refusals) == 1, refusals
    count["undecipherable, one answer"] += 6


def malformed(client, count):
    good = client.post("/api/kc/generate_keys")
    encapsulate = {"pk": good["pk"], "signature": good["signature"],
                   "verif_key": good["verification_key"]}
    cases = [
        ("/api/kc/encapsulate_key", {**encapsulate, "pk": encapsulate["pk"][2:]}, "pk"),
        ("/api/kc/encapsulate_key", {**encapsulate, "pk": "F" * 2368}, "pk"),
        ("/api/kc/encapsulate_key", {**encapsulate, "verif_key": "00"}, "verif_key"),
        ("/api/kc/encapsulate_key", {**encapsulate, "signature": None}, "signature"),
        ("/api/kc/encapsulate_key", {"pk": good["pk"]}, "signature"),
        ("/api/kc/decapsulate_key", {"cipher": "00" * 768, "pk": good["pk"]}, "cipher"),
        ("/api/kc/decapsulate_key", {"cipher": "00" * 1088, "pk": 7}, "pk"),
        ("/api/kc/generate_keys", {"algorithm": "ML-KEM-2048"}, "algorithm"),
        ("/api/signature/sign", {"data": "x", "algorithm": "ML-DSA-65 "}, "algorithm"),
        ("/api/signature/sign", {"data": ["x"]}, "data"),
        ("/api/signature/sign", {}, "data"),
        ("/api/signature/verify", {"data": "", "pk": "00" * 1952, "signature": "00" * 2420}, "signature"),
        ("/api/aes/encrypt_text", {"unencrypted": "x", "key": "00" * 16}, "key"),
        ("/api/aes/encrypt_text", {"unencrypted": "x"}, "key"),
        ("/api/aes/decrypt_text", {"ciphertext": "0", "key": "00" * 32}, "ciphertext"),
        ("/api/token/new", {"expiry_time": 0}, "expiry_time"),
        ("/api/token/new", {"expiry_time": 86401}, "expiry_time"),
        ("/api/token/new", {"expire_after_attempts": 0}, "expire_after_attempts"),
        ("/api/token/new", {"expire_after_attempts": "3"}, "expire_after_attempts"),
        ("/api/signature/sign", [], None),
    ]
    for path, body, field in cases:
        client.refusal(path, body, 422, field)
        count["malformed, 422"] += 1


def tokens(client, url, ca, count):
    """Tokens for a number of calls."""
    for method in ("GET", "POST"):
        query = {"expiry_time": 60, "expire_after_attempts": 3}
        token = client.ask(method, "/api/token/new", params=query).json()
        assert set(token) == {"new_token"}
        child = Client(url, ca, token["new_token"], "auth_token")
        left = []
        for text in ("good", None, "good"):
            reply = child.session.post(f"{url}/api/signature/sign", json={"data": text}, timeout=60)
            assert reply.status_code == (422 if text is None else 200), reply.text
            left.append(reply.headers["Token-Uses-Left"])
        assert left == ["2", "1", "0"], left
        child.refusal("/api/signature/sign", {"data": "x"}, 401)
        count["limited token, to its end"] += 1
    token = client.post("/api/token/new", {"expire_after_attempts": 2, "expiry_time": 60})
    child = Client(url, ca, token["new_token"], "bearer")
    child.refusal("/api/token/new", {}, 403)
    assert child.session.get(f"{url}/api/system/status", timeout=60).headers["Token-Uses-Left"] == "1"
    assert child.ask("POST", "/api/kc/generate_keys").headers["Token-Uses-Left"] == "0"
    child.refusal("/api/signature/sign", {"data": "x"}, 401)
    once = Client(url, ca, client.get("/api/token/new")["new_token"])
    once.post("/api/signature/sign", {"data": "x"})
    once.refusal("/api/signature/sign", {"data": "x"}, 401)
    count["limited token, one call"] += 1


def main():
    url, ca, token, other = sys.argv[1:]
    count = Counter()
    for scheme in ("Bearer", "bearer", "auth_token"):
        Client(url, ca, token, scheme).post("/api/signature/sign", {"data": "x"})
    client = Client(url, ca, token)
    key_exchange(client, Client(url, ca, other), count)
    foreign_keys(client, count)
    signatures(client, count)
    texts(client, count)
    malformed(client, count)
    tokens(client, url, ca, count)
    client.session.headers["Authorization"] = "Bearer garbage"
    client.refusal("/api/signature/sign", {"data": "x"}, 401)
    print(json.dumps(count))


if __name__ == "__main__":
    main()
