//! `clavigerd dev`: a whole appliance in one folder, by one command.

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use audit::{Ext, LogResult, LogType, Subject};
use hsm_profiles::{Profile, TokenFiles};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::command::arguments::Dev;
use crate::command::failure::Failure;
use crate::command::{first_account, passphrase, pki};
use crate::config::Config;
use crate::device::{Device, NewSettings};
use crate::durable;
use crate::owing::Account;
use crate::service::{Addresses, Ended, Service};
use crate::surface;

/// Makes what is not there yet, then serves.
pub(super) async fn dev(options: Dev) -> Result<Ended, Failure> {
    let dir = make_folder(&options.dir)?;
    make_token(&dir, &options).await?;
    let config = configuration(&dir, &options)?;
    pki::certify(&dir, &config.listen.hostname)?;
    let hostname = config.listen.hostname.clone();
    let has_accounts = config.serves("key-agreement");
    let service = Service::open(config).await?;
    let addresses = match prepare(&service, (&dir, has_accounts), &options).await {
        Ok(addresses) => addresses,
        Err(failure) => {
            service.close().await;
            return Err(failure);
        }
    };
    let announcement = Announcement::new(&dir, &hostname, addresses, has_accounts);
    let ready_json = options.ready_json.clone();
    // Called when it accepts connections and signals: whoever finds the file may send either.
    let announce = move || {
        if let Some(path) = ready_json
            && let Err(error) = announcement.write(&path)
        {
            tracing::error!(%error, "the ready file can't be written");
        }
        announcement.print();
    };
    Ok(service.run(announce).await?)
}

/// Makes the device and an account somebody's, at the first start.
async fn prepare(
    service: &Service,
    (dir, has_accounts): (&Path, bool),
    options: &Dev,
) -> Result<Addresses, Failure> {
    if !service.device().is_initialised() {
        set_up(service, dir, options).await?;
    }
    if has_accounts {
        first_account::make(service, dir).await?;
    }
    Ok(service.addresses()?)
}

fn make_folder(dir: &Path) -> Result<PathBuf, Failure> {
    let fault = |error| Failure::File(dir.display().to_string(), error);
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(fault)?;
    dir.canonicalize().map_err(fault)
}

/// In a process of its own: PKCS#11 is initialised once a process, and its configuration is a
/// variable of the environment. The first configuration is written after it, so where there is one,
/// there is a token.
async fn make_token(dir: &Path, options: &Dev) -> Result<(), Failure> {
    if let Ok(there) = Config::load(&dir.join(CONFIGURATION)) {
        return match there.token.profile == options.profile {
            true => Ok(()),
            false => Err(Failure::OtherProfile {
                folder: dir.display().to_string(),
                there: there.token.profile,
            }),
        };
    }
    let store = Profile::load(&options.profile)?.store;
    if TokenFiles::under(dir, store).is_some_and(|files| files.conf.exists()) {
        return Ok(());
    }
    let program = std::env::current_exe().map_err(Failure::Runtime)?;
    let mut command = tokio::process::Command::new(program);
    command.args(["hsm-init", "--quiet", "--profile", &options.profile, "--label", LABEL, "--dir"]);
    command.arg(dir);
    if let Some(module) = &options.module {
        command.arg("--module").arg(module);
    }
    let status = command.status().await.map_err(Failure::Runtime)?;
    if status.success() { Ok(()) } else { Err(Failure::Token) }
}

/// The folder's configuration, made at the first start, with the module that the command line names,
/// and kept. The addresses on the command line win over those in it.
fn configuration(dir: &Path, options: &Dev) -> Result<Config, Failure> {
    let path = dir.join(CONFIGURATION);
    if !path.exists() {
        let address = options.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8443)));
        write(&path, first_configuration(address, options)?.as_bytes(), 0o644)?;
    }
    let mut config = Config::load(&path)?;
    config.listen.address = options.listen.unwrap_or(config.listen.address);
    config.metrics.listen = options.metrics_listen.or(config.metrics.listen);
    config.listen.plain_address = options.plain_listen.or(config.listen.plain_address);
    Ok(config)
}

fn first_configuration(address: SocketAddr, options: &Dev) -> Result<String, Failure> {
    let plain = options.plain_listen.map(|plain| format!("plain_address = \"{plain}\"\n"));
    let environment = Profile::load(&options.profile)?.store.configuration();
    let environment = environment
        .map(|(variable, conf)| format!("environment = {{ {variable} = \"{conf}\" }}\n"));
    let module = options.module.as_deref().map(module_line).transpose()?;
    Ok(format!(
        "# Made by `clavigerd dev`; every key is explained in docs/operating.md.\n\
         [listen]\n\
         address = \"{address}\"\n\
         hostname = \"localhost\"\n\
         {}\
         plain_http = \"refuse\"\n\
         \n\
         [tls]\n\
         certificate = \"server.pem\"\n\
         key = \"server-key.pem\"\n\
         \n\
         [token]\n\
         profile = \"{}\"\n\
         label = \"{LABEL}\"\n\
         pin_file = \"pin\"\n\
         {}{}\
         \n\
         [store]\n\
         path = \"state.db\"\n\
         \n\
         [audit]\n\
         directory = \"audit\"\n\
         {}",
        plain.unwrap_or_default(),
        options.profile,
        environment.unwrap_or_default(),
        module.unwrap_or_default(),
        surface::ALL.iter().map(|surface| section(surface.name())).collect::<String>(),
    ))
}

