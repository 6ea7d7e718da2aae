//! A request, put together byte by byte: what is wrong with it is wrong on purpose.

use serde_json::Value;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// The method.
    pub(crate) method: String,
    /// The path.
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    has_length: bool,
}

impl Ask {
    /// A request without a body.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        let has_length = method == "POST";
        Self { method, path, headers: Vec::new(), body: Vec::new(), has_length }
    }

    /// `GET path`
    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// `POST path` with a JSON body.
    pub(crate) fn post(path: &str, body: &Value) -> Self {
        Self::post_text(path, &body.to_string())
    }

    /// `POST path` with a body that is called JSON.
    pub(crate) fn post_text(path: &str, body: &str) -> Self {
        Self::new("POST", path).header("Content-Type", "application/json").body(body.as_bytes())
    }

    /// With these bytes as its body.
    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.has_length = true;
        self
    }

    /// With this header too.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Without `Content-Length`.
    pub(crate) fn without_length(mut self) -> Self {
        self.has_length = false;
        self
    }

    /// Its body.
    pub(crate) fn sent(&self) -> &[u8] {
        &self.body
    }

    /// The head and the body, for this host.
    pub(crate) fn parts(&self, host: &str) -> (Vec<u8>, Vec<u8>) {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| name == "Host") {
            head.push_str(&format!("Host: {host}\r\n"));
        }
        head.push_str("Connection: close\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.has_length {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        (head.into_bytes(), self.body.clone())
    }

    /// All of it.
    pub(crate) fn bytes(&self, host: &str) -> Vec<u8> {
        let (head, body) = self.parts(host);
        [head, body].concat()
    }
}
