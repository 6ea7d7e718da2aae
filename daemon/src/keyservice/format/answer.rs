//! Answers, as JSON or as XML.
//!
//! JSON is as .NET's serializer of the original wrote it: `/` is `\/`, so that dates are `\/Date(ms)\/`.
//! XML has the members that the original's has, in their order, then those of ours that a reader of the
//! original passes over. What XML 1.0 has no way to write becomes U+FFFD.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use zeroize::Zeroizing;

use super::FormatError;
use super::choice::Format;
use super::objects::{KeyObject, MessageObject};

/// What is answered.
pub enum Answer<'a> {
    /// A key.
    Key(&'a KeyObject),
    /// Messages.
    Messages(&'a [MessageObject]),
    /// A text: what was done, or what was wrong.
    Text(&'a str),
    /// It was done.
    True,
}

impl Answer<'_> {
    /// The body, in memory that is wiped.
    ///
    /// # Errors
    /// [`FormatError::Internal`]; not seen.
    pub fn write(&self, format: Format) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let written = match format {
            Format::Json => match self {
                Self::Key(key) => json(key),
                Self::Messages(messages) => json(messages),
                Self::Text(text) => json(text),
                Self::True => json(&true),
            },
            Format::TextXml | Format::Xml => whole(|out| self.xml(out)),
        };
        written.map_err(|_| FormatError::Internal)
    }

    fn xml(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{DECLARATION}\n<response")?;
        match self {
            Self::Key(key) => {
                writeln!(out, "{NAMESPACES}>")?;
                key_members(out, key)?;
            }
            Self::Messages(messages) => {
                writeln!(out, "{NAMESPACES}>")?;
                messages.iter().try_for_each(|message| message_members(out, message))?;
            }
            Self::Text(text) => {
                out.write_all(b">")?;
                escaped(out, text)?;
            }
            Self::True => out.write_all(b">true")?,
        }
        out.write_all(b"</response>")
    }
}

fn key_members(out: &mut dyn Write, key: &KeyObject) -> io::Result<()> {
    let out = &mut Members { out, indent: "  " };
    out.put("KeyId", &key.key_id.to_string())?;
    out.put("KeyToken", &key.key_token)?;
    out.put("PublicKey", &key.public_key)?;
    out.put("IsPrivateKeyEncrypted", flag(key.is_private_key_encrypted))?;
    out.put("IsPublicKeyOnly", flag(key.is_public_key_only))?;
    out.put("RequestDate", &key.request_date.iso())?;
    out.put("ReleaseDate", &key.release_date.iso())?;
    match key.lock_date {
        Some(date) => out.put("LockDate", &date.iso())?,
        None => out.nil("LockDate")?,
    }
    out.put("DeleteMessagesAfterReading", flag(key.delete_messages_after_reading))?;
    out.put("DeleteKeyAfterReading", flag(key.delete_key_after_reading))?;
    out.put("IsReleased", flag(key.is_released))?;
    out.put_some("PrivateKey", key.private_key.as_deref())?;
    out.put_some("PrivateKeyHash", key.private_key_hash.as_deref())?;
    out.put("URI", &key.uri)
}

fn message_members(out: &mut dyn Write, message: &MessageObject) -> io::Result<()> {
    out.write_all(b"  <Message>\n")?;
    let members = &mut Members { out: &mut *out, indent: "    " };
    members.put("MessageId", &message.message_id.to_string())?;
    members.put_some("EncryptionKey", message.encryption_key.as_deref())?;
    members.put("MessageData", &message.message_data)?;
    members.put("Created", &message.created.iso())?;
    members.put("MessageHash", &message.message_hash)?;
    members.put("IsFile", flag(message.is_file))?;
    members.put_some("TemporaryDownloadId", message.temporary_download_id.as_deref())?;
    out.write_all(b"  </Message>\n")
}

struct Members<'a> {
    out: &'a mut dyn Write,
    indent: &'static str,
}

impl Members<'_> {
    fn put(&mut self, name: &str, value: &str) -> io::Result<()> {
        write!(self.out, "{}<{name}>", self.indent)?;
        escaped(self.out, value)?;
        writeln!(self.out, "</{name}>")
    }

    fn put_some(&mut self, name: &str, value: Option<&str>) -> io::Result<()> {
        value.map_or(Ok(()), |value| self.put(name, value))
    }

    fn nil(&mut self, name: &str) -> io::Result<()> {
        writeln!(self.out, "{}<{name} xsi:nil=\"true\" />", self.indent)
    }
}

fn flag(is: bool) -> &'static str {
    if is { "true" } else { "false" }
}

fn escaped(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let mut rest = text;
    while let Some(at) = rest.find(is_special) {
        let (plain, special) = rest.split_at(at);
        let mut letters = special.chars();
        out.write_all(plain.as_bytes())?;
        out.write_all(match letters.next() {
            Some('&') => b"&amp;",
            Some('<') => b"&lt;",
            Some('>') => b"&gt;",
            // A reader makes a line feed of it otherwise.
            Some('\r') => b"&#xD;",
            _ => "\u{fffd}".as_bytes(),
        })?;
        rest = letters.as_str();
    }
    out.write_all(rest.as_bytes())
}

