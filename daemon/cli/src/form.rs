//! Bodies of forms: `multipart/form-data` (RFC 7578), for values and files alike.

use zeroize::Zeroizing;

/// The fields of a form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(Vec<Field>);

/// One of them.
#[derive(Clone)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    /// What is in it.
    pub(crate) value: Zeroizing<Vec<u8>>,
    /// What may be shown of it.
    pub(crate) shown: Shown,
}

/// What `--print-curl` shows of a field.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// That it is a file of this name.
    File(String),
    /// Nothing but its name.
    Hidden,
    /// All.
    Value,
}

impl Form {
    /// The same with one more field.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = Zeroizing::new(value.as_bytes().to_vec());
        self.0.push(Field { name, value, shown: Shown::Value });
        self
    }

    /// The same with one more field, which is a secret.
    #[must_use]
    pub(crate) fn with_secret(mut self, name: &'static str, value: &str) -> Self {
        let value = Zeroizing::new(value.as_bytes().to_vec());
        self.0.push(Field { name, value, shown: Shown::Hidden });
        self
    }

    /// The same with one more file.
    #[must_use]
    pub(crate) fn with_file(mut self, file: String, content: Zeroizing<Vec<u8>>) -> Self {
        self.0.push(Field { name: "files", value: content, shown: Shown::File(file) });
        self
    }

    /// Its fields.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.0
    }

    /// Its body, in parts that `boundary` is between, which must be in none of them.
    pub(crate) fn body(&self, boundary: &str) -> Zeroizing<Vec<u8>> {
        let heads: Vec<_> = self.0.iter().map(|field| field.head(boundary)).collect();
        let parts = || heads.iter().zip(&self.0);
        let length = parts().map(|(head, field)| head.len() + field.value.len() + 2).sum::<usize>();
        let mut body = Zeroizing::new(Vec::with_capacity(length + boundary.len() + 6));
        for (head, field) in parts() {
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(&field.value);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        body
    }
}

impl Field {
    fn head(&self, boundary: &str) -> String {
        let name = self.name;
        let file = match &self.shown {
            Shown::File(file) => format!("; filename=\"{}\"", escaped(file)),
            Shown::Hidden | Shown::Value => String::new(),
        };
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n")
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} bytes", self.name, self.value.len())
    }
}

/// As browsers write names.
fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_parts() {
        let form = Form::default()
            .with("token", "3f")
            .with_secret("passphrase", "p")
            .with_file("a \"b\"\n.txt".into(), Zeroizing::new(b"\r\n\0".to_vec()));
        let body = form.body("B");
        assert_eq!(
            String::from_utf8(body.to_vec()).unwrap(),
            "--B\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n3f\r\n\
             --B\r\nContent-Disposition: form-data; name=\"passphrase\"\r\n\r\np\r\n\
             --B\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a %22b%22%0A.txt\"\
             \r\n\r\n\r\n\0\r\n--B--\r\n"
        );
        assert_eq!(body.len(), body.capacity());
        assert!(!format!("{form:?}").contains("\"p\""));
    }
}
