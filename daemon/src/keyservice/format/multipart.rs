//! `multipart/form-data` (RFC 7578) of a body that is in memory already.

use form_urlencoded::parse;
use zeroize::Zeroizing;

use super::FormatError::{self, Malformed};

/// One part of a form.
pub struct Part {
    /// The name of the field.
    pub name: String,
    /// The name of the file without its path, where it is one.
    pub file: Option<String>,
    /// What is in it.
    pub content: Zeroizing<Vec<u8>>,
}

/// The parts of `body`, whose `Content-Type` is `media_type`. At most 64.
///
/// # Errors
/// [`FormatError::Malformed`]
pub fn read(media_type: &str, body: &[u8]) -> Result<Vec<Part>, FormatError> {
    let boundary = parameter(media_type, "boundary").ok_or(NO_BOUNDARY)?;
    if boundary.is_empty() || boundary.len() > 70 {
        return Err(NO_BOUNDARY);
    }
    let line = format!("\r\n--{boundary}");
    // The first boundary has no line before it, unless there is a preamble.
    let first = line.trim_start().as_bytes();
    let mut rest = match body.strip_prefix(first) {
        Some(rest) => rest,
        None => split(body, line.as_bytes()).ok_or(BROKEN)?.1,
    };
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let part = rest.get(padding..).and_then(|rest| rest.strip_prefix(b"\r\n")).ok_or(BROKEN)?;
        let (part, after) = split(part, line.as_bytes()).ok_or(BROKEN)?;
        parts.push(Part::read(part)?);
        if parts.len() > MOST {
            return Err(Malformed("a form has 64 parts at most"));
        }
        rest = after;
    }
}

impl Part {
    fn read(part: &[u8]) -> Result<Self, FormatError> {
        let (headers, content) = split(part, b"\r\n\r\n").ok_or(BROKEN)?;
        let headers = std::str::from_utf8(headers).map_err(|_| BROKEN)?;
        let header = |wanted: &str| {
            let mut lines = headers.split("\r\n").filter_map(|line| line.split_once(':'));
            lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
        };
        if let Some((_, encoding)) = header("content-transfer-encoding")
            && !["binary", "8bit", "7bit"].contains(&encoding.trim().to_ascii_lowercase().as_str())
        {
            return Err(Malformed("parts of a form must be sent as they are, without an encoding"));
        }
        let (_, about) = header("content-disposition").ok_or(NO_NAME)?;
        let name = parameter(about, "name").ok_or(NO_NAME)?;
        let file = match parameter(about, "filename*") {
            Some(encoded) => Some(decoded(&encoded).ok_or(NO_NAME)?),
            None => parameter(about, "filename"),
        };
        let file = file.map(|path| {
            let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
            name.to_owned()
        });
        Ok(Self { name, file, content: Zeroizing::new(content.to_vec()) })
    }
}

/// What stands before and after the first `mark`.
fn split<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (first, _) = mark.split_first()?;
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = from + rest.iter().position(|byte| byte == first)?;
        if text.get(at..)?.starts_with(mark) {
            return text.get(..at).zip(text.get(at + mark.len()..));
        }
        from = at + 1;
    }
}

/// The parameter `wanted` of a header's value, without its quotes.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (value, after) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), after)
            }
        };
        if name.trim_matches([' ', '\t', ';']).eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

/// What stands before the closing quote, and what follows it. A `\` counts before a quote alone:
/// browsers write it as it is elsewhere, and a quote as `%22`.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        match before.strip_suffix('\\') {
            Some(before) => value.extend([before, "\""]),
            None => {
                value.push_str(before);
                return Some((value.replace("%22", "\""), after));
            }
        }
        rest = after;
    }
}

/// An extended value (RFC 8187), in UTF-8.
fn decoded(value: &str) -> Option<String> {
    let (charset, text) = value.split_once('\'')?;
    let (_, text) = text.split_once('\'')?;
    // A plus sign is one here.
    let text = text.replace('+', "%2B");
    let (text, _) = parse(text.as_bytes()).next()?;
    charset.eq_ignore_ascii_case("utf-8").then(|| text.into_owned())
}

