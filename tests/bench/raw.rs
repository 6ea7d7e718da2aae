//! The token alone: ECDH P-256 by three PKCS#11 calls, in a process of its own that does nothing
//! else. A module finds its store by the environment, which is why it is another process. The token
//! is made as that of the daemon is: `CLAVIGER_TEST_PROFILE` says of which make.
#![expect(unsafe_code, reason = "one PKCS#11 call is made without cryptoki, which makes it twice")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use cryptoki_sys::{CK_ATTRIBUTE, CK_FUNCTION_LIST, CKA_VALUE, CKR_OK};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tests::make::Make;
use tests::programs;

use crate::trouble::Trouble;

/// The first argument of the process that is the token.
pub(crate) const WORD: &str = "raw-token";

/// What the token did in a window.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(crate) struct Sample {
    /// Agreements.
    pub(crate) operations: u32,
    /// CPU time of the process, all its threads together.
    pub(crate) cpu: Duration,
    /// Wall time.
    pub(crate) wall: Duration,
}

impl Sample {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            operations: self.operations + other.operations,
            cpu: self.cpu + other.cpu,
            wall: self.wall + other.wall,
        }
    }
}

/// The process, with a token of its own.
pub(crate) struct Token {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    _home: TempDir,
}

impl Token {
    /// Starts it, with a session and a thread for each of `sessions`, on a token that holds `keys`.
    pub(crate) fn start(sessions: usize, keys: usize) -> Result<Self, Trouble> {
        let home = tempfile::tempdir()?;
        let (make, module) = (Make::current(), Make::current().module());
        let mut init = Command::new(programs::path("clavigerd"));
        init.args(["hsm-init", "--quiet", "--profile", make.profile, "--dir"]).arg(home.path());
        let made = programs::run(init.arg("--module").arg(&module));
        if made.code != 0 {
            return Err(format!("the raw token can't be made: {}", made.stderr).into());
        }
        let mut process = Command::new(std::env::current_exe()?)
            .arg(WORD)
            .args([&module, &home.path().join("pin")])
            .args([sessions.to_string(), keys.to_string()])
            .env(make.variable, home.path().join(make.conf))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.take().ok_or("the token takes no orders")?;
        let answers = process.stdout.take().ok_or("the token gives no answers")?;
        Ok(Self { process, orders, answers: BufReader::new(answers), _home: home })
    }

    /// Lets it work for `window`.
    pub(crate) fn measure(&mut self, window: Duration) -> Result<Sample, Trouble> {
        writeln!(self.orders, "{}", window.as_millis())?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(|e| format!("the raw token failed: {e}"))?)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The process: takes windows in milliseconds on standard input, gives samples on standard output.
pub(crate) fn child(arguments: &[String]) -> Result<(), Trouble> {
    let [module, pin, sessions, keys] = arguments else {
        return Err(format!("{WORD} is for the bench itself").into());
    };
    let pin = AuthPin::from(std::fs::read_to_string(pin)?.trim_end());
    let mut bench = Bench::open(Path::new(module), &pin, sessions.parse()?, keys.parse()?)?;
    for order in std::io::stdin().lock().lines() {
        let sample = bench.run(Duration::from_millis(order?.parse()?))?;
        println!("{}", serde_json::to_string(&sample)?);
    }
    Ok(())
}

struct Bench {
    calls: CK_FUNCTION_LIST,
    sessions: Vec<Session>,
    key: ObjectHandle,
    peer: Vec<u8>,
    _library: cryptoki_sys::Pkcs11,
}

impl Bench {
    fn open(module: &Path, pin: &AuthPin, count: usize, keys: usize) -> Result<Self, Trouble> {
        let context = Pkcs11::new(module)?;
        context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
        let slots = context.get_slots_with_initialized_token()?;
        let slot = *slots.first().ok_or("the module does not show the token that was made")?;
        let sessions: Vec<_> =
            (0..count).map(|_| context.open_rw_session(slot)).collect::<Result<_, _>>()?;
        let first = sessions.first().ok_or("a token without a session does nothing")?;
        first.login(UserType::User, Some(pin))?;
        let (key, _) = make_key(first)?;
        let (_, peer) = make_key(first)?;
        for _ in 2..keys {
            make_key(first)?;
        }
        let (calls, library) = calls(module)?;
        Ok(Self { calls, sessions, key, peer, _library: library })
    }

