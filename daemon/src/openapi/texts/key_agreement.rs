//! What the description says of key agreement and login.

use super::Texts;

pub(super) const TEXTS: Texts = Texts { tags: TAGS, summaries: SUMMARIES };

const TAGS: &[(&str, &str)] = &[(
    "key-agreement",
    "Key agreement and login: a key for one login, by Diffie-Hellman modulo a prime or on a curve; \
     accounts, their passwords and tokens. A 400 of an agreement has an empty body; other errors of a \
     login are in the language of Accept-Language (de, en, es, fr, ja, ko, zh-CN, zh-TW).",
)];

#[rustfmt::skip]
const SUMMARIES: &[(&str, &str, &str)] = &[
    ("POST",   "/rest/key-agreement",                "Agrees on a key for one login, by a key pair that lives in the token for this answer alone."),
    ("POST",   "/rest/login",                        "Exchanges the password of an account for tokens; encrypted where the query names an agreement's reference."),
    ("POST",   "/rest/refresh",                      "Exchanges a refresh token, which stays as it is, for an access token."),
    ("POST",   "/rest/logout",                       "Ends a login: its tokens open nothing any more."),
    ("GET",    "/rest/accounts",                     "Lists the accounts."),
    ("POST",   "/rest/accounts",                     "Makes an account."),
    ("POST",   "/rest/accounts/password",            "Gives an account another password, and ends its logins."),
    ("POST",   "/rest/accounts/lock",                "Lets an account log in no more, and ends its logins."),
    ("POST",   "/rest/accounts/unlock",              "Lets an account log in again, and forgets its failures."),
];
