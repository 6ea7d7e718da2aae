//! What a device proves of itself, and who may vouch for it (hem.md A6, A8; A15, 32).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64ct::{Base64, Encoding};
use rcgen::{
    CertificateParams, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm,
};
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use serde_json::json;
use tests::client::{Client, Reply};
use tests::daemon::{Home, USER};
use tests::log::LogReader;
use tests::login::{self, Challenge, now};
use tests::scene::Scene;
use tests::token::Token;

const PATH: &str = "/api/system/config/attestation";
const PROVISION: &str = "/api/system/config/provisioning";

fn bytes(text: &str) -> Vec<u8> {
    Base64::decode_vec(text).unwrap()
}

/// The key's identifier, once the proof holds under `point` and is of this minute.
fn proven(genuine: &str, point: &[u8]) -> String {
    let (text, signature) = genuine.rsplit_once('.').unwrap();
    let (id, time) = text.split_once('.').unwrap();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
    key.verify(text.as_bytes(), &bytes(signature)).unwrap();
    let time: u64 = String::from_utf8(bytes(time)).unwrap().parse().unwrap();
    assert!(time.abs_diff(now()) < 60, "{time}");
    assert_eq!(bytes(id), digest(&SHA1_FOR_LEGACY_USE_ONLY, point).as_ref());
    id.to_owned()
}

/// The point in a certificate of a P-256 key.
fn point(der: &[u8]) -> Vec<u8> {
    let der = CertificateDer::from(der);
    let spki = ParsedCertificate::try_from(&der).unwrap().subject_public_key_info();
    spki.as_ref()[spki.as_ref().len() - 65..].to_vec()
}

/// How long the DER element at the start of `der` is.
fn element(der: &[u8]) -> usize {
    match usize::from(der[1]) {
        short if short < 0x80 => 2 + short,
        long => {
            let digits = &der[2..2 + (long & 0x7f)];
            let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
            2 + digits.len() + length
        }
    }
}

/// Whether a certificate is signed by the key that it names.
fn is_self_signed(der: &[u8]) -> bool {
    let header = 2 + usize::from(der[1] & 0x7f);
    let inner = &der[header..];
    let (signed, rest) = inner.split_at(element(inner));
    let signature = &rest[element(rest)..];
    // The tag, a short length, no unused bits.
    let signature = &signature[3..];
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point(der));
    key.verify(signed, signature).is_ok()
}

fn attestation(client: &Client, token: Option<&str>) -> Reply {
    client.call("GET", PATH, token, None)
}

#[test]
fn a_device_proves_what_it_is() {
    let scene = Scene::new();
    let mut log = scene.log();
    assert_eq!(attestation(&scene.client, None).status, 401);
    let token = scene.user("any:scope:at:all");
    log.news();
    let told = attestation(&scene.client, Some(&token));
    let crt = told.bytes("crt");
    assert!(is_self_signed(&crt));
    let id = proven(&told.text("genuine"), &point(&crt));
    assert_eq!((told.json().get("csr"), told.json().get("key")), (None, None));
    let again = attestation(&scene.client, Some(&token));
    assert_eq!(again.bytes("crt"), crt, "one a run");
    assert_eq!(log.heads(), [""; 0]);
    let config = scene.client.get("/api/system/config", &scene.master("system:config"));
    assert_eq!(config.text("genuine_id"), id);
    let csr = json!({ "gen_csr": true });
    let csr = scene.client.post("/api/system/config", &scene.user("system:config"), &csr);
    assert_eq!(proven(&csr.text("genuine"), &point(&crt)), id);

    let home = scene.stop();
    let held = Token::of(&home).list();
    let ours = held.iter().filter(|object| object.id == b"claviger-system:attestation");
    let private: Vec<_> = ours.filter(|object| object.class == "private").collect();
    assert_eq!(private.len(), 1, "{held:?}");
    assert_eq!((private[0].sensitive, private[0].extractable), (Some(true), Some(false)));
    let scene = Scene::at(home);
    let later = attestation(&scene.client, Some(&scene.master("any")));
    assert_eq!(point(&later.bytes("crt")), point(&crt), "the key stays");
}

#[test]
fn an_older_token_gets_its_attestation_key() {
    let home = Home::new();
    home.start().stop();
    let hex: String =
        b"claviger-system:attestation".iter().map(|byte| format!("{byte:02x}")).collect();
    Token::of(&home).destroy(&hex);
    let scene = Scene::at(home);
    let told = attestation(&scene.client, Some(&scene.user("any")));
    proven(&told.text("genuine"), &point(&told.bytes("crt")));
}

#[test]
fn a_fresh_device_is_vouched_for_and_then_no_more() {
    let home = Home::uninitialised();
    let daemon = home.serve();
    let client = Client::of(&daemon);
    let mut log = LogReader::of(&daemon);
    let fresh = attestation(&client, None);
    let key = fresh.bytes("key");
    let id = proven(&fresh.text("genuine"), &key);
    assert!(fresh.json().get("crt").is_none());
    let csr = fresh.text("csr");
    assert!(csr.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{csr}");
    let body: String = csr.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(bytes(&body).windows(65).any(|window| window == key), "the request is of the key");
    let challenge = client.call("GET", "/api/auth/init", None, None);
    assert_eq!(proven(&challenge.text("genuine"), &key), id);

    let provision = |body| client.call("POST", PROVISION, None, Some(&body)).status;
    for bad in [json!({}), json!({ "crt": 5 }), json!({ "crt": "AAAA" }), json!({ "crt": "?" })] {
        assert_eq!(provision(bad.clone()), 400, "{bad}");
    }
    let another = KeyPair::generate().unwrap();
    assert_eq!(provision(json!({ "crt": vouched(&another) })), 406, "of another key");
    let crt = vouched(&Foreign(key.clone()));
    assert_eq!(provision(json!({ "crt": crt })), 200);
    assert_eq!(attestation(&client, None).text("crt"), crt);

    let done = login::initialise(&client, "*");
    assert_eq!(proven(&done.text("genuine"), &key), id);
    assert_eq!(log.heads(), ["DEVICE_INITED OK"]);
    assert_eq!(provision(json!({ "crt": crt })), 403);
    assert_eq!(provision(json!({})), 403);
    assert_eq!(log.heads(), [""; 0]);
    assert_eq!(attestation(&client, None).status, 401);
    assert_eq!(attestation(&client, Some(&done.text("token"))).text("crt"), crt);
    let token = login::bearer(&client, USER, "any");
    assert_eq!(attestation(&client, Some(&token)).text("crt"), crt);
    assert!(Challenge::ask(&client).exp > now());
}

/// A certificate (base64 of DER) for `key` by an authority.
fn vouched(key: &impl PublicKeyData) -> String {
    let authority = Issuer::new(CertificateParams::default(), KeyPair::generate().unwrap());
    let params = CertificateParams::new(vec!["device.example.org".to_owned()]).unwrap();
    Base64::encode_string(params.signed_by(key, &authority).unwrap().der())
}

/// A P-256 key of which only the point is known.
struct Foreign(Vec<u8>);

impl PublicKeyData for Foreign {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}
