//! What the first bytes of a connection say.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

/// What a client speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tongue {
    /// Neither TLS nor HTTP.
    Garbage,
    /// HTTP without TLS.
    PlainHttp,
    /// TLS.
    Tls,
}

/// Looks at what has arrived, without taking it, until it can tell or `patience` ends.
pub(super) async fn listen_to(stream: &TcpStream, patience: Duration) -> io::Result<Tongue> {
    let judged = tokio::time::timeout(patience, judge_stream(stream)).await;
    judged.unwrap_or(Ok(Tongue::Garbage))
}

async fn judge_stream(stream: &TcpStream) -> io::Result<Tongue> {
    let mut head = [0; HEAD];
    let mut before = 0;
    loop {
        stream.readable().await?;
        let seen = stream.peek(&mut head).await?;
        match judge(head.get(..seen).unwrap_or_default()) {
            Some(tongue) => return Ok(tongue),
            None if seen == 0 || seen == HEAD => return Ok(Tongue::Garbage),
            // Peeking again at the same bytes returns at once: wait for the next ones.
            None if seen == before => tokio::time::sleep(Duration::from_millis(5)).await,
            None => before = seen,
        }
    }
}

/// `None` while it can't be told yet.
fn judge(head: &[u8]) -> Option<Tongue> {
    match head.first()? {
        0x16 => return Some(Tongue::Tls),
        first if !is_token(*first) => return Some(Tongue::Garbage),
        _ => {}
    }
    let Some(space) = head.iter().position(|byte| *byte == b' ') else {
        let method = head.len() <= LONGEST_METHOD && head.iter().all(|byte| is_token(*byte));
        return if method { None } else { Some(Tongue::Garbage) };
    };
    let (method, target) = head.split_at_checked(space)?;
    if method.len() > LONGEST_METHOD || !method.iter().all(|byte| is_token(*byte)) {
        return Some(Tongue::Garbage);
    }
    match target.get(1)? {
        b'/' | b'*' => Some(Tongue::PlainHttp),
        first if first.is_ascii_alphanumeric() || *first == b'[' => Some(Tongue::PlainHttp),
        _ => Some(Tongue::Garbage),
    }
}

/// `tchar` of RFC 9110.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

const HEAD: usize = 64;
const LONGEST_METHOD: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tongues_are_told_apart_byte_by_byte() {
        for request in ["GET / HTTP/1.1", "PRI * HTTP/2.0", "OPTIONS * HTTP/1.1", "m-search /x"] {
            for end in 0..request.len() {
                let judged = judge(&request.as_bytes()[..end]);
                assert!(judged.is_none() || judged == Some(Tongue::PlainHttp), "{request} {end}");
            }
            assert_eq!(judge(request.as_bytes()), Some(Tongue::PlainHttp));
        }
        assert_eq!(judge(b"CONNECT host:443 HTTP/1.1"), Some(Tongue::PlainHttp));
        assert_eq!(judge(&[0x16, 3, 1]), Some(Tongue::Tls));
        for garbage in [&b"\0"[..], b" GET /", b"GET\r\n", b"GET  /", b"\x80\x2e\x01", b"GET \""] {
            assert_eq!(judge(garbage), Some(Tongue::Garbage), "{garbage:?}");
        }
        assert_eq!(judge(&[b'A'; 25]), Some(Tongue::Garbage));
    }
}
