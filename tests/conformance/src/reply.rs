//! An answer as it came over the wire, and what can be expected of it.

use serde_json::Value;

use crate::encoding::unbase64;
use crate::verdict::{OrFails, Verdict, ensure, fails};

/// An answer, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// Method and path, for messages.
    pub(crate) about: String,
    /// The status.
    pub(crate) status: u16,
    /// What stands behind the status.
    pub(crate) reason: String,
    /// The headers, spelled as they came.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Itself, where it has this status.
    pub(crate) fn is(self, status: u16) -> Verdict<Self> {
        self.one_of(&[status])
    }

    /// Itself, where it has one of these statuses.
    pub(crate) fn one_of(self, statuses: &[u16]) -> Verdict<Self> {
        if statuses.contains(&self.status) {
            return Ok(self);
        }
        let want: Vec<_> = statuses.iter().map(u16::to_string).collect();
        fails(format!("{}: {}, expected {}", self.about, self.status, want.join(" or ")))
    }

    /// Itself, where its body is empty and says so.
    pub(crate) fn without_body(self) -> Verdict<Self> {
        let length = self.header("content-length").unwrap_or_default().to_owned();
        ensure(self.body.is_empty() && length == "0", || {
            let bytes = self.body.len();
            format!("{}: {bytes} bytes under Content-Length {length:?}, expected 0", self.about)
        })?;
        Ok(self)
    }

    /// Itself, where it refuses with this status and no body.
    pub(crate) fn refuses(self, status: u16) -> Verdict<Self> {
        self.is(status)?.without_body()
    }

    /// The first header of this name, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    /// Its body as JSON.
    pub(crate) fn json(&self) -> Verdict<Value> {
        serde_json::from_slice(&self.body).or_fails(|| format!("{}: no JSON", self.about))
    }

    /// A field that has to be there.
    pub(crate) fn field(&self, name: &str) -> Verdict<Value> {
        let value = self.json()?.get(name).cloned();
        value.or_fails(|| format!("{}: no field {name:?} in the answer", self.about))
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Verdict<String> {
        let text = self.field(name)?.as_str().map(str::to_owned);
        text.or_fails(|| format!("{}: {name:?} is not a string", self.about))
    }

    /// An integer.
    pub(crate) fn number(&self, name: &str) -> Verdict<u64> {
        let number = self.field(name)?.as_u64();
        number.or_fails(|| format!("{}: {name:?} is not a natural number", self.about))
    }

    /// Bytes in standard, padded base64: the one form that answers have (A1).
    pub(crate) fn bytes(&self, name: &str) -> Verdict<Vec<u8>> {
        let text = self.text(name)?;
        let bytes = unbase64(&text);
        bytes.or_fails(|| format!("{}: {name:?} is not standard padded base64", self.about))
    }

    /// Bytes of this length.
    pub(crate) fn bytes_of(&self, name: &str, length: usize) -> Verdict<Vec<u8>> {
        let bytes = self.bytes(name)?;
        ensure(bytes.len() == length, || {
            format!("{}: {name:?} has {} bytes, expected {length}", self.about, bytes.len())
        })?;
        Ok(bytes)
    }
}

/// Puts an answer together from what arrives.
pub(crate) struct Parser {
    bytes: Vec<u8>,
    has_body: bool,
}

impl Parser {
    /// Of an answer to `method`.
    pub(crate) fn of(method: &str) -> Self {
        Self { bytes: Vec::new(), has_body: method != "HEAD" }
    }

    /// Takes what has arrived.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The answer, once all of it is there; `end`: nothing more comes.
    pub(crate) fn reply(&self, end: bool) -> Result<Option<Reply>, String> {
        let Some(length) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            let got = self.bytes.len();
            return if end { Err(format!("no answer, {got} bytes")) } else { Ok(None) };
        };
        let (head, rest) = self.bytes.split_at(length);
        let body = rest.get(4..).unwrap_or_default();
        let mut reply = parse_head(head)?;
        let announced = reply.header("content-length").map(str::parse::<usize>);
        let announced = match announced {
            _ if !self.has_body || reply.status == 204 || reply.status < 200 => Some(0),
            Some(Ok(length)) => Some(length),
            Some(Err(_)) => return Err("Content-Length is not a number".to_owned()),
            None => None,
        };
        match announced {
            Some(length) if body.len() >= length => {
                reply.body = body.get(..length).unwrap_or_default().to_vec();
                Ok(Some(reply))
            }
            Some(length) if end => Err(format!("{} of {length} bytes of a body", body.len())),
            None if end => {
                reply.body = body.to_vec();
                Ok(Some(reply))
            }
            _ => Ok(None),
        }
    }
}

fn parse_head(head: &[u8]) -> Result<Reply, String> {
    let head = std::str::from_utf8(head).map_err(|_| "headers that are not text".to_owned())?;
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let mut parts = first.splitn(3, ' ');
    let (version, status) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let status = status.parse().ok().filter(|_| version.starts_with("HTTP/1."));
    let status = status.ok_or_else(|| format!("{first:?} is no status line of HTTP/1.1"))?;
    let reason = parts.next().unwrap_or_default().to_owned();
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(':').ok_or_else(|| format!("header {line:?}"))?;
            Ok((name.to_owned(), value.trim().to_owned()))
        })
        .collect::<Result<_, String>>()?;
    Ok(Reply { about: String::new(), status, reason, headers, body: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::Parser;

    #[test]
    fn answers_are_whole_when_their_length_says_so() {
        let mut parser = Parser::of("GET");
        parser.take(b"HTTP/1.1 418 \r\nContent-Length: 2\r\nX-Y:  z\r\n\r\na");
        assert!(parser.reply(false).unwrap().is_none());
        assert!(parser.reply(true).is_err());
        parser.take(b"b");
        let reply = parser.reply(false).unwrap().unwrap();
        assert_eq!((reply.status, reply.reason.as_str(), &*reply.body), (418, "", &b"ab"[..]));
        assert_eq!(reply.header("x-y"), Some("z"));
    }
}
