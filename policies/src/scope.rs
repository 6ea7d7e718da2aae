//! What a token says its bearer may do.

use std::fmt;

/// A scope: one or more segments joined by `:`, printable ASCII without white space, at most 1023
/// characters (hem.md A2). Any such string may be issued; whether it opens anything shows at use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scope(String);

impl Scope {
    /// Takes `text` as a scope.
    pub fn parse(text: &str) -> Result<Self, BadScope> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > MAX_LENGTH || !printable {
            return Err(BadScope);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether this scope is `required` itself or continues it after a colon, so that
    /// `keymgmt:list:x` passes for `keymgmt:list` and `keymgmt:listXYZ` does not (hem.md A15, 28).
    pub fn covers(&self, required: &str) -> bool {
        match self.0.strip_prefix(required) {
            Some(rest) => rest.is_empty() || rest.starts_with(':'),
            None => false,
        }
    }

    /// Whether this scope is exactly `required`, as the use of a key demands.
    pub fn is(&self, required: &str) -> bool {
        self.0 == required
    }

    /// The scope as it was issued.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not a scope.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a scope is 1 to {MAX_LENGTH} printable ASCII characters without white space")]
pub struct BadScope;

const MAX_LENGTH: usize = 1023;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_at_colon_boundaries_only() {
        let scope = |text| Scope::parse(text).unwrap();
        assert!(scope("keymgmt:list").covers("keymgmt:list"));
        assert!(scope("keymgmt:list:all").covers("keymgmt:list"));
        assert!(!scope("keymgmt:listXYZ").covers("keymgmt:list"));
        assert!(!scope("keymgmt").covers("keymgmt:list"));
        assert!(!scope("Keymgmt:list").covers("keymgmt:list"));
    }

    #[test]
    fn refuses_what_could_be_two_scopes() {
        for bad in ["", "a b", "a\nb", "a\u{e9}", "\u{7f}"] {
            assert_eq!(Scope::parse(bad), Err(BadScope), "{bad:?}");
        }
        assert!(Scope::parse(&"a".repeat(1023)).is_ok());
        assert!(Scope::parse(&"a".repeat(1024)).is_err());
    }
}
