//! Parameters of a request: from its query, its body (urlencoded or multipart) and three headers, with
//! names of any case.

use http::header::{CONTENT_TYPE, HeaderName};
use zeroize::Zeroizing;

use super::zip::File;
use super::{FormatError, multipart};
use crate::inbound::Inbound;

/// What came with a request.
pub struct Parameters {
    fields: Vec<(String, Zeroizing<String>)>,
    files: Vec<File>,
}

impl Parameters {
    /// Reads those of `inbound`.
    ///
    /// # Errors
    /// [`FormatError::Malformed`]: a body of another media type or that is not what it says; a value that
    /// is no text; one name with two values.
    pub fn read(inbound: &Inbound) -> Result<Self, FormatError> {
        let mut read = Self { fields: Vec::new(), files: Vec::new() };
        let query = inbound.uri.query().unwrap_or_default();
        read.add_pairs(query.as_bytes())?;
        read.add_body(inbound)?;
        for name in &HEADERS {
            for value in inbound.headers.get_all(name) {
                let value = std::str::from_utf8(value.as_bytes()).map_err(|_| NO_TEXT)?;
                read.add(name.as_str(), Zeroizing::new(value.to_owned()))?;
            }
        }
        Ok(read)
    }

    /// The value of `name`, which is in lower case; `None` where it is not there.
    pub fn find(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The same; `None` also where it is empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.find(name).filter(|value| !value.is_empty())
    }

    /// The files, in their order.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The files, for who keeps them.
    pub fn into_files(self) -> Vec<File> {
        self.files
    }

    fn add_body(&mut self, inbound: &Inbound) -> Result<(), FormatError> {
        if inbound.body.is_empty() {
            return Ok(());
        }
        let media_type = inbound.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return self.add_pairs(&inbound.body);
        }
        if !essence.eq_ignore_ascii_case("multipart/form-data") {
            return Err(OTHER_BODY);
        }
        for part in multipart::read(media_type, &inbound.body)? {
            match part.file {
                // What a browser sends for a field of files that nobody filled.
                Some(name) if name.is_empty() && part.content.is_empty() => {}
                Some(name) => self.files.push(File { name, content: part.content }),
                None => {
                    let value = std::str::from_utf8(&part.content).map_err(|_| NO_TEXT)?;
                    self.add(&part.name, Zeroizing::new(value.to_owned()))?;
                }
            }
        }
        Ok(())
    }

    fn add_pairs(&mut self, encoded: &[u8]) -> Result<(), FormatError> {
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (pair.get(..at), pair.get(at + 1..)),
                None => (Some(pair), None),
            };
            let [name, value] = [name, value].map(|text| decoded(text.unwrap_or_default()));
            self.add(&name.ok_or(NO_TEXT)?, value.ok_or(NO_TEXT)?)?;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, value: Zeroizing<String>) -> Result<(), FormatError> {
        let name = name.to_ascii_lowercase();
        match self.fields.iter().find(|(known, _)| *known == name) {
            Some((_, first)) if *first == value => Ok(()),
            Some(_) => Err(FormatError::Malformed("a parameter is there twice, with two values")),
            None if self.fields.len() == MOST => {
                Err(FormatError::Malformed("a request has 64 parameters at most"))
            }
            None => {
                self.fields.push((name, value));
                Ok(())
            }
        }
    }
}

