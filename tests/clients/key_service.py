"""A client of the key service, written from its description alone.

`key_service.py URL CA VECTORS [TOKEN]` makes keys online and offline, leaves messages and files in both
profiles, reads and deletes them, with RSA, AES and PBKDF2 by `cryptography` (OpenSSL) on this side, and
prints how often which answer was as described. VECTORS is `key-service.json`. TOKEN has the scopes
keyservice:create, keyservice:send, keyservice:read and keyservice:delete; without it the service has to
be anonymous.
"""

import base64
import gzip
import hashlib
import io
import json
import re
import secrets
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
import zipfile
from collections import Counter

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

SERVICE = "/Service"
KEY_MEMBERS = {
    "IsReleased", "KeyId", "KeyToken", "PublicKey", "PrivateKey", "PrivateKeyHash",
    "IsPrivateKeyEncrypted", "IsPublicKeyOnly", "RequestDate", "ReleaseDate", "LockDate",
    "DeleteMessagesAfterReading", "DeleteKeyAfterReading", "Notifications", "Messages",
    "MessagesSerialized", "URI",
}
MESSAGE_MEMBERS = {
    "MessageId", "EncryptionKey", "MessageData", "Created", "MessageHash", "IsFile",
    "TemporaryDownloadId",
}


# The formats of the original.

def text_keys(passphrase):
    salt = "CryptAByte".encode("utf-16-le")
    both = PBKDF2HMAC(hashes.SHA1(), 48, salt, 1000).derive(passphrase.encode())
    return algorithms.AES(both[:32]), modes.CBC(both[32:])


def seal_text(text, passphrase):
    pad = block_padding.PKCS7(128).padder()
    plain = pad.update(b"\xff\xfe" + text.encode("utf-16-le")) + pad.finalize()
    work = Cipher(*text_keys(passphrase)).encryptor()
    return base64.b64encode(work.update(plain) + work.finalize()).decode()


def open_text(sealed, passphrase):
    work = Cipher(*text_keys(passphrase)).decryptor()
    unpad = block_padding.PKCS7(128).unpadder()
    plain = unpad.update(work.update(base64.b64decode(sealed)) + work.finalize())
    plain += unpad.finalize()
    assert plain[:2] == b"\xff\xfe"
    return plain[2:].decode("utf-16-le")


def hash_of(text):
    return hashlib.sha256(text.encode("utf-16-le")).hexdigest()


def oaep(digest):
    return padding.OAEP(padding.MGF1(digest()), digest(), None)


def seal_passphrase(passphrase, public):
    plain = passphrase.encode("utf-32-le")
    room = public.key_size // 8 - 42
    pieces = [plain[at:at + room] for at in range(0, len(plain), room)] + [b""]
    blocks = (public.encrypt(piece, oaep(hashes.SHA1))[::-1] for piece in pieces)
    return "".join(base64.b64encode(block).decode() for block in blocks)


