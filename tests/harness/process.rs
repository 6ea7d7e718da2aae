//! The processes of a daemon, by `/proc`.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::daemon::Daemon;
use crate::patience::{LONG, until};

/// The process that holds the token for `daemon`.
pub fn worker(daemon: &Daemon) -> Pid {
    until("the daemon has one worker", LONG, || match children(daemon.ready().pid).as_slice() {
        [worker] => Some(Pid::from_raw(*worker)),
        _ => None,
    })
}

/// Ends the process that holds the token, without a warning. Another one may be there at once.
pub fn kill_worker(daemon: &Daemon) {
    kill(worker(daemon), Signal::SIGKILL).unwrap();
}

/// The children of the process `pid` that still run.
fn children(pid: i32) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let processes = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(|child| is_alive_under(*child, pid)).collect()
}

/// A process that is gone by now is nobody's child.
fn is_alive_under(child: i32, parent: i32) -> bool {
    let Ok(text) = std::fs::read_to_string(format!("/proc/{child}/stat")) else { return false };
    // The name stands in brackets and may hold anything.
    let Some((_, rest)) = text.rsplit_once(") ") else { return false };
    let mut fields = rest.split(' ');
    let state = fields.next();
    state != Some("Z") && fields.next().and_then(|field| field.parse().ok()) == Some(parent)
}
