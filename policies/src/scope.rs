//! What a token says its bearer may do.

use std::fmt;

use crate::kid::Kid;

/// What a token is good for: one scope, or several with a space between (RFC 6749, 3.3). A scope is
/// one or more segments joined by `:` of printable ASCII; all of them have at most 1023 characters
/// (hem.md A2). Any such string may be issued; whether it opens anything shows at use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scope(String);

impl Scope {
    /// Takes `text` as a scope.
    pub fn parse(text: &str) -> Result<Self, BadScope> {
        let good =
            |scope: &str| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
        if text.len() > MAX_LENGTH || !text.split(' ').all(good) {
            return Err(BadScope);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether one of these scopes is `required` itself or continues it after a colon, so that
    /// `keymgmt:list:x` passes for `keymgmt:list` and `keymgmt:listXYZ` does not (hem.md A15, 28).
    pub fn covers(&self, required: &str) -> bool {
        self.each().any(|scope| match scope.strip_prefix(required) {
            Some(rest) => rest.is_empty() || rest.starts_with(':'),
            None => false,
        })
    }

    /// No scopes at all: good for what any token opens.
    pub fn none() -> Self {
        Self(String::new())
    }

    /// Whether one of these scopes is that of the use of this key, with nothing after it. The digits
    /// may be in either case, as in every name of a key.
    pub fn uses(&self, kid: Kid) -> bool {
        let named = |scope: &str| scope.strip_prefix("keymgmt:use:")?.parse().ok();
        self.each().any(|scope| named(scope) == Some(kid))
    }

    /// These scopes but those that pass for `excepted`; none at all where no other is left.
    pub fn without(&self, excepted: &str) -> Self {
        let passes = |scope: &&str| match scope.strip_prefix(excepted) {
            Some(rest) => !rest.is_empty() && !rest.starts_with(':'),
            None => true,
        };
        Self(self.each().filter(passes).collect::<Vec<_>>().join(" "))
    }

    /// Takes back what [`Scope::as_str`] gave, that of no scopes too.
    pub(crate) fn restore(text: &str) -> Result<Self, BadScope> {
        match text {
            "" => Ok(Self::none()),
            text => Self::parse(text),
        }
    }

    /// The scopes, one by one.
    pub fn each(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ')
    }

    /// The scopes as they were issued.
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
#[error("scopes are printable ASCII with one space between, 1 to {MAX_LENGTH} characters in all")]
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
    fn several_scopes_open_what_each_of_them_opens() {
        let scopes = Scope::parse("token:new pqc:kem:x").unwrap();
        assert!(scopes.covers("token:new") && scopes.covers("pqc:kem"));
        assert!(!scopes.covers("pqc:sign") && !scopes.covers("new pqc:kem"));
    }

    #[test]
    fn what_is_taken_out_opens_nothing_any_more() {
        let scopes = Scope::parse("token:new pqc:kem token:new:x token:newer").unwrap();
        let rest = scopes.without("token:new");
        assert_eq!(rest.as_str(), "pqc:kem token:newer");
        assert!(rest.covers("pqc:kem") && !rest.covers("token:new"));
        let none = Scope::parse("token:new").unwrap().without("token:new");
        assert_eq!(Scope::restore(none.as_str()), Ok(none.clone()));
        assert_eq!(none, Scope::none());
        assert!(!none.covers("token:new") && !none.covers("pqc:kem"));
    }

    #[test]
    fn refuses_what_is_no_list_of_scopes() {
        for bad in ["", " ", " a", "a ", "a  b", "a\tb", "a\nb", "a\u{e9}", "\u{7f}"] {
            assert_eq!(Scope::parse(bad), Err(BadScope), "{bad:?}");
        }
        assert!(Scope::parse(&"a".repeat(1023)).is_ok());
        assert!(Scope::parse(&"a".repeat(1024)).is_err());
    }
}
