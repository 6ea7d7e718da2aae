//! A TLS key that comes in from outside, sealed for the device (hem.md A8, `tls`), by a sealer
//! written from docs/hem.md alone.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64ct::{Base64, Encoding};
use p256::elliptic_curve::sec1::ToSec1Point;
use rcgen::{CertificateParams, Issuer, KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tests::client::Client;
use tests::daemon::Home;
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::wire;
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
