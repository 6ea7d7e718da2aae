//! A collector of syslog, on a socket as the host's.

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tests::daemon::Home;

/// Takes what is sent until it is asked what that was.
pub(crate) struct Collector {
    is_done: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u8>>,
}

impl Collector {
    /// The one that the daemon in `home` mirrors its log to from its next start on.
    pub(crate) fn new(home: &Home) -> Self {
        let path = home.at("collector");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let section = format!("[audit.syslog]\naddress = \"unix:{}\"\n", path.display());
        tests::daemon::write(&home.at("claviger.toml"), format!("{}\n{section}", home.config()));
        let is_done = Arc::<AtomicBool>::default();
        let done = Arc::clone(&is_done);
        let thread = thread::spawn(move || {
            let (mut all, mut message) = (Vec::new(), [0; 1 << 16]);
            while !done.load(Ordering::SeqCst) {
                while let Ok(length) = socket.recv(&mut message) {
                    all.extend_from_slice(&message[..length]);
                    all.push(b'\n');
                }
            }
            all
        });
        Self { is_done, thread }
    }

    /// All of it.
    pub(crate) fn received(self) -> Vec<u8> {
        self.is_done.store(true, Ordering::SeqCst);
        let all = self.thread.join().unwrap();
        let text = String::from_utf8_lossy(&all);
        assert!(text.contains("CRYPTO_ECDH"), "the log is not mirrored: {} bytes", all.len());
        all
    }
}
