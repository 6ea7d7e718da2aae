//! What is said to people, in the languages that clients may ask for.

use http::HeaderValue;

/// The language that a client likes best of those there are, and the sentence of an error in it.
/// `None` where that is English, in which it is told more exactly.
pub(super) fn sentence(
    accepted: Option<&HeaderValue>,
    key: &str,
) -> Option<(&'static str, &'static str)> {
    let language = preferred(accepted?.to_str().ok()?)?;
    let at = LANGUAGES.iter().position(|known| *known == language)?;
    let (_, sentences) = SENTENCES.iter().find(|(known, _)| *known == key)?;
    sentences.get(at).map(|text| (language, *text))
}

/// `None` for English, which is also what there is for whoever asks for nothing that there is.
fn preferred(accepted: &str) -> Option<&'static str> {
    let mut best = None;
    let mut weight = 0;
    for range in accepted.split(',') {
        let mut parts = range.split(';');
        let tag = parts.next().unwrap_or_default().trim();
        let quality =
            parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(1000, thousandths);
        let language = match known(tag) {
            Some(language) => Some(language),
            None if is_english(tag) => None,
            None => continue,
        };
        if quality > weight {
            (best, weight) = (language, quality);
        }
    }
    best
}

/// The language of a tag such as `de-AT` (RFC 4647, lookup).
fn known(tag: &str) -> Option<&'static str> {
    let is_one = |known: &&&'static str| {
        let head = tag.get(..known.len()).is_some_and(|head| head.eq_ignore_ascii_case(known));
        head && matches!(tag.as_bytes().get(known.len()), None | Some(b'-'))
    };
    LANGUAGES.iter().find(is_one).copied()
}

fn is_english(tag: &str) -> bool {
    tag == "*" || tag.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("en"))
}

/// A weight of at most 1 with at most three digits behind the point (RFC 9110, 12.4.2).
fn thousandths(text: &str) -> u32 {
    let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = format!("{rest:0<3}");
    match (whole, digits.get(..3).and_then(|digits| digits.parse().ok())) {
        ("0", Some(part)) => part,
        ("1", _) => 1000,
        _ => 0,
    }
}

const LANGUAGES: [&str; 7] = ["de", "es", "fr", "ja", "ko", "zh-CN", "zh-TW"];

/// By the key of the error, in the order of the languages.
const SENTENCES: [(&str, [&str; 7]); 3] = [
    (
        "common.bad.request",
        [
            "Die Anfrage ist ungültig.",
            "La solicitud no es válida.",
            "La requête n'est pas valide.",
            "リクエストが無効です。",
            "요청이 올바르지 않습니다.",
            "请求无效。",
            "要求無效。",
        ],
    ),
    (
        "common.unauthorized",
        [
            "Benutzername oder Kennwort ist falsch, oder das Konto ist gesperrt.",
            "El nombre de usuario o la contraseña no son correctos, o la cuenta está bloqueada.",
            "Le nom d'utilisateur ou le mot de passe est incorrect, ou le compte est verrouillé.",
            "ユーザー名またはパスワードが正しくないか、アカウントがロックされています。",
            "사용자 이름 또는 암호가 올바르지 않거나 계정이 잠겨 있습니다.",
            "用户名或密码错误,或者帐户已锁定。",
            "使用者名稱或密碼錯誤,或者帳戶已鎖定。",
        ],
    ),
    (
        "common.api-throttle-limit.exceeded.error",
        [
            "Zu viele Versuche. Versuchen Sie es später erneut.",
            "Demasiados intentos. Vuelva a intentarlo más tarde.",
            "Trop de tentatives. Réessayez plus tard.",
            "試行回数が多すぎます。後でもう一度お試しください。",
            "시도 횟수가 너무 많습니다. 나중에 다시 시도하십시오.",
            "尝试次数过多。请稍后再试。",
            "嘗試次數過多。請稍後再試。",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best_is_taken() {
        for (accepted, language) in [
            ("de", Some("de")),
            ("de-AT, en;q=0.9", Some("de")),
            ("en, de;q=0.9", None),
            ("it, fr;q=0.3, ja;q=0.31", Some("ja")),
            ("zh-CN", Some("zh-CN")),
            ("ZH-tw", Some("zh-TW")),
            ("zh", None),
            ("deu", None),
            ("it", None),
            ("de;q=0", None),
            ("*;q=0.5, ko;q=0.1", None),
            ("\u{fffd}", None),
            ("", None),
        ] {
            assert_eq!(preferred(accepted), language, "{accepted}");
        }
    }

    #[test]
    fn there_is_a_sentence_of_its_own_in_each() {
        for (key, sentences) in SENTENCES {
            for (at, text) in sentences.iter().enumerate() {
                assert!(!sentences[..at].contains(text), "{key} {text}");
                let asked = HeaderValue::from_static(LANGUAGES[at]);
                assert_eq!(sentence(Some(&asked), key), Some((LANGUAGES[at], *text)));
            }
        }
    }
}