/// What turns a surface on.
fn section(surface: &str) -> String {
    match surface {
        // Whoever tries things out asks more often than a stranger may.
        "key-service" => "\n[key-service]\nenabled = true\nanonymous = true\n\
            creations = 600\nreadings = 6000\n"
            .to_owned(),
        _ => format!("\n[{surface}]\nenabled = true\n"),
    }
}

fn module_line(module: &Path) -> Result<String, Failure> {
    let fault = |error| Failure::File(module.display().to_string(), error);
    let module = module.canonicalize().map_err(fault)?;
    Ok(format!("module = {}\n", toml::Value::from(module.display().to_string())))
}

/// Makes the device the user's: keys from the passphrases, which are kept in the folder.
async fn set_up(service: &Service, dir: &Path, options: &Dev) -> Result<(), Failure> {
    let device = service.device();
    let user = keep(dir, "user-passphrase", options.user_passphrase.as_deref())?;
    let master = keep(dir, "master-passphrase", options.master_passphrase.as_deref())?;
    let eid = policies::encode_base64(&device.public().identity);
    let keys = tokio::task::spawn_blocking(move || {
        (passphrase::public_key(&user, &eid), passphrase::public_key(&master, &eid))
    });
    let (user, master) = keys.await.map_err(|error| Failure::Runtime(error.into()))?;
    let account = Account::new(service.clerk().clone());
    account.during(initialise(device, service.log(), user, master)).await?;
    account.pay();
    Ok(())
}

async fn initialise(
    device: &Device,
    log: &audit::Log,
    user: [u8; 32],
    master: [u8; 32],
) -> Result<(), Failure> {
    let settings = NewSettings::for_development(&device.hostname(), &user);
    let unlogged = || Failure::Device(crate::fault::Fault::Unlogged);
    let kind = LogType::LOG_TYPE_DEVICE_INITED;
    let entry = log.open(Some(kind), Subject::Master).map_err(|_| unlogged())?;
    device.initialise(settings, master).await.map_err(Failure::Device)?;
    let entered = entry.close_as(kind, LogResult::LOG_RESULT_OK, Ext::None).await;
    entered.map(|_| ()).map_err(|_| unlogged())
}

/// The passphrase in the file `name`; before it is there, `given` or a random one is written to it.
pub(super) fn keep(
    dir: &Path,
    name: &str,
    given: Option<&str>,
) -> Result<Zeroizing<String>, Failure> {
    let path = dir.join(name);
    if let (None, Ok(kept)) = (given, std::fs::read_to_string(&path)) {
        return Ok(Zeroizing::new(kept.trim_end().to_owned()));
    }
    let passphrase = match given {
        Some(given) => Zeroizing::new(given.to_owned()),
        None => {
            passphrase::random().map_err(|error| Failure::Runtime(std::io::Error::other(error)))?
        }
    };
    write(&path, passphrase.as_bytes(), 0o600)?;
    Ok(passphrase)
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    durable::write(path, content, mode)
        .map_err(|error| Failure::File(path.display().to_string(), error))
}

/// What others need to know to reach it.
#[derive(Serialize)]
struct Announcement {
    url: String,
    plain_url: Option<String>,
    metrics_url: Option<String>,
    ca_file: PathBuf,
    hostname: String,
    dir: PathBuf,
    pid: u32,
    account: Option<&'static str>,
    account_password_file: Option<PathBuf>,
}

impl Announcement {
    fn new(dir: &Path, hostname: &str, addresses: Addresses, has_accounts: bool) -> Self {
        Self {
            url: format!("https://{hostname}:{}", addresses.tls.port()),
            plain_url: addresses.plain.map(|plain| format!("http://{hostname}:{}", plain.port())),
            metrics_url: addresses.metrics.map(|metrics| format!("http://{metrics}")),
            ca_file: dir.join("ca.pem"),
            hostname: hostname.to_owned(),
            dir: dir.to_owned(),
            pid: std::process::id(),
            account: has_accounts.then_some(first_account::NAME),
            account_password_file: has_accounts.then(|| dir.join(first_account::PASSWORD)),
        }
    }

    fn write(&self, path: &Path) -> Result<(), Failure> {
        write(path, &serde_json::to_vec(self).unwrap_or_default(), 0o644)
    }

    fn print(&self) {
        let (url, ca, dir) = (&self.url, self.ca_file.display(), self.dir.display());
        println!("Claviger serves {url} from {dir}\n");
        println!("  curl --cacert {ca} {url}/api/system/status\n");
        println!("Log in as the user of this device and make a key:\n");
        println!(
            "  claviger login --url {url} --ca {ca} --passphrase-file {dir}/user-passphrase \
             --scope keymgmt:gen"
        );
        println!("  claviger key create --type SECP256R1 --label first");
        if let (Some(account), Some(file)) = (self.account, &self.account_password_file) {
            println!("\nOr log in to the account {account}, for 30 minutes:\n");
            println!(
                "  claviger login --url {url} --ca {ca} --rest --username {account} \
                 --passphrase-file {}",
                file.display()
            );
        }
    }
}

const CONFIGURATION: &str = "claviger.toml";
const LABEL: &str = "claviger";
