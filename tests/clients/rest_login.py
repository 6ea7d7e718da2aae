"""A client of /rest that logs in, written from its description alone: first it proves itself by the
published vectors, then it agrees on keys, logs in with and without them, refreshes and logs out.

Usage: rest_login.py VECTORS URL CA_FILE USERNAME PASSWORD SCHEME...; prints what it counted. The account
must be allowed keymgmt:list."""

import base64
import json
import secrets
import sys
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import requests
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from key_agreement import derive, offer, pair

LANGUAGES = ("de", "es", "fr", "ja", "ko", "zh-CN", "zh-TW")


def seal(key, reference, domain, username, password, iv=None):
    iv = iv or secrets.token_bytes(12)
    bound = b"\0".join((reference.encode(), domain.encode(), username.encode()))
    return base64.b64encode(iv + AESGCM(key).encrypt(iv, password.encode(), bound)).decode()


def vectors(path, count):
    with open(path) as file:
        data = json.load(file)
    who = (data["client_reference_id"], data["domain"], data["username"])
    for case in data["cases"]:
        iv = base64.b64decode(case["enc_password"])[:12]
        sealed = seal(bytes.fromhex(case["k_enc"]), *who, data["password_plain"], iv)
        assert sealed == case["enc_password"], case["scheme"]
        count["vector"] += 1


class Client:
    def __init__(self, url, ca, domain, username, password):
        self.url, self.ca = url, ca
        self.domain, self.username, self.password = domain, username, password
        self.session = self.fresh()

    def fresh(self):
        session = requests.Session()
        session.trust_env = False
        session.verify = self.ca
        return session

    def post(self, path, body, reference=None, language=None, session=None, **how):
        params = {} if reference is None else {"client_reference_id": reference}
        headers = {} if language is None else {"Accept-Language": language}
        how = how or {"json": body}
        return (session or self.session).post(
            f"{self.url}/rest/{path}", params=params, headers=headers, timeout=120, **how
        )

    def agree(self, scheme):
        """A reference and its key."""
        ours, nonce, identifier = pair(scheme), secrets.token_bytes(32), b"a client"
        told = self.post("key-agreement", offer(ours.raw(), [scheme], nonce, identifier))
        assert told.status_code == 200, (scheme, told.status_code)
        told = told.json()
        server, theirs = (base64.b64decode(told[name]) for name in ("identifier", "public_key"))
        both = (identifier, server, ours.raw(), theirs)
        reference = told["client_reference_id"]
        key, proof = derive(scheme, ours.secret(theirs), nonce, *both, reference)
        assert told["proof"] == base64.b64encode(proof).decode()
        return reference, key

    def body(self, password=None, **other):
        password = self.password if password is None else password
        return {"domain": self.domain, "username": self.username, "password": password} | other

    def sealed(self, reference, key, **other):
        body = self.body(**other)
        who = (body["domain"], body["username"])
        return body | {"password": seal(key, reference, *who, body["password"])}

    def lists_keys(self, access):
        headers = {"Authorization": f"Bearer {access}"}
        path = f"{self.url}/api/keymgmt/list"
        return self.session.get(path, headers=headers, timeout=60).status_code


def tokens(reply):
    assert reply.status_code == 200, (reply.status_code, reply.text)
    assert reply.headers["Content-Type"] == "application/json"
    told = reply.json()
    assert set(told) == {"access_token", "refresh_token"}, told
    for token in told.values():
        head, claims, _ = token.split(".")
        read = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (head, claims)]
        assert read[0]["typ"] == "JWT" and read[1]["exp"] > read[1]["iat"], read
    return told["access_token"], told["refresh_token"]


def error(reply, status, name):
    """The one error of an answer, whose envelope is as it must be."""
    assert reply.status_code == status, (reply.status_code, reply.text)
    assert reply.headers["Content-Type"] == "application/json"
    told = reply.json()
    assert set(told) == {"status", "timestamp", "errors"} and told["status"] == name, told
    assert told["timestamp"] > 1_700_000_000_000, told
    (one,) = told["errors"]
    assert set(one) == {"error_key", "error_message"}, one
    return one


def life(client, reply, what, count):
    """Tokens from the login to the logout."""
    access, refresh = tokens(reply)
    assert client.lists_keys(access) == 200 and client.lists_keys(refresh) == 401
    for _ in range(2):
        renewed = client.post("refresh", {"refresh_token": refresh})
        assert renewed.status_code == 200 and set(renewed.json()) == {"access_token"}, renewed.text
        assert client.lists_keys(renewed.json()["access_token"]) == 200
    gone = client.post("logout", {"refresh_token": refresh})
    assert (gone.status_code, gone.content) == (200, b""), gone.text
    for path in ("refresh", "logout"):
        error(client.post(path, {"refresh_token": refresh}), 400, "BAD_REQUEST")
        count["refused after the logout"] += 1
    assert client.lists_keys(access) == client.lists_keys(renewed.json()["access_token"]) == 401
    count[what] += 1


def needless(client, scheme, count):
    """Clients go on to show a token that has ended: it is in nobody's way where none is needed."""
    access, refresh = tokens(client.post("login", client.body()))
    client.post("logout", {"refresh_token": refresh})
    assert client.lists_keys(access) == 401
    for shown in (f"Bearer {access}", "Bearer garbage", "Basic YTpi", access):
        client.session.headers["Authorization"] = shown
        _, refresh = tokens(client.post("login", client.body()))
        client.agree(scheme)
        for path, body in (("refresh", {"refresh_token": refresh}), ("logout", {"refresh_token": refresh})):
            reply = client.post(path, body)
            assert reply.status_code == 200, (path, shown, reply.text)
        count["a needless token"] += 1
    del client.session.headers["Authorization"]