const BROKEN: FormatError = Malformed("the body is no multipart/form-data of its boundary");
const MOST: usize = 64;
const NO_BOUNDARY: FormatError =
    Malformed("multipart/form-data needs a boundary, 1 to 70 characters");
const NO_NAME: FormatError =
    Malformed("each part of a form needs a Content-Disposition with a name");

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=b0-X";

    fn one(head: &str, content: &[u8]) -> Vec<u8> {
        [b"--b0-X\r\n", head.as_bytes(), b"\r\n\r\n", content, b"\r\n--b0-X--\r\n"].concat()
    }

    fn named(about: &str) -> (String, Option<String>) {
        let mut parts = read(TYPE, &one(about, b"")).unwrap();
        let part = parts.pop().unwrap();
        (part.name, part.file)
    }

    #[test]
    fn forms_of_others_are_read() {
        let body =
            b"a preamble\r\n--b0-X\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n3f\
            \r\n--b0-X \r\ncontent-type: text/plain\r\nCONTENT-DISPOSITION:form-data;name=f; \
            filename=\"a;b.txt\"\r\n\r\n\r\n--b0\r\n\0\r\n--b0-X--\r\nan epilogue";
        let parts = read(TYPE, body).unwrap();
        let found: Vec<_> = parts
            .iter()
            .map(|part| (part.name.as_str(), part.file.as_deref(), part.content.as_slice()))
            .collect();
        assert_eq!(
            found,
            [
                ("token", None, b"3f".as_slice()),
                ("f", Some("a;b.txt"), b"\r\n--b0\r\n\0".as_slice()),
            ]
        );
        assert!(read("multipart/form-data; boundary=\"b0-X\"", b"--b0-X--").unwrap().is_empty());
    }

    #[test]
    fn names_of_files_lose_their_path() {
        let about =
            |parameters: &str| named(&format!("Content-Disposition: form-data; {parameters}"));
        for (parameters, file) in [
            ("name=\"f\"; filename=\"C:\\dir\\a.txt\"", "a.txt"),
            ("name=\"f\"; filename=\"../../a.txt\"", "a.txt"),
            ("name=\"f\"; filename=\"a \\\"b\\\".txt\"", "a \"b\".txt"),
            ("name=\"f\"; filename=\"a %22b%22.txt\"", "a \"b\".txt"),
            ("filename=a.txt ; name=f", "a.txt"),
            ("name=\"f\"; filename=\"x\"; filename*=UTF-8''%c3%a4+%20b.txt", "\u{e4}+ b.txt"),
            ("name=\"f\"; filename=\"\u{e4}.txt\"", "\u{e4}.txt"),
            ("name=\"f\"; filename=\"\"", ""),
        ] {
            assert_eq!(about(parameters), ("f".into(), Some(file.into())), "{parameters}");
        }
        assert_eq!(about("name=\"a \\\"b\\\"\""), ("a \"b\"".into(), None));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let good = one("Content-Disposition: form-data; name=a", b"1");
        assert_eq!(read(TYPE, &good).unwrap().len(), 1);
        for bad in
            ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; b=1"]
        {
            assert_eq!(read(bad, &good).map(|_| ()).unwrap_err(), NO_BOUNDARY, "{bad}");
        }
        let refused = |body: &[u8]| read(TYPE, body).map(|parts| parts.len()).unwrap_err();
        for end in 0..good.len() - 4 {
            assert_eq!(refused(&good[..end]), BROKEN, "{end}");
        }
        assert_eq!(refused(&one("Content-Type: text/plain", b"")), NO_NAME);
        assert_eq!(refused(&one("Content-Disposition: form-data; filename=a", b"")), NO_NAME);
        let encoded = "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64";
        assert!(matches!(refused(&one(encoded, b"MQ==")), Malformed(_)));
        let part = b"--b0-X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n".repeat(65);
        assert!(matches!(refused(&[part.as_slice(), b"--b0-X--"].concat()), Malformed(_)));
    }
}