/// A name or a value of an urlencoded form; `None` where it is no UTF-8. Nothing is put in the place of
/// what is none: two passphrases must not become one.
fn decoded(encoded: &[u8]) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len()));
    let mut rest = encoded;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().filter(|_| *first == b'%');
        let mut byte = [0];
        match digits.map(|digits| base16ct::mixed::decode(digits, &mut byte)) {
            Some(Ok(_)) => {
                bytes.extend(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            Some(Err(_)) | None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

const HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("passphrase"),
    HeaderName::from_static("privatekeyhash"),
    HeaderName::from_static("token"),
];
const MOST: usize = 64;
const NO_TEXT: FormatError = FormatError::Malformed("a parameter's value must be text in UTF-8");
const OTHER_BODY: FormatError = FormatError::Malformed(
    "a body must be application/x-www-form-urlencoded or multipart/form-data",
);

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;
    use crate::hold::Hold;

    fn inbound(query: &str, headers: &[(&'static str, &[u8])], body: &[u8]) -> Inbound {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
            })
            .collect();
        Inbound {
            method: Method::PUT,
            uri: format!("/Service?{query}").parse().unwrap(),
            headers,
            body: Bytes::copy_from_slice(body),
            hold: Hold::default(),
            place: None,
            peer: None,
            arguments: Vec::new(),
            plain: false,
        }
    }

    fn read(
        query: &str,
        headers: &[(&'static str, &[u8])],
        body: &[u8],
    ) -> Result<Parameters, FormatError> {
        Parameters::read(&inbound(query, headers, body))
    }

    fn refused(query: &str, headers: &[(&'static str, &[u8])], body: &[u8]) -> FormatError {
        read(query, headers, body).map(|_| ()).unwrap_err()
    }

    const FORM: (&str, &[u8]) =
        ("content-type", b"application/x-www-form-urlencoded; charset=UTF-8");

    #[test]
    fn they_come_from_everywhere_and_in_any_case() {
        let headers: [(&'static str, &[u8]); 3] =
            [FORM, ("token", b"3f2a"), ("passphrase", b"\xc3\xa4 b")];
        let read = read("V=1&Format=xml&empty=", &headers, b"MESSAGE=a+%26+b&Token=3f2a").unwrap();
        assert_eq!(read.find("v"), Some("1"));
        assert_eq!(read.find("format"), Some("xml"));
        assert_eq!(read.find("message"), Some("a & b"));
        assert_eq!(read.find("token"), Some("3f2a"));
        assert_eq!(read.find("passphrase"), Some("\u{e4} b"));
        assert_eq!(
            (read.find("empty"), read.filled("empty"), read.find("none")),
            (Some(""), None, None)
        );
        assert!(read.files().is_empty());
    }

    #[test]
    fn forms_are_decoded_as_browsers_write_them() {
        let body = b"a=%C3%A4%2b+%&b=%4&&c&=d&e=%zz%EF%BF%BD&f=\xc3\xa4==";
        let read = read("", &[FORM], body).unwrap();
        for (name, value) in [
            ("a", "\u{e4}+ %"),
            ("b", "%4"),
            ("c", ""),
            ("", "d"),
            ("e", "%zz\u{fffd}"),
            ("f", "\u{e4}=="),
        ] {
            assert_eq!(read.find(name), Some(value), "{name}");
        }
    }

    #[test]
    fn files_come_in_forms() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"Message\"\r\n\r\nhi\r\n--b\r\n\
            Content-Disposition: form-data; name=\"files\"; filename=\"a.bin\"\r\n\r\n\xff\r\n--b\r\n\
            Content-Disposition: form-data; name=\"files\"; filename=\"\"\r\n\r\n\r\n--b--";
        let read = read("", &[("content-type", b"multipart/form-data; boundary=b")], body).unwrap();
        assert_eq!(read.find("message"), Some("hi"));
        let files = read.into_files();
        assert_eq!(files.len(), 1);
        assert_eq!(
            (files[0].name.as_str(), files[0].content.as_slice()),
            ("a.bin", b"\xff".as_slice())
        );
    }

    #[test]
    fn what_is_ambiguous_or_no_text_is_refused() {
        let twice = FormatError::Malformed("a parameter is there twice, with two values");
        assert_eq!(refused("a=1&A=2", &[], b""), twice);
        assert_eq!(refused("token=1", &[("token", b"2")], b""), twice);
        assert_eq!(refused("message=1", &[FORM], b"message=2"), twice);
        assert_eq!(refused("passphrase=%ff", &[], b""), NO_TEXT);
        assert_eq!(refused("", &[("passphrase", b"\xff")], b""), NO_TEXT);
        let part = b"--b\r\nContent-Disposition: form-data; name=message\r\n\r\n\xff\r\n--b--";
        assert_eq!(
            refused("", &[("content-type", b"multipart/form-data; boundary=b")], part),
            NO_TEXT
        );
        assert_eq!(refused("", &[], b"a=1"), OTHER_BODY);
        assert_eq!(refused("", &[("content-type", b"application/json")], b"{}"), OTHER_BODY);
        assert!(read("", &[("content-type", b"application/json")], b"").is_ok());
        let many: Vec<_> = (0..65).map(|n| format!("p{n}=")).collect();
        assert!(matches!(refused(&many.join("&"), &[], b""), FormatError::Malformed(_)));
    }
}
