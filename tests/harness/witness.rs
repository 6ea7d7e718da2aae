//! A witness of logs: `aics-witness`, which shares no code with this workspace.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::daemon::free_address;
use crate::patience::{LONG, until};
use crate::programs;
use crate::python;

/// A witness with a folder of its own. It is killed when it is dropped.
pub struct Witness {
    program: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    vkey: String,
    running: Option<Child>,
}

impl Witness {
    /// One that trusts the log with this vkey, and does not run yet.
    ///
    /// # Errors
    /// Why the program is not there.
    pub fn new(folder: &Path, log: &str) -> Result<Self, String> {
        let program = python::log_verifiers()?.join("aics-witness");
        std::fs::create_dir_all(folder).unwrap();
        let (address, folder) = (free_address(), folder.to_owned());
        let mut witness = Self { program, folder, address, vkey: String::new(), running: None };
        let listen = address.to_string();
        let init = ["init", "--name", "witness.example/w1", "--listen", &listen];
        witness.vkey = programs::run(witness.command().args(init)).good().trim().to_owned();
        let (origin, _) = log.split_once('+').unwrap();
        let add = ["add-log", "--origin", origin, "--vkey", log];
        programs::run(witness.command().args(add)).good();
        Ok(witness)
    }

    /// Its key.
    pub fn vkey(&self) -> &str {
        &self.vkey
    }

    /// The prefix of its addresses.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has it answer.
    ///
    /// # Panics
    /// When it does not.
    pub fn start(&mut self) {
        let log = File::create(self.folder.join("messages.txt")).unwrap();
        let mut command = self.command();
        command.arg("serve").stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running = Some(command.spawn().unwrap());
        until("the witness listens", LONG, || TcpStream::connect(self.address).ok());
    }

    /// Has it answer no more.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // An environment variable, so that it does not matter where a command takes options.
        command.env("AICS_WITNESS_CONFIG", self.folder.join("witness.json"));
        command
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop();
    }
}
