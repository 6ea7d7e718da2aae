//! The worker as a process of its own.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use command_fds::{CommandFdExt, FdMapping};
use tokio::process::{Child, Command};

use crate::private::open_private;

/// Where the worker finds its end of the socket.
pub const SOCKET_FD: i32 = 3;

/// Where the worker finds the open PIN file.
pub const PIN_FD: i32 = 4;

/// Where the worker finds the open file that remembers a refused PIN, if there is one.
pub const REFUSALS_FD: i32 = 5;

/// Starts workers.
pub trait Launch: Send + 'static {
    /// Starts one. It greets with its [`TokenStatus`](crate::TokenStatus) once it is ready, or with
    /// the reason why it never will be, and ends when the socket is closed.
    ///
    /// # Errors
    /// When not even an attempt could be made; it counts as a failed start.
    fn launch(&mut self) -> io::Result<Launched>;
}

impl<F: FnMut() -> io::Result<Launched> + Send + 'static> Launch for F {
    fn launch(&mut self) -> io::Result<Launched> {
        self()
    }
}

/// A worker that is coming up.
#[derive(Debug)]
pub struct Launched {
    /// The daemon's end of the socket.
    pub stream: UnixStream,
    /// Its process, if it is one. It is killed when it does not end by itself.
    pub process: Option<Child>,
}

/// How to start the worker's process.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// All its arguments.
    pub arguments: Vec<OsString>,
    /// Its whole environment: nothing is inherited.
    pub environment: Vec<(OsString, OsString)>,
    /// Opened by the daemon for each worker anew, and read by the worker alone. Others may not read
    /// it: see [`open_private`].
    pub pin_file: PathBuf,
    /// The file that remembers a refused PIN, made where there is none: it is empty as long as
    /// nothing was refused. `None` for no memory. The arguments have to tell the worker of it.
    pub refusals: Option<PathBuf>,
}

impl WorkerCommand {
    /// The program that is running now, with `arguments` and an empty environment. It stays the
    /// same one when its file is replaced by an update.
    pub fn this_program(arguments: Vec<OsString>, pin_file: PathBuf) -> Self {
        let program = PathBuf::from("/proc/self/exe");
        Self { program, arguments, environment: Vec::new(), pin_file, refusals: None }
    }
}

impl Launch for WorkerCommand {
    fn launch(&mut self) -> io::Result<Launched> {
        let pin = open_private(&self.pin_file).map_err(|error| {
            let path = self.pin_file.display();
            io::Error::new(error.kind(), format!("the PIN file {path} can't be opened: {error}"))
        })?;
        let (stream, far) = UnixStream::pair()?;
        let mut mappings = vec![
            FdMapping { parent_fd: far.into(), child_fd: SOCKET_FD },
            FdMapping { parent_fd: pin.into(), child_fd: PIN_FD },
        ];
        if let Some(path) = &self.refusals {
            mappings.push(FdMapping { parent_fd: memory(path)?.into(), child_fd: REFUSALS_FD });
        }
        // The command owns the far end: it has to be gone before the worker's death can be seen.
        let process = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // A Ctrl-C in a terminal is for the daemon, which still needs the token to drain.
            .process_group(0)
            .kill_on_drop(true)
            .fd_mappings(mappings)
            .map_err(io::Error::other)?
            .spawn()?;
        Ok(Launched { stream, process: Some(process) })
    }
}

fn memory(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(|error| {
        io::Error::new(error.kind(), format!("{} can't be opened: {error}", path.display()))
    })
}
