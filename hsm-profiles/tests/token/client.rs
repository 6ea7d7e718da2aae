//! A worker process, and the daemon's end of its socket.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use hsm_profiles::transport::frame::{GREETING, Inbox, Outbox};
use hsm_profiles::{Answer, KeyType, Operation, SecretDigest, TokenFault, TokenStatus};
use policies::Kid;

pub(crate) const LABEL: &str = "claviger test";

pub(crate) struct Worker {
    child: Child,
    socket: UnixStream,
    inbox: Inbox,
    next: u64,
}

impl Worker {
    /// Starts one, and answers it with its greeting.
    pub(crate) fn start(pin_file: &Path) -> (Self, Answer) {
        let (socket, theirs) = UnixStream::pair().unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let pin = File::open(pin_file).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .arg("worker")
            .fd_mappings(vec![
                FdMapping { parent_fd: theirs.into(), child_fd: 3 },
                FdMapping { parent_fd: pin.into(), child_fd: 4 },
            ])
            .unwrap()
            .spawn()
            .unwrap();
        let mut worker = Self { child, socket, inbox: Inbox::new(), next: 1 };
        let (id, greeting) = worker.receive();
        assert_eq!(id, GREETING);
        (worker, greeting)
    }

    /// Starts one that has to come up.
    pub(crate) fn ready(pin_file: &Path) -> (Self, TokenStatus) {
        match Self::start(pin_file) {
            (worker, Answer::Status(status)) => (worker, *status),
            (_, other) => panic!("no status: {}", tell(&other)),
        }
    }

    pub(crate) fn ask(&mut self, operation: &Operation) -> Answer {
        let id = self.send(&[operation]);
        let (answered, answer) = self.receive();
        assert_eq!(answered, id);
        answer
    }

    /// Sends all of them in one piece. Answers the id of the first.
    pub(crate) fn send(&mut self, operations: &[&Operation]) -> u64 {
        let first = self.next;
        let mut outbox = Outbox::default();
        for operation in operations {
            outbox.push(self.next, operation).unwrap();
            self.next += 1;
        }
        self.socket.write_all(outbox.bytes()).unwrap();
        first
    }

    pub(crate) fn receive(&mut self) -> (u64, Answer) {
        loop {
            if let Some(frame) = self.inbox.take().unwrap() {
                return frame;
            }
            let count = self.socket.read(self.inbox.space()).unwrap();
            assert_ne!(count, 0, "the worker hung up");
            self.inbox.filled(count);
        }
    }

    /// Everything that comes until `count` answers are there.
    pub(crate) fn receive_all(&mut self, count: usize) -> HashMap<u64, Answer> {
        let mut answers = HashMap::new();
        while answers.len() < count {
            let (id, answer) = self.receive();
            assert!(answers.insert(id, answer).is_none(), "{id} was answered twice");
        }
        answers
    }

    pub(crate) fn public(&mut self, operation: &Operation) -> Vec<u8> {
        match self.ask(operation) {
            Answer::Public(bytes) => bytes,
            other => panic!("{operation:?}: {}", tell(&other)),
        }
    }

    pub(crate) fn secret(&mut self, operation: &Operation) -> Vec<u8> {
        match self.ask(operation) {
            Answer::Secret(bytes) => bytes.expose().to_vec(),
            other => panic!("{operation:?}: {}", tell(&other)),
        }
    }

    pub(crate) fn fault(&mut self, operation: &Operation) -> TokenFault {
        match self.ask(operation) {
            Answer::Failed(fault) => fault,
            other => panic!("{operation:?}: {}", tell(&other)),
        }
    }

    pub(crate) fn count(&mut self, operation: &Operation) -> u32 {
        match self.ask(operation) {
            Answer::Count(count) => count,
            other => panic!("{operation:?}: {}", tell(&other)),
        }
    }

    /// What the kernel says of the process.
    pub(crate) fn kernel_status(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap()
    }

    /// Hangs up, and waits for the exit code.
    pub(crate) fn hang_up(mut self) -> Option<i32> {
        drop(self.socket);
        self.child.wait().unwrap().code()
    }

    /// Waits for it to hang up, and for the exit code.
    pub(crate) fn exit_code(mut self) -> Option<i32> {
        let mut rest = Vec::new();
        self.socket.read_to_end(&mut rest).unwrap();
        self.child.wait().unwrap().code()
    }
}

pub(crate) fn agree(
    kid: Kid,
    kind: KeyType,
    peer: &[u8],
    digest: Option<SecretDigest>,
) -> Operation {
    Operation::Agree { kid, kind, peer: peer.to_vec(), digest }
}

pub(crate) fn tell(answer: &Answer) -> String {
    match answer {
        Answer::AgreedOnce { .. } => "an agreement".to_owned(),
        Answer::Anchors(anchors) => format!("anchors {anchors:02x?}"),
        Answer::Count(count) => format!("count {count}"),
        Answer::Failed(fault) => format!("failed: {fault}"),
        Answer::Letters(letters) => format!("{} letters", letters.len()),
        Answer::Mailbox(_) => "a mailbox".to_owned(),
        Answer::Objects(objects) => format!("objects {objects:?}"),
        Answer::Public(bytes) => format!("public {bytes:02x?}"),
        Answer::Secret(_) => "a secret".into(),
        Answer::Ciphered(text) => format!("{text:?}"),
        Answer::Done(outcome) => format!("{outcome:?}"),
        Answer::Sealed(made) => format!("{made:?}"),
        Answer::Status(status) => format!("{status:?}"),
        Answer::Derived { kid, .. } => format!("the derived key {kid}"),
        Answer::Tested(found) => format!("{found:?}"),
    }
}
