//! Frames of HTTP/2, for clients that do what no library does: a few that are sent, and what comes.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use crate::daemon::Daemon;
use crate::wire::{self, Tls};

/// A connection of HTTP/2.
pub struct Frames {
    stream: Tls,
    next: u32,
}

/// A frame.
#[derive(Debug)]
pub struct Frame {
    /// What it is: 0 DATA, 1 HEADERS, 3 RST_STREAM, 4 SETTINGS.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Of which stream it is; 0 for the connection.
    pub stream: u32,
    /// What is in it.
    pub content: Vec<u8>,
}

impl Frames {
    /// Connects and says hello.
    pub fn connect(daemon: &Daemon) -> Self {
        let mut stream = wire::tls(daemon, &["h2"]).unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
        Self { stream, next: 1 }
    }

    /// Sends `POST path` with a JSON body, whole.
    pub fn post(&mut self, path: &str, body: &[u8]) {
        let stream = self.next;
        self.next += 2;
        let length = body.len().to_string();
        let head: Vec<u8> = [
            (":method", "POST"),
            (":scheme", "https"),
            (":path", path),
            (":authority", "localhost"),
            ("content-type", "application/json"),
            ("content-length", &length),
        ]
        .into_iter()
        .flat_map(|(name, value)| literal(name, value))
        .collect();
        let frames = [frame(1, END_HEADERS, stream, &head), frame(0, END_STREAM, stream, body)];
        self.stream.write_all(&frames.concat()).unwrap();
    }

    /// Waits for a frame.
    pub fn read(&mut self) -> Frame {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).unwrap();
        let [a, b, c, kind, flags, d, e, f, g] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut content = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut content).unwrap();
        Frame { kind, flags, stream: u32::from_be_bytes([d, e, f, g]), content }
    }

    /// What the other side sets, by the numbers of RFC 9113, 6.5.2.
    pub fn settings(&mut self) -> BTreeMap<u16, u32> {
        loop {
            let frame = self.read();
            if frame.kind == 4 && frame.flags == 0 {
                let pair = |six: &[u8]| {
                    let [a, b, c, d, e, f] = six.try_into().unwrap();
                    (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]))
                };
                return frame.content.chunks(6).map(pair).collect();
            }
        }
    }

    /// Waits until so many streams have ended.
    pub fn await_ends(&mut self, count: usize) {
        let mut ended = 0;
        while ended < count {
            let frame = self.read();
            ended += usize::from(frame.kind <= 1 && frame.flags & END_STREAM != 0);
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(content.len()).unwrap().to_be_bytes();
    let [d, e, f, g] = stream.to_be_bytes();
    [&[a, b, c, kind, flags, d, e, f, g], content].concat()
}

/// A header as a literal that is not indexed (RFC 7541, 6.2.2).
fn literal(name: &str, value: &str) -> Vec<u8> {
    [&[0][..], &text(name), &text(value)].concat()
}

fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    assert!(length < 127, "longer ones take more than a byte for their length");
    [&[length], text.as_bytes()].concat()
}

const END_HEADERS: u8 = 4;
const END_STREAM: u8 = 1;
