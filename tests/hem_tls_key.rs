//! A TLS key that comes in from outside, sealed for the device (hem.md A8, `tls`), by a sealer
//! written from docs/hem.md alone.

use std::path::PathBuf;
use std::process::Command;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64ct::{Base64, Encoding};
use p256::elliptic_curve::sec1::ToSec1Point;
use rcgen::{CertificateParams, Issuer, KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tests::client::Client;
use tests::daemon::{Home, write};
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::{programs, wire};
use x25519_dalek::{PublicKey, StaticSecret};

const CONFIG: &str = "/api/system/config";
const SCALAR: [u8; 32] = [0x51; 32];

/// A key pair of which `tests` knows the private half, and its certificate by the authority of a
/// device's folder.
struct Identity;

impl PublicKeyData for Identity {
    fn der_bytes(&self) -> &[u8] {
        static POINT: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            let secret = p256::SecretKey::from_slice(&SCALAR).unwrap();
            secret.public_key().to_sec1_point(false).as_bytes().to_vec()
        });
        &POINT
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

fn certificate(home: &Home, name: &str) -> String {
    let key = KeyPair::from_pem(&std::fs::read_to_string(home.at("ca-key.pem")).unwrap()).unwrap();
    let mut authority = CertificateParams::default();
    authority.distinguished_name = rcgen::DistinguishedName::new();
    authority.distinguished_name.push(rcgen::DnType::CommonName, "Claviger development CA");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.signed_by(&Identity, &Issuer::new(authority, key)).unwrap().pem()
}

/// `ECPrivateKey` (RFC 5915) on P-256, without its point.
fn sec1() -> Vec<u8> {
    let head = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
    let curve = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    [&head[..], &SCALAR, &curve].concat()
}

/// The `tls` of a key that is sealed for `eid`.
fn sealed(eid: &[u8], content: &[u8], crt: &str) -> Value {
    let own = StaticSecret::from([8; 32]);
    let eid: [u8; 32] = eid.try_into().unwrap();
    let secret = own.diffie_hellman(&PublicKey::from(eid));
    let key = UnboundCipherKey::new(&AES_256, secret.as_bytes()).unwrap();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
    let (iv, mut text) = ([4; 16], content.to_vec());
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from(iv))).unwrap();
    let key = format!("{}.{}", Base64::encode_string(&iv), Base64::encode_string(&text));
    let emp = Base64::encode_string(PublicKey::from(&own).as_bytes());
    json!({ "tls": { "emp": emp, "key": key, "crt": crt } })
}

fn files(home: &Home) -> (String, String) {
    let read = |name| std::fs::read_to_string(home.at(name)).unwrap();
    (read("server.pem"), read("server-key.pem"))
}