    fn run(&mut self, window: Duration) -> Result<Sample, Trouble> {
        let (calls, key, peer) = (&self.calls, self.key, &self.peer);
        let (start, used) = (Instant::now(), cpu_time()?);
        let counts: Vec<Result<u32, Trouble>> = std::thread::scope(|scope| {
            let work = |session| scope.spawn(move || repeat(calls, session, (key, peer), window));
            let threads: Vec<_> = self.sessions.iter_mut().map(work).collect();
            let lost = |_| Err(Trouble::from("a thread of the raw token panicked"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(lost)).collect()
        });
        let (wall, cpu) = (start.elapsed(), cpu_time()?.saturating_sub(used));
        let operations = counts.into_iter().sum::<Result<u32, Trouble>>()?;
        Ok(Sample { operations, cpu, wall })
    }
}

fn repeat(
    calls: &CK_FUNCTION_LIST,
    session: &mut Session,
    (key, peer): (ObjectHandle, &[u8]),
    window: Duration,
) -> Result<u32, Trouble> {
    let end = Instant::now() + window;
    let mut count = 0;
    while Instant::now() < end {
        agree(calls, session, key, peer)?;
        count += 1;
    }
    Ok(count)
}

/// The least that a key agreement takes: derive, read, destroy.
fn agree(
    calls: &CK_FUNCTION_LIST,
    session: &Session,
    key: ObjectHandle,
    peer: &[u8],
) -> Result<(), Trouble> {
    let parameters = Ecdh1DeriveParams::new(EcKdf::null(), peer);
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::ValueLen(32.into()),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let derived = session.derive_key(&Mechanism::Ecdh1Derive(parameters), key, &template)?;
    let mut secret = [0_u8; 32];
    let mut wanted = CK_ATTRIBUTE {
        type_: CKA_VALUE,
        pValue: secret.as_mut_ptr().cast(),
        ulValueLen: secret.len().try_into()?,
    };
    let call = calls.C_GetAttributeValue.ok_or("the module has no C_GetAttributeValue")?;
    // SAFETY: `wanted` leads to `secret` and has its length, beyond which a module must not write.
    let result = unsafe { call(session.handle(), derived.handle(), &raw mut wanted, 1) };
    session.destroy_object(derived)?;
    if result != CKR_OK || secret == [0; 32] {
        return Err("the raw token gave no secret".into());
    }
    Ok(())
}

/// A key on the token like those of the daemon, and its public point.
fn make_key(session: &Session) -> Result<(ObjectHandle, Vec<u8>), Trouble> {
    let public = [Attribute::Token(false), Attribute::EcParams(P256.to_vec())];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Derive(true),
    ];
    let (public, private) =
        session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)?;
    let wanted = [cryptoki::object::AttributeType::EcPoint];
    match session.get_attributes(public, &wanted)?.first() {
        // In a DER OCTET STRING, whose head is two bytes.
        Some(Attribute::EcPoint(der)) => Ok((private, der.get(2..).unwrap_or_default().to_vec())),
        _ => Err("the token shows no public point".into()),
    }
}

/// The function list of the module that cryptoki has opened.
fn calls(module: &Path) -> Result<(CK_FUNCTION_LIST, cryptoki_sys::Pkcs11), Trouble> {
    // SAFETY: the module is loaded already; this counts one more user of it.
    let library = unsafe { cryptoki_sys::Pkcs11::new(module) }?;
    let mut list = std::ptr::null_mut();
    // SAFETY: every module has this symbol, cryptoki needed it; `list` may be written.
    let result = unsafe { library.C_GetFunctionList(&raw mut list) };
    // SAFETY: the list is null or lives as long as the module, and is copied.
    let calls = unsafe { list.as_ref() }.copied();
    match (result, calls) {
        (CKR_OK, Some(calls)) => Ok((calls, library)),
        _ => Err("the module gives no function list".into()),
    }
}

fn cpu_time() -> Result<Duration, Trouble> {
    let used = getrusage(UsageWho::RUSAGE_SELF)?;
    let total = used.user_time() + used.system_time();
    let (seconds, micros) = (total.tv_sec().try_into()?, total.tv_usec().try_into()?);
    Ok(Duration::from_secs(seconds) + Duration::from_micros(micros))
}

/// DER of the object identifier 1.2.840.10045.3.1.7.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