def references(client, scheme, count):
    """Whatever is wrong with a reference gets the same answer."""
    told = []

    def refused(reference, body):
        told.append(error(client.post("login", body, reference), 400, "BAD_REQUEST"))
        count["reference refused"] += 1

    reference, key = client.agree(scheme)
    body = client.sealed(reference, key)
    tokens(client.post("login", body, reference))
    refused(reference, body)
    unknown = str(uuid.uuid4())
    refused(unknown, client.sealed(unknown, key))
    refused("no reference", body)
    refused("", body)
    for other in ({"domain": "other"}, {"username": client.username.upper()}):
        reference, key = client.agree(scheme)
        refused(reference, client.sealed(reference, key) | other)
    reference, key = client.agree(scheme)
    refused(reference, client.sealed(reference, bytes(len(key))))
    for bad in ("%%%", "", base64.b64encode(bytes(11)).decode(), base64.b64encode(bytes(28)).decode()):
        reference, key = client.agree(scheme)
        if bad:
            refused(reference, client.body(bad))
    reference, _ = client.agree(scheme)
    refused(reference, client.body())
    assert all(one == told[0] for one in told), told


def contest(client, scheme, count):
    """One reference, 64 at once."""
    reference, key = client.agree(scheme)
    body = client.sealed(reference, key)
    with ThreadPoolExecutor(64) as pool:
        asking = [
            pool.submit(client.post, "login", body, reference, session=client.fresh())
            for _ in range(64)
        ]
        replies = [one.result() for one in asking]
    for reply in replies:
        if reply.status_code == 200:
            tokens(reply)
        else:
            error(reply, 400, "BAD_REQUEST")
        count[f"64 with one reference: {reply.status_code}"] += 1


def strangers(client, scheme, count):
    """A wrong password and a name that is none get the same answer, with a reference and without."""
    told = []
    for other in ({"password": "wrong password"}, {"username": "nobody-at-all"}):
        told.append(error(client.post("login", client.body(**other)), 401, "UNAUTHORIZED"))
        reference, key = client.agree(scheme)
        sealed = client.sealed(reference, key, **other)
        told.append(error(client.post("login", sealed, reference), 401, "UNAUTHORIZED"))
        count["not authenticated"] += 2
    assert all(one == told[0] for one in told), told


def malformed(client, count):
    good = client.body()
    bodies = [{k: v for k, v in good.items() if k != name} for name in good]
    bodies += [good | {name: wrong} for name in good for wrong in (7, None, {}, [7], [[]])]
    bodies += [good | {"password": wrong} for wrong in ("", [], [""])] + [[], "x", None]
    bodies += [good | {"username": wrong} for wrong in ("", "x" * 257)] + [good | {"domain": "x" * 257}]
    for body in bodies:
        how = {"data": json.dumps(body).encode(), "headers": None}
        reply = client.session.post(
            f"{client.url}/rest/login", data=how["data"], timeout=60,
            headers={"Content-Type": "application/json"},
        )
        error(reply, 400, "BAD_REQUEST")
        count["malformed"] += 1
    for path in ("refresh", "logout"):
        for body in ({}, {"refresh_token": 7}, {"refresh_token": ""}, {"refresh_token": "a.b.c"}, []):
            error(client.post(path, body), 400, "BAD_REQUEST")
            count["malformed"] += 1
    error(client.post("login", None, data=b"{}"), 400, "BAD_REQUEST")
    count["malformed"] += 1


def languages(client, count):
    """Each language has a sentence of its own, English what is told otherwise."""
    said = {}
    for language in (None, "en", "it", *LANGUAGES):
        reply = client.post("login", {}, language=language)
        said[language] = error(reply, 400, "BAD_REQUEST")["error_message"]
        spoken = language if language in LANGUAGES else "en"
        assert reply.headers["Content-Language"] == spoken, language
    assert said[None] == said["en"] == said["it"]
    assert len({said[language] for language in ("en", *LANGUAGES)}) == 8, said
    count["languages"] = len(LANGUAGES) + 1


def main():
    path, url, ca, username, password, *served = sys.argv[1:]
    count = Counter()
    vectors(path, count)
    client = Client(url, ca, "AD-TEST-DOMAIN", username, password)
    for scheme in served:
        reference, key = client.agree(scheme)
        life(client, client.post("login", client.sealed(reference, key), reference), scheme, count)
    forms = {"a string": password, "characters": list(password), "one string": [password]}
    for form, value in forms.items():
        life(client, client.post("login", client.body(value)), form, count)
    life(client, client.post("login", client.body(username=username.upper())), "capitals", count)
    for method in ("GET", "PUT", "DELETE"):
        reply = client.session.request(method, f"{url}/rest/login", timeout=60)
        error(reply, 405, "METHOD_NOT_ALLOWED")
        assert reply.headers["Allow"] == "POST", reply.headers
    error(client.session.get(f"{url}/rest/nothing", timeout=60), 404, "NOT_FOUND")
    needless(client, served[0], count)
    references(client, served[0], count)
    contest(client, served[0], count)
    malformed(client, count)
    languages(client, count)
    strangers(client, served[0], count)
    print(json.dumps(count))


if __name__ == "__main__":
    main()