#[test]
fn a_key_and_its_certificate_take_the_place_of_both() {
    let scene = Scene::new();
    let crt = certificate(&scene.home, "localhost");
    let token = scene.user("system:config");
    let eid = scene.client.get(CONFIG, &token).bytes("eid");
    let good = sealed(&eid, &sec1(), &crt);
    assert_eq!(good["tls"]["key"].as_str().unwrap().len(), 113);
    let (mut log, before) = (scene.log(), files(&scene.home));
    let mut flipped = sec1();
    flipped[20] ^= 1;
    let elsewhere = certificate(&scene.home, "elsewhere.example.org");
    let mut foreign = good.clone();
    foreign["tls"]["emp"] = json!(Base64::encode_string(&[9; 32]));
    for (name, bad) in [
        ("another device's", sealed(&[9; 32], &sec1(), &crt)),
        ("another sealer's", foreign),
        ("another key", sealed(&eid, &flipped, &crt)),
        ("no key", sealed(&eid, &[0; 51], &crt)),
        ("another name", sealed(&eid, &sec1(), &elsewhere)),
        ("another certificate", sealed(&eid, &sec1(), &before.0)),
    ] {
        assert_eq!(scene.client.post(CONFIG, &token, &bad).status, 406, "{name}");
        assert_eq!(log.heads(), ["CONFIG_UPDATED FAILED"], "{name}");
    }
    let mut short = good.clone();
    short["tls"]["key"] = json!(&good["tls"]["key"].as_str().unwrap()[..112]);
    assert_eq!(scene.client.post(CONFIG, &token, &short).status, 400);
    assert_eq!(files(&scene.home), before);

    let reply = scene.client.post(CONFIG, &token, &good);
    assert_eq!(reply.json(), json!({ "updated": true, "reboot_required": true }));
    assert_eq!(log.heads(), ["CONFIG_UPDATED OK"]);
    let after = files(&scene.home);
    assert_eq!(after.0, crt);
    assert!(after.1.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(scene.client.get("/api/system/reboot", &token).status, 200);
    until("the new certificate is shown", LONG, || shows(&scene, &crt).then_some(()));
    let csr = scene.client.post(CONFIG, &scene_token(&scene), &json!({ "gen_csr": true }));
    assert!(csr.text("csr").starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
}

fn scene_token(scene: &Scene) -> String {
    tests::login::bearer(&Client::of(&scene.daemon), tests::daemon::USER, "system:config")
}

fn shows(scene: &Scene, crt: &str) -> bool {
    let own = CertificateDer::from_pem_slice(crt.as_bytes()).unwrap();
    let stream = wire::tls(&scene.daemon, &["http/1.1"]);
    stream.is_ok_and(|stream| stream.conn.peer_certificates().unwrap()[0] == own)
}

/// The same by a program that we did not write: the key, its certificate, the sealing, and what is
/// said of the daemon's request.
#[test]
fn openssl_seals_a_key_and_finds_it_in_the_request() {
    let scene = Scene::new();
    let openssl = OpenSsl(tempfile::tempdir().unwrap());
    let home = |name| scene.home.at(name).display().to_string();
    openssl.run("ecparam -name prime256v1 -genkey -noout -out key.pem");
    openssl.run("ec -in key.pem -no_public -outform DER -out key.der");
    let name = "-subj /CN=localhost -addext subjectAltName=DNS:localhost";
    openssl.run(&format!("req -new -key key.pem {name} -out key.csr"));
    let authority = format!("-CA {} -CAkey {}", home("ca.pem"), home("ca-key.pem"));
    let sign = "x509 -req -in key.csr -copy_extensions copy -set_serial 7 -out crt.pem";
    openssl.run(&format!("{sign} {authority}"));

    let token = scene.user("system:config");
    let eid = scene.client.get(CONFIG, &token).bytes("eid");
    write(&openssl.at("device.der"), [X25519, &eid].concat());
    openssl.run("genpkey -algorithm X25519 -out own.pem");
    openssl.run("pkey -in own.pem -pubout -outform DER -out own.der");
    openssl.run("pkeyutl -derive -inkey own.pem -peerkey device.der -peerform DER -out secret");
    let secret: String = openssl.read("secret").iter().map(|byte| format!("{byte:02x}")).collect();
    let iv = "04".repeat(16);
    openssl.run(&format!("enc -aes-256-cbc -K {secret} -iv {iv} -in key.der -out sealed"));
    let emp = Base64::encode_string(&openssl.read("own.der")[X25519.len()..]);
    let key = Base64::encode_string(&openssl.read("sealed"));
    let key = format!("{}.{key}", Base64::encode_string(&[4; 16]));
    let crt = String::from_utf8(openssl.read("crt.pem")).unwrap();
    let tls = json!({ "tls": { "emp": emp, "key": key, "crt": crt } });
    let reply = scene.client.post(CONFIG, &token, &tls);
    assert_eq!(reply.json(), json!({ "updated": true, "reboot_required": true }));

    let csr = scene.client.post(CONFIG, &token, &json!({ "gen_csr": true })).text("csr");
    write(&openssl.at("daemon.csr"), csr);
    openssl.run("req -in daemon.csr -verify -noout");
    let public = openssl.run("pkey -in key.pem -pubout");
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----"), "{public}");
    assert_eq!(openssl.run("req -in daemon.csr -noout -pubkey"), public);
    assert_eq!(openssl.run(&format!("pkey -in {} -pubout", home("server-key.pem"))), public);
}

/// OpenSSL's command line, in a folder of its own.
struct OpenSsl(tempfile::TempDir);

impl OpenSsl {
    /// What the command writes; its words have no spaces in them.
    fn run(&self, command: &str) -> String {
        let mut openssl = Command::new("openssl");
        programs::run(openssl.current_dir(&self.0).args(command.split(' '))).good()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.at(name)).unwrap()
    }
}

/// What comes before the 32 bytes of an X25519 key in a `SubjectPublicKeyInfo` (RFC 8410).
const X25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00];

#[test]
fn a_fresh_device_takes_one_from_anybody() {
    let home = Home::uninitialised();
    let daemon = home.serve();
    let client = Client::of(&daemon);
    let eid = client.call("GET", "/api/auth/init", None, None).bytes("eid");
    let crt = certificate(&home, "localhost");
    let set = |body: &Value| client.call("POST", CONFIG, None, Some(body));
    assert_eq!(set(&json!({ "email": "a@b" })).status, 406);
    assert_eq!(set(&sealed(&[9; 32], &sec1(), &crt)).status, 406);
    let reply = set(&sealed(&eid, &sec1(), &crt));
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(files(&home).0, crt);
}
