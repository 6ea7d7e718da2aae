//! What the worker may not do. The module is foreign code that holds keys: it gets its files and,
//! where the profile says so, the network.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, path_beneath_rules,
};
use nix::libc;
use nix::sys::prctl::{set_dumpable, set_pdeathsig};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use crate::pkcs11::Module;
use crate::protocol::TokenFault;

/// Nothing of this memory gets to a file or a debugger; and while the module is being loaded, which
/// may hang, the worker does not outlive the daemon.
pub(super) fn before_the_token() -> Result<(), TokenFault> {
    set_dumpable(false)
        .and_then(|()| setrlimit(Resource::RLIMIT_CORE, 0, 0))
        .and_then(|()| set_pdeathsig(Signal::SIGKILL))
        .map_err(|error| down("core dumps can't be forbidden", &error))
}

/// Files, by Landlock as far as the kernel has it, and system calls, by seccomp. From here on the
/// end of the socket is the end of the worker. The parent's death signal is taken back: it comes
/// when the *thread* ends that started us.
pub(super) fn with_the_token(module: &Module) -> Result<(), TokenFault> {
    set_pdeathsig(None).map_err(|error| down("the death signal can't be reset", &error))?;
    confine_files(module).map_err(|error| down("Landlock refuses", &error))?;
    let filter = filter(module.profile.sandbox.network)
        .map_err(|error| down("the seccomp filter can't be made", &error))?;
    apply_filter(&filter).map_err(|error| down("seccomp refuses", &error))
}

fn confine_files(module: &Module) -> Result<(), RulesetError> {
    let needs = &module.profile.sandbox;
    // The file alone: beside it may stand what the worker has no business with, such as PINs.
    let configuration = module.store.configuration.iter().map(PathBuf::as_path);
    let system = if needs.network { &["/etc"][..] } else { &ETC };
    let read = system
        .iter()
        .chain(&READABLE)
        .map(Path::new)
        .chain(module.path.parent())
        .chain(configuration)
        .chain(needs.read.iter().map(PathBuf::as_path));
    let write = module.store.directories.iter().chain(&needs.write).map(PathBuf::as_path);
    let enforced = restrict(read, write)?;
    if !enforced {
        tracing::warn!("the kernel has no Landlock: the token module can reach other files");
    }
    Ok(())
}

/// From here on the thread, and those that it starts, reach nothing else. Paths that are not there
/// are passed over. Answers whether the kernel does it.
fn restrict<'a>(
    read: impl Iterator<Item = &'a Path>,
    write: impl Iterator<Item = &'a Path>,
) -> Result<bool, RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))?
        .create()?
        .add_rules(path_beneath_rules(read, AccessFs::ReadFile | AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(write, writing()))?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Everything but running programs and making devices and sockets.
fn writing() -> landlock::BitFlags<AccessFs> {
    AccessFs::from_all(ABI::V5)
        & !(AccessFs::Execute
            | AccessFs::MakeBlock
            | AccessFs::MakeChar
            | AccessFs::MakeFifo
            | AccessFs::MakeSock
            | AccessFs::MakeSym)
}

/// What is on the list is answered `EPERM`; a module that only tries does not die of it.
fn filter(network: bool) -> Result<BpfProgram, seccompiler::BackendError> {
    let sockets = if network { &[][..] } else { &SOCKETS };
    let denied: BTreeMap<_, _> =
        FOREVER.iter().chain(sockets).map(|number| (*number, Vec::new())).collect();
    let errno = u32::try_from(libc::EPERM).unwrap_or_default();
    SeccompFilter::new(
        denied,
        SeccompAction::Allow,
        SeccompAction::Errno(errno),
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()
}

fn down(what: &str, error: &dyn std::fmt::Display) -> TokenFault {
    TokenFault::Down(format!("the worker can't be confined, {what}: {error}"))
}

/// Libraries, their data, and randomness.
const READABLE: [&str; 6] = ["/usr", "/lib", "/lib64", "/dev/urandom", "/dev/random", "/proc/self"];

/// What of `/etc` a module needs that keeps to this machine; others look up names, too.
const ETC: [&str; 4] = ["/etc/ssl", "/etc/pki", "/etc/ld.so.cache", "/etc/localtime"];

const SOCKETS: [i64; 6] = [
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
];

const FOREVER: [i64; 34] = [
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_personality,
    libc::SYS_open_by_handle_at,
];

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn files_beyond_the_lists_are_out_of_reach() {
        let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let [read, write, neither] = dirs.each_ref().map(tempfile::TempDir::path);
        for dir in [read, write, neither] {
            File::create(dir.join("old")).unwrap();
        }
        thread::scope(|scope| {
            scope.spawn(|| {
                if !restrict([read].into_iter(), [write].into_iter()).unwrap() {
                    return;
                }
                assert!(File::open(read.join("old")).is_ok());
                assert!(File::create(read.join("new")).is_err());
                assert!(File::create(write.join("new")).is_ok());
                assert!(std::fs::rename(write.join("new"), write.join("newer")).is_ok());
                assert!(File::open(neither.join("old")).is_err());
            });
        });
    }

    /// A filter is a thread's own, and so is what it forbids here.
    #[test]
    fn what_is_forbidden_is_refused_and_the_rest_works() {
        let refused = thread::spawn(|| {
            apply_filter(&filter(false).unwrap()).unwrap();
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap_err();
            let program = Command::new("/bin/true").status().unwrap_err();
            assert!(std::fs::read("/proc/self/stat").is_ok());
            [socket.raw_os_error(), program.raw_os_error()]
        });
        assert_eq!(refused.join().unwrap(), [Some(libc::EPERM); 2]);
        let allowed = thread::spawn(|| {
            apply_filter(&filter(true).unwrap()).unwrap();
            std::net::UdpSocket::bind("127.0.0.1:0").is_ok()
        });
        assert!(allowed.join().unwrap());
    }
}