def open_passphrase(sealed, private):
    length = -(-private.key_size // 8)
    digits = -(-length // 3) * 4
    assert len(sealed) % digits == 0, len(sealed)
    plain = b""
    for at in range(0, len(sealed), digits):
        block = base64.b64decode(sealed[at:at + digits])
        plain += private.decrypt(block[::-1], oaep(hashes.SHA1))
    return plain.decode("utf-32-le")


def packed(text):
    return gzip.compress(text.encode("latin-1")).decode("latin-1")


def zipped(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return base64.b64encode(file.getvalue()).decode()


def unzipped(text):
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(text))) as archive:
        assert archive.testzip() is None
        return [(name, archive.read(name)) for name in archive.namelist()]


def sealed(inside, public):
    """What is sent offline: `inside` is what `packed` or `zipped` made."""
    passphrase = base64.b64encode(secrets.token_bytes(128)).decode()
    return {
        "encryptedmessage": seal_text(inside, passphrase),
        "encryptionkey": seal_passphrase(passphrase, public),
    }


def opened(message, private):
    """What a message says that was read offline: a text, or the files in it."""
    assert message["MessageHash"] == hash_of(message["MessageData"])
    key = message["EncryptionKey"]
    if not key.startswith("claviger1:"):
        inside = open_text(message["MessageData"], open_passphrase(key, private))
        if inside.startswith("\x1f\x8b"):
            return gzip.decompress(inside.encode("latin-1")).decode("latin-1")
        return unzipped(inside)
    secret = private.decrypt(base64.b64decode(key.split(":")[1]), oaep(hashes.SHA256))
    data = base64.b64decode(message["MessageData"])
    kind = "file" if message["IsFile"] else "text"
    plain = AESGCM(secret).decrypt(data[:12], data[12:], f"claviger1:{kind}".encode())
    return unzipped(base64.b64encode(plain)) if message["IsFile"] else plain.decode()


def public_xml(public):
    numbers = public.public_numbers()
    modulus, exponent = (
        base64.b64encode(n.to_bytes(-(-n.bit_length() // 8), "big")).decode()
        for n in (numbers.n, numbers.e)
    )
    return (f"<RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>{exponent}</Exponent>"
            "</RSAKeyValue>")


def numbers_of(text):
    root = ElementTree.fromstring(text)
    assert root.tag == "RSAKeyValue", root.tag
    return {one.tag: int.from_bytes(base64.b64decode(one.text), "big") for one in root}


def public_of(text):
    numbers = numbers_of(text)
    return rsa.RSAPublicNumbers(numbers["Exponent"], numbers["Modulus"]).public_key()


def private_of(text):
    n = numbers_of(text)
    public = rsa.RSAPublicNumbers(n["Exponent"], n["Modulus"])
    return rsa.RSAPrivateNumbers(
        n["P"], n["Q"], n["D"], n["DP"], n["DQ"], n["InverseQ"], public
    ).private_key()


def public_pem(public):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


class Client:
    def __init__(self, url, ca, token=None):
        self.url = f"{url}{SERVICE}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = ca
        # What requests sends by itself, so that each choice is one of this program.
        self.session.headers["Accept"] = "*/*"
        self.bearer = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method, status=200, headers=None, **how):
        headers = {**self.bearer, "Origin": "https://a-page.example", **(headers or {})}
        reply = self.session.request(method, self.url, timeout=120, headers=headers, **how)
        assert reply.status_code == status, (method, reply.status_code, reply.text[:500])
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in reply.headers
        return reply

    def json(self, method, status=200, **how):
        reply = self.ask(method, status, **how)
        assert reply.headers["Content-Type"].split(";")[0] == "application/json"
        return reply.json()

    def refusal(self, method, **how):
        why = self.json(method, 400, **how)
        assert isinstance(why, str) and len(why) > 5, why
        return why

    def key(self, **data):
        reply = self.ask("POST", data=data)
        key = reply.json()
        assert set(key) == KEY_MEMBERS, set(key) ^ KEY_MEMBERS
        assert re.fullmatch("[0-9a-f]{32}", key["KeyToken"]), key["KeyToken"]
        for name in ("RequestDate", "ReleaseDate"):
            assert re.search(rf'"{name}":"\\/Date\(\d+\)\\/"', reply.text), reply.text
        assert public_of(key["PublicKey"]).key_size >= 1024
        return key

    def nothing(self, **how):
        assert self.ask("GET", 304, **how).content == b""

    def messages(self, **how):
        messages = self.json("GET", **how)
        for message in messages:
            assert set(message) == MESSAGE_MEMBERS, set(message) ^ MESSAGE_MEMBERS
            assert re.fullmatch("[0-9a-f]{64}", message["MessageHash"]), message
            created = int(re.fullmatch(r"/Date\((\d+)\)/", message["Created"])[1])
            assert abs(created / 1000 - time.time()) < 3600
        ids = [message["MessageId"] for message in messages]
        assert ids == sorted(set(ids)), ids
        return messages


def online(client, count):
    """Made and read with a passphrase."""
    phrase = "correct horse & \u00e4 battery"
    key = client.key(passphrase=phrase)
    assert key["PrivateKey"] is None and key["IsReleased"] is True
    assert re.fullmatch("[0-9a-f]{64}", key["PrivateKeyHash"])
    public = public_of(key["PublicKey"])
    assert public.key_size >= 3072
    token = key["KeyToken"]
    mine = {"token": token, "passphrase": phrase}
    client.nothing(params=mine)
    client.nothing(params={"token": token, "privatekeyhash": key["PrivateKeyHash"]})
    count["no messages, 304"] += 2

    text, content = "first \u20ac <&>\r\n\x1f\u00e9 \U0001f511", secrets.token_bytes(3000)
    assert client.json("PUT", data={"token": token, "message": text}) is True
    assert client.json("PUT", data={"token": token}, files={"f": ("a.bin", content)}) is True
    two = [("f", ("one.txt", b"1" * 5000)), ("f", ("\u00e4.txt", b""))]
    assert client.json("PUT", data={"token": token, "message": "with files"}, files=two) is True
    assert client.json("PUT", data={"token": token, **sealed(packed("from outside \u00e9"), public)})
    outside = sealed(zipped("out.bin", content), public)
    assert client.json("PUT", data={"token": token, **outside}) is True
    count["sent"] += 5

    read = client.messages(params=mine)
    assert all(message["EncryptionKey"] is None for message in read), read
    texts = [message["MessageData"] for message in read if not message["IsFile"]]
    assert texts == [text, "with files", "from outside \u00e9"], texts
    files = [unzipped(message["MessageData"]) for message in read if message["IsFile"]]
    assert sum(files, []) == [
        ("a.bin", content), ("one.txt", b"1" * 5000), ("\u00e4.txt", b""), ("out.bin", content),
    ], [name for name, _ in sum(files, [])]
    count["read with the passphrase"] += len(read)

    still = client.messages(params={"token": token, "privatekeyhash": key["PrivateKeyHash"]})
    assert [m["MessageId"] for m in still] == [m["MessageId"] for m in read]
    assert all(m["EncryptionKey"] and m["MessageHash"] == hash_of(m["MessageData"]) for m in still)
    assert not any(phrase in m["MessageData"] or text in m["MessageData"] for m in still)
    count["read with the hash"] += len(still)
    return key, mine


def everywhere(client, key, mine, count):
    """The same parameters from other places, under names in another case."""
    token, phrase = mine["token"], mine["passphrase"]
    expected = [m["MessageId"] for m in client.messages(params=mine)]
    ascii_hash = {"TOKEN": token, "PrivateKeyHash": key["PrivateKeyHash"]}
    for how in (
        {"params": {"Token": token, "PASSPHRASE": phrase, "V": "1"}},
        {"headers": {"Token": token, "Passphrase": phrase.encode()}},
        {"headers": ascii_hash},
        {"params": {"tOkEn": token}, "headers": {"PRIVATEKEYHASH": key["PrivateKeyHash"]}},
        {"data": {"Token": token, "Passphrase": phrase}},
    ):
        assert [m["MessageId"] for m in client.messages(**how)] == expected, how
        count["parameters from elsewhere"] += 1
    assert client.json("PUT", params={"Token": token}, data={"MESSAGE": "a"}) is True
    assert client.json("PUT", headers={"token": token}, data={"message": "b"}) is True
    assert client.json("PUT", params={"token": token, "message": "c", "v": "1"}) is True
    form = {"Token": (None, token), "Message": (None, "d")}
    assert client.json("PUT", files=form) is True
    count["parameters from elsewhere"] += 4
    assert [m["MessageData"] for m in client.messages(params=mine)][-4:] == list("abcd")


def offline(client, vectors, count):
    """Keys of one's own, in both forms, and the published messages."""
    given = private_of(vectors["priv"])
    key = client.key(
        publickey=vectors["pub"], privatekey=vectors["priv_enc"], privatekeyhash=vectors["priv_hash"]
    )
    assert key["PublicKey"] == vectors["pub"] and key["PrivateKey"] == vectors["priv_enc"]
    assert (key["IsPrivateKeyEncrypted"], key["IsPublicKeyOnly"]) == (True, False)
    assert open_text(key["PrivateKey"], vectors["passphrase"]) == vectors["priv"]
    mine = {"token": key["KeyToken"], "privatekeyhash": vectors["priv_hash"]}
    client.nothing(params=mine)
    sent = {"encryptedmessage": vectors["msg_enc"], "encryptionkey": vectors["msg_key"]}
    assert client.json("PUT", data={"token": key["KeyToken"], **sent}) is True
    (message,) = client.messages(params=mine)
    assert message["MessageData"] == vectors["msg_enc"]
    assert message["EncryptionKey"] == vectors["msg_key"]
    assert opened(message, given) == "secret message \u00e9 \""
    count["published message, read"] += 1
    both_profiles(client, key["KeyToken"], given, mine, count)

    for bits, form in ((2048, public_pem), (3072, public_xml), (1024, public_pem)):
        private = rsa.generate_private_key(65537, bits)
        secret = hash_of(secrets.token_hex(32))
        key = client.key(publickey=form(private.public_key()), privatekeyhash=secret)
        assert key["PublicKey"] == public_xml(private.public_key())
        assert (key["PrivateKey"], key["IsPublicKeyOnly"]) == (None, True)
        mine = {"token": key["KeyToken"], "privatekeyhash": secret}
        both_profiles(client, key["KeyToken"], private, mine, count)
        assert client.json("DELETE", params=mine) == "Deleted."
        client.refusal("GET", params=mine)
        count["deleted"] += 1


def both_profiles(client, token, private, mine, count):
    public = private.public_key()
    content = secrets.token_bytes(500)
    assert client.json("PUT", data={"token": token, **sealed(packed("ours \u00fc"), public)}) is True
    assert client.json("PUT", data={"token": token, "message": "theirs \u20ac"}) is True
    assert client.json("PUT", data={"token": token}, files={"x": ("f.bin", content)}) is True
    read = client.messages(params=mine)[-3:]
    assert [message["IsFile"] for message in read] == [False, False, True]
    said = [opened(message, private) for message in read]
    assert said == ["ours \u00fc", "theirs \u20ac", [("f.bin", content)]], said
    count["read with a private key"] += 3


def by_public_key(client, count):
    """Where no hash was stored the public key opens."""
    private = rsa.generate_private_key(65537, 2048)
    public = private.public_key()
    key = client.key(publickey=public_pem(public))
    assert key["PrivateKeyHash"] is None
    token = key["KeyToken"]
    assert client.json("PUT", data={"token": token, "message": "hello"}) is True
    for form in (public_pem(public), public_xml(public)):
        (message,) = client.messages(params={"token": token, "publickey": form})
        assert opened(message, private) == "hello"
        count["read with a public key"] += 1
    other = rsa.generate_private_key(65537, 2048).public_key()
    client.refusal("GET", params={"token": token, "publickey": public_xml(other)})
    client.refusal("GET", params={"token": token, "privatekeyhash": ""})


def release(client, count):
    """Before its release a key answers as if there were no messages."""
    private = rsa.generate_private_key(65537, 1024)
    secret = "a" * 64
    for date, released in (("2999-01-01T00:00:00Z", False), ("2001-01-01T00:00:00Z", True)):
        key = client.key(
            publickey=public_xml(private.public_key()), privatekeyhash=secret, releasedate=date
        )
        assert key["IsReleased"] is released, key
        mine = {"token": key["KeyToken"], "privatekeyhash": secret}
        assert client.json("PUT", data={"token": key["KeyToken"], "message": "later"}) is True
        if released:
            (message,) = client.messages(params=mine)
            assert opened(message, private) == "later"
        else:
            client.nothing(params=mine)
        count["release dates"] += 1


def as_xml(client, key, mine, count):
    expected = client.messages(params=mine)
    for how in (
        {"params": {**mine, "format": "xml"}, "headers": {"Accept": "application/json"}},
        {"params": mine, "headers": {"Accept": "application/json;q=0.5, text/xml"}},
        {"params": mine, "headers": {"Accept": "text/html, application/xml;q=0.9, */*;q=0.8"}},
    ):
        reply = client.ask("GET", **how)
        assert re.match(r'<\?xml version="1.0" encoding="utf-8"\?>', reply.text, re.I), reply.text[:80]
        root = ElementTree.fromstring(reply.content)
        assert root.tag == "response" and {one.tag for one in root} == {"Message"}
        read = [one.findtext("MessageData") for one in root]
        # XML 1.0 has no way to write some letters.
        wanted = [re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", m["MessageData"]) for m in expected]
        assert read == wanted, read
        ids = [int(one.findtext("MessageId")) for one in root]
        assert ids == [message["MessageId"] for message in expected]
        dates = [one.findtext("Created") for one in root]
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", date) for date in dates)
        count["XML"] += 1
    xml = {"params": {"format": "xml"}}
    made = ElementTree.fromstring(client.ask("POST", data={"passphrase": "xml"}, **xml).content)
    assert made.tag == "response" and re.fullmatch("[0-9a-f]{32}", made.findtext("KeyToken"))
    sent = client.ask("PUT", data={"token": made.findtext("KeyToken"), "message": "m"}, **xml)
    assert ElementTree.fromstring(sent.content).text == "true"
    ours = {"token": made.findtext("KeyToken"), "passphrase": "xml"}
    gone = client.ask("DELETE", data=ours, headers={"Accept": "text/xml"})
    assert ElementTree.fromstring(gone.content).text == "Deleted."
    refused = client.ask("GET", 400, params={**ours, "format": "xml"})
    assert len(ElementTree.fromstring(refused.content).text) > 5
    count["XML"] += 4


def refusals(client, key, mine, count):
    """What nobody may tell apart, and what is wrong with a request."""
    token, nowhere = mine["token"], secrets.token_hex(16)
    digest = key["PrivateKeyHash"]
    wrong = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    for method in ("GET", "DELETE"):
        replies = [
            client.ask(method, 400, params=params)
            for params in (
                {"token": nowhere, "passphrase": mine["passphrase"]},
                {"token": token, "passphrase": mine["passphrase"] + "x"},
                {"token": nowhere, "privatekeyhash": digest},
                {"token": token, "privatekeyhash": wrong},
            )
        ]
        told = {
            (reply.content, tuple(sorted(
                (name.lower(), value) for name, value in reply.headers.items()
                if name.lower() not in ("date", "audit-index")
            )))
            for reply in replies
        }
        assert len(told) == 1, told
        count["not told apart"] += len(replies)
    public = public_of(key["PublicKey"])
    good = sealed(packed("x"), public)
    for method, how in (
        ("POST", {"data": {"x": "1"}}),
        ("POST", {"data": {"publickey": "<RSAKeyValue></RSAKeyValue>"}}),
        ("POST", {"data": {"publickey": bomb(), "privatekeyhash": "0" * 64}}),
        ("POST", {"data": {"passphrase": "p", "v": "2"}}),
        ("POST", {"data": {"publickey": key["PublicKey"], "releasedate": "soon"}}),
        ("POST", {"data": "{}", "headers": {"Content-Type": "application/json"}}),
        ("PUT", {"data": {"token": token}}),
        ("PUT", {"data": {"token": nowhere, "message": "m"}}),
        ("PUT", {"data": {"message": "m"}}),
        ("PUT", {"data": {"token": token, "encryptedmessage": good["encryptedmessage"]}}),
        ("PUT", {"data": {"token": token, **good, "encryptionkey": ""}}),
        ("GET", {"params": {**mine, "v": "2"}}),
        ("GET", {"params": {**mine, "format": "html"}}),
        ("GET", {"params": {"token": token}}),
        ("GET", {"params": mine, "headers": {"Accept": "image/png"}}),
        ("DELETE", {"params": {"token": token}}),
    ):
        client.refusal(method, **how)
        count["refused"] += 1
    assert len(client.messages(params=mine)) > 0, "none of these changed anything"
    problem, json_text = "application/problem+json", "application/json"
    for query, accept, form in (
        ({}, problem, problem),
        ({}, f"{json_text}, {problem};q=0", json_text),
        ({}, f"{problem};q=0.5, application/xml", "application/xml"),
        ({"format": "xml"}, problem, "application/xml"),
    ):
        bad = {"token": token, "passphrase": "wrong", **query}
        reply = client.ask("GET", 400, params=bad, headers={"Accept": accept})
        assert reply.headers["Content-Type"].split(";")[0] == form, (accept, reply.headers)
        count["form of a refusal"] += 1


def bomb():
    """XML that grows where entities are expanded."""
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY e0 "AQAB">{levels}]><RSAKeyValue>&e9;</RSAKeyValue>'


def expanding(client, count):
    """A gzip that expands to much more than a message may have stays closed."""
    key = client.key(passphrase="bomb")
    mine = {"token": key["KeyToken"], "passphrase": "bomb"}
    much = sealed(gzip.compress(bytes(64 << 20)).decode("latin-1"), public_of(key["PublicKey"]))
    assert client.json("PUT", data={"token": key["KeyToken"], **much}) is True
    assert client.json("PUT", data={"token": key["KeyToken"], "message": "next"}) is True
    closed, text = client.messages(params=mine)
    assert closed["MessageData"] == much["encryptedmessage"] and closed["EncryptionKey"]
    assert text["MessageData"] == "next"
    files = sealed(zipped("zeros", bytes(64 << 20)), public_of(key["PublicKey"]))
    assert client.json("PUT", data={"token": key["KeyToken"], **files}) is True
    assert client.messages(params=mine)[-1]["MessageData"] == files["encryptedmessage"]
    assert client.json("DELETE", data=mine) == "Deleted."
    count["expands too far, left closed"] += 2


def at_once(client, key, mine, count):
    """All of several that are left at the same time."""
    texts = [f"at once {n}" for n in range(8)]

    def send(text):
        other = Client(client.url[:-len(SERVICE)], client.session.verify)
        other.bearer = client.bearer
        assert other.json("PUT", data={"token": mine["token"], "message": text}) is True
        count["at once"] += 1

    threads = [threading.Thread(target=send, args=[text]) for text in texts]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    read = [message["MessageData"] for message in client.messages(params=mine)][-8:]
    assert sorted(read) == texts, read


def pages(client, count):
    """From a page of another origin, and for people."""
    for method in ("PUT", "DELETE"):
        asks = {"Access-Control-Request-Method": method, "Origin": "https://a-page.example"}
        reply = client.session.options(client.url, headers=asks, timeout=60)
        assert reply.status_code in (200, 204), reply.status_code
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert method in reply.headers["Access-Control-Allow-Methods"]
        assert "Access-Control-Allow-Credentials" not in reply.headers
        count["preflight"] += 1
    page = client.session.get(client.url, headers={"Accept": "text/html"}, timeout=60)
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    assert "<html" in page.text


def as_it_came(client, mine, count):
    """Who encrypts himself may do so in a form of his own: nobody here looks into it."""
    private = rsa.generate_private_key(65537, 2048)
    password = serialization.BestAvailableEncryption(b"a password")
    form = serialization.PrivateFormat.PKCS8
    pem = private.private_bytes(serialization.Encoding.PEM, form, password).decode()
    der = private.private_bytes(serialization.Encoding.DER, form, password)
    public = public_pem(private.public_key())
    for blob in (pem, base64.b64encode(der).decode()):
        key = client.key(publickey=public, privatekey=blob, privatekeyhash=hash_of(pem))
        assert key["PrivateKey"] == blob and key["IsPrivateKeyEncrypted"] is True
        count["kept as they came"] += 1
    bare = serialization.NoEncryption()
    bare = private.private_bytes(serialization.Encoding.PEM, form, bare).decode()
    client.refusal("POST", data={"publickey": public, "privatekey": bare})
    own = {"token": key["KeyToken"], "privatekeyhash": hash_of(pem)}
    for form in (
        {"encryptedmessage": "eyJhbGciOiJSU0EtT0FFUCJ9.AA.AA.AA.AA", "encryptionkey": "none"},
        {"encryptedmessage": "-----BEGIN MESSAGE-----\n\n\u00fc\ufffd <&>\n", "encryptionkey": "AAAA"},
    ):
        assert client.json("PUT", data={"token": own["token"], **form}) is True
        message = client.messages(params=own)[-1]
        assert message["MessageData"] == form["encryptedmessage"], message
        assert message["EncryptionKey"] == form["encryptionkey"], message
        assert message["MessageHash"] == hash_of(form["encryptedmessage"]), message
        count["kept as they came"] += 1
    before = client.messages(params=mine)
    assert client.json("PUT", data={"token": mine["token"], **form}) is True
    *others, last = client.messages(params=mine)
    assert others == before and last["EncryptionKey"] == form["encryptionkey"], last
    count["kept as they came"] += 1


def main(url, ca, vectors, token=None):
    with open(vectors) as file:
        vectors = json.load(file)
    count = Counter()
    client = Client(url, ca, token)
    key, mine = online(client, count)
    everywhere(client, key, mine, count)
    offline(client, vectors, count)
    by_public_key(client, count)
    release(client, count)
    as_xml(client, key, mine, count)
    refusals(client, key, mine, count)
    expanding(client, count)
    at_once(client, key, mine, count)
    as_it_came(client, mine, count)
    pages(client, count)
    assert client.json("DELETE", data=mine) == "Deleted."
    client.refusal("GET", params=mine)
    count["deleted"] += 1
    print(json.dumps(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
