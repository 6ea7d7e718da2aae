//! `token-tool`: reads and changes the token of a test, past the daemon.
//!
//! `TOKEN_MODULE` is its PKCS#11 module, `TOKEN_PIN_FILE` has its PIN, and the module's own variable
//! says where the token is.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use hsm_profiles::{Answer, Letter, Mailbox, MailboxKey, Operation, Profile, Token, TokenOptions};
use tests::make::Make;
use tests::patience::until;
use tests::token::{Import, Object};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let ["open-mailbox"] = arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        return open_mailbox();
    }
    let session = open();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["import"] => import(&session),
        ["import-exchange-key"] => import_exchange_key(&session),
        ["list"] => list(&session),
        ["destroy", id] => destroy(&session, id),
        _ => panic!(
            "usage: token-tool import | import-exchange-key | list | destroy ID | open-mailbox"
        ),
    }
}

/// SoftHSM fails on what another process is writing at that moment; the next look is a good one.
fn open() -> Session {
    let context = Pkcs11::new(std::env::var_os("TOKEN_MODULE").unwrap()).unwrap();
    until("a session with the token", Duration::from_secs(20), || {
        context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        match log_in(&context) {
            Ok(session) => Some(session),
            Err(error) => {
                eprintln!("token-tool: {error}");
                context.clone().finalize().unwrap();
                None
            }
        }
    })
}

fn log_in(context: &Pkcs11) -> Result<Session, Error> {
    let slots = context.get_slots_with_initialized_token()?;
    // A token that is being written to may not be seen either.
    let slot =
        slots.first().ok_or(Error::Pkcs11(RvError::TokenNotPresent, Function::GetSlotList))?;
    let session = context.open_rw_session(*slot)?;
    let pin = std::fs::read_to_string(std::env::var("TOKEN_PIN_FILE").unwrap()).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(pin.trim())))?;
    Ok(session)
}

fn import(session: &Session) {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    for line in text.lines() {
        let key: Import = serde_json::from_str(line).unwrap();
        let key_type = match (key.montgomery, Make::current().profile) {
            (false, _) => KeyType::EC,
            // It has the mechanism for X25519 under the type of the Edwards curves alone.
            (true, "softhsm2") => KeyType::EC_EDWARDS,
            (true, _) => KeyType::EC_MONTGOMERY,
        };
        let template = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::KeyType(key_type),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Derive(true),
            Attribute::Sign(false),
            Attribute::EcParams(key.oid),
            Attribute::Value(key.value),
            Attribute::Id(key.id),
            Attribute::Label(key.label.into_bytes()),
        ];
        session.create_object(&template).unwrap();
    }
}

/// Has the token unwrap a private key and decrypt a block by it: what anybody can who has the token
/// and its PIN. By the worker's own calls, since one make's name for the mechanism is not in cryptoki.
fn open_mailbox() {
    let asked: BTreeMap<String, String> = serde_json::from_reader(std::io::stdin()).unwrap();
    let pin = std::fs::read_to_string(std::env::var("TOKEN_PIN_FILE").unwrap()).unwrap();
    let options = TokenOptions {
        profile: Profile::load(Make::current().profile).unwrap(),
        module: std::env::var_os("TOKEN_MODULE").map(Into::into),
        label: "claviger".to_owned(),
        sessions: Some(1),
    };
    let token = Token::open(options, pin.trim().to_owned().into()).unwrap();
    let key = MailboxKey { modulus: bytes(&asked["modulus"]), wrapped: bytes(&asked["wrapped"]) };
    let letters = vec![Letter::Key(bytes(&asked["block"]))];
    let open = Operation::Mailbox(Mailbox::Open { key, letters });
    let told = match token.seat().unwrap().perform(&open) {
        Answer::Letters(found) => {
            let digits = found[0].expose().iter().map(|byte| format!("{byte:02x}"));
            serde_json::json!({ "secret": digits.collect::<String>() })
        }
        Answer::Failed(fault) => serde_json::json!({ "failed": fault.to_string() }),
        _ => panic!("another answer"),
    };
    println!("{told}");
}

fn import_exchange_key(session: &Session) {
    let numbers: BTreeMap<String, String> = serde_json::from_reader(std::io::stdin()).unwrap();
    let number = |name: &str| bytes(&numbers[name]);
    let name = b"claviger-system:exchange";
    let common = |class| {
        vec![
            Attribute::Class(class),
            Attribute::KeyType(KeyType::RSA),
            Attribute::Token(true),
            Attribute::Id(name.to_vec()),
            Attribute::Label(name.to_vec()),
            Attribute::Modulus(number("n")),
            Attribute::PublicExponent(number("e")),
        ]
    };
    let mut public = common(ObjectClass::PUBLIC_KEY);
    public.extend([Attribute::Private(false), Attribute::Encrypt(true)]);
    let mut private = common(ObjectClass::PRIVATE_KEY);
    private.extend([
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Decrypt(true),
        Attribute::Sign(false),
        Attribute::PrivateExponent(number("d")),
        Attribute::Prime1(number("p")),
        Attribute::Prime2(number("q")),
        Attribute::Exponent1(number("dmp1")),
        Attribute::Exponent2(number("dmq1")),
        Attribute::Coefficient(number("iqmp")),
    ]);
    session.create_object(&public).unwrap();
    session.create_object(&private).unwrap();
}

fn list(session: &Session) {
    for handle in session.find_objects(&[Attribute::Token(true)]).unwrap() {
        if let Some(object) = describe(session, handle) {
            println!("{}", serde_json::to_string(&object).unwrap());
        }
    }
}

fn destroy(session: &Session, id: &str) {
    for handle in session.find_objects(&[Attribute::Id(bytes(id))]).unwrap() {
        session.destroy_object(handle).unwrap();
    }
}

fn bytes(digits: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
    (0..digits.len() / 2).map(pair).collect()
}

/// `None` for an object that the daemon has destroyed since it was found.
fn describe(session: &Session, handle: ObjectHandle) -> Option<Object> {
    let wanted = [
        AttributeType::Class,
        AttributeType::Id,
        AttributeType::Label,
        AttributeType::Sensitive,
        AttributeType::Extractable,
    ];
    let mut object = Object {
        class: String::new(),
        id: Vec::new(),
        label: String::new(),
        sensitive: None,
        extractable: None,
    };
    let found = match session.get_attributes(handle, &wanted) {
        Err(Error::Pkcs11(RvError::ObjectHandleInvalid, _)) => return None,
        found => found.unwrap(),
    };
    for attribute in found {
        match attribute {
            Attribute::Class(ObjectClass::PRIVATE_KEY) => object.class = "private".to_owned(),
            Attribute::Class(ObjectClass::PUBLIC_KEY) => object.class = "public".to_owned(),
            Attribute::Class(ObjectClass::SECRET_KEY) => object.class = "secret".to_owned(),
            Attribute::Class(other) => object.class = other.to_string(),
            Attribute::Id(id) => object.id = id,
            Attribute::Label(label) => object.label = String::from_utf8_lossy(&label).into_owned(),
            Attribute::Sensitive(is) => object.sensitive = Some(is),
            Attribute::Extractable(is) => object.extractable = Some(is),
            _ => {}
        }
    }
    Some(object)
}