fn is_special(letter: char) -> bool {
    match letter {
        '\t' | '\n' => false,
        '&' | '<' | '>' | '\u{fffe}' | '\u{ffff}' => true,
        other => other < ' ',
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> io::Result<Zeroizing<Vec<u8>>> {
    whole(|out| Ok(value.serialize(&mut Serializer::with_formatter(out, Slashes))?))
}

/// Puts a `\` before each `/`.
struct Slashes;

impl Formatter for Slashes {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut parts = fragment.split('/');
        writer.write_all(parts.next().unwrap_or_default().as_bytes())?;
        parts.try_for_each(|part| {
            writer.write_all(b"\\/")?;
            writer.write_all(part.as_bytes())
        })
    }
}

/// What `write` writes, in one piece: it is measured first, since a buffer that grows leaves copies
/// behind that are not wiped.
fn whole(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = Length(0);
    write(&mut length)?;
    let mut body = Zeroizing::new(Vec::with_capacity(length.0));
    write(&mut *body)?;
    Ok(body)
}

struct Length(usize);

impl Write for Length {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(text.len());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
const NAMESPACES: &str = " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
                          xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::keyservice::format::date::Date;
    use crate::keyservice::format::vectors;

    fn text(answer: &Answer<'_>, format: Format) -> String {
        let body = answer.write(format).unwrap();
        assert_eq!(body.len(), body.capacity());
        String::from_utf8(body.to_vec()).unwrap()
    }

    fn date() -> Date {
        Date::parse("2026-11-22T01:02:03Z").unwrap()
    }

    fn key() -> KeyObject {
        KeyObject {
            key_id: 1,
            key_token: "3f2a".into(),
            public_key: vectors()["pub"].as_str().unwrap().into(),
            is_private_key_encrypted: true,
            request_date: date(),
            release_date: date(),
            uri: "3f2a".into(),
            ..KeyObject::default()
        }
    }

    fn message() -> MessageObject {
        MessageObject {
            message_id: 7,
            encryption_key: Some("ek".into()),
            message_data: Zeroizing::new("hi <&> \"q\"".into()),
            created: date(),
            message_hash: "00".into(),
            is_file: false,
            temporary_download_id: None,
        }
    }

    /// The vectors are UTF-16 and have the name of a class of their own for a message; ours are UTF-8.
    #[test]
    fn xml_is_that_of_the_vectors() {
        let vectors = vectors();
        let vector = |name: &str| {
            let text = vectors[name].as_str().unwrap().replace("utf-16", "utf-8");
            text.replace("<Msg>", "<Message>").replace("</Msg>", "</Message>")
        };
        assert_eq!(text(&Answer::True, Format::Xml), vector("true"));
        assert_eq!(text(&Answer::Text("Deleted."), Format::Xml), vector("str"));
        assert_eq!(text(&Answer::Messages(&[message()]), Format::TextXml), vector("msgs"));
        let xml = text(&Answer::Key(&key()), Format::Xml);
        let ours = "  <IsReleased>false</IsReleased>\n  <URI>3f2a</URI>\n";
        assert_eq!(xml.replace(ours, ""), vector("key"));
        assert!(xml.contains(ours));
    }

    #[test]
    fn json_has_every_member_and_dates_of_its_own() {
        let json = text(&Answer::Key(&key()), Format::Json);
        assert!(json.contains(r#""RequestDate":"\/Date(1795309323000)\/""#), "{json}");
        let names = [
            "IsReleased",
            "KeyId",
            "KeyToken",
            "PublicKey",
            "PrivateKey",
            "PrivateKeyHash",
            "IsPrivateKeyEncrypted",
            "IsPublicKeyOnly",
            "RequestDate",
            "ReleaseDate",
            "LockDate",
            "DeleteMessagesAfterReading",
            "DeleteKeyAfterReading",
            "Notifications",
            "Messages",
            "MessagesSerialized",
            "URI",
        ];
        assert_members(&json, &names);
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["PublicKey"], vectors()["pub"]);
        assert_eq!((&read["LockDate"], &read["Messages"]), (&Value::Null, &json!([])));

        let json = text(&Answer::Messages(&[message()]), Format::Json);
        let names = [
            "MessageId",
            "EncryptionKey",
            "MessageData",
            "Created",
            "MessageHash",
            "IsFile",
            "TemporaryDownloadId",
        ];
        assert_members(json.trim_matches(['[', ']']), &names);
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read[0]["MessageData"], "hi <&> \"q\"");
        assert_eq!(text(&Answer::True, Format::Json), "true");
        assert_eq!(text(&Answer::Text("a/b \"c\""), Format::Json), r#""a\/b \"c\"""#);
    }

    fn assert_members(json: &str, names: &[&str]) {
        let places: Vec<_> = names.iter().map(|name| json.find(&format!("\"{name}\":"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{json}");
        let read: Value = serde_json::from_str(json).unwrap();
        assert_eq!(read.as_object().unwrap().len(), names.len());
    }

    #[test]
    fn what_xml_can_not_write_is_replaced() {
        let mut message = message();
        message.message_data = Zeroizing::new("a\r\n\tb\0\u{1b}\u{ffff}]]>\u{e9}\u{1f511}".into());
        let xml = text(&Answer::Messages(&[message]), Format::Xml);
        let written =
            "<MessageData>a&#xD;\n\tb\u{fffd}\u{fffd}\u{fffd}]]&gt;\u{e9}\u{1f511}</MessageData>";
        assert!(xml.contains(written), "{xml}");
        let none = text(&Answer::Messages(&[]), Format::Xml);
        assert!(none.ends_with("-instance\">\n</response>"), "{none}");
    }
}
