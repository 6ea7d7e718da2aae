//! `--print-curl`: the same request as a curl line, with `$TOKEN` where the token would be.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::client::{Call, Header};
use crate::failure::Failure;
use crate::form::{Field, Form, Shown};
use crate::output::Output;
use crate::server::Server;

/// Prints the line on stdout.
pub(crate) fn print(output: Output, server: &Server, call: &Call) -> Result<(), Failure> {
    let line = line(server, call);
    output.show(&json!({"curl": line}), &line)
}

/// The curl line, quoted for a POSIX shell.
fn line(server: &Server, call: &Call) -> String {
    let mut parts = vec!["curl -sS --tlsv1.3".to_owned()];
    if let Some(ca) = &server.ca {
        parts.push(format!("--cacert {}", quoted(&ca.display().to_string())));
    }
    if call.method != "GET" {
        parts.push(format!("-X {}", call.method));
    }
    parts.push("-H 'Accept: application/problem+json, application/json'".to_owned());
    if call.need.advice().is_some() && !call.need.optional {
        parts.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    for Header { name, value, is_secret } in &call.headers {
        parts.push(match is_secret {
            true => format!("-H \"{name}: ${}\"", name.to_uppercase()),
            false => format!("-H {}", quoted(&format!("{name}: {}", value.expose_secret()))),
        });
    }
    for Field { name, value, shown } in call.form.iter().flat_map(Form::fields) {
        parts.push(match shown {
            Shown::File(file) => format!("-F {}", quoted(&format!("{name}=@\"{file}\""))),
            Shown::Hidden => format!("--form-string \"{name}=${}\"", name.to_uppercase()),
            Shown::Value => {
                let value = String::from_utf8_lossy(value);
                format!("--form-string {}", quoted(&format!("{name}={value}")))
            }
        });
    }
    if let Some(body) = &call.body {
        parts.push("-H 'Content-Type: application/json'".to_owned());
        parts.push(format!("--data-raw {}", shown(body, call.hidden)));
    }
    parts.push(quoted(&format!("{}{}", server.url, call.path)));
    parts.join(" ")
}

/// A body for the shell, with a variable in the place of the secret that it has in the member
/// `hidden`.
fn shown(body: &Value, hidden: Option<&str>) -> String {
    let (Value::Object(members), Some(hidden)) = (body, hidden) else {
        return quoted(&body.to_string());
    };
    let member = |(name, value): (&String, &Value)| match name == hidden {
        true => format!("{}:\"'\"${}\"'\"", Value::from(name.as_str()), hidden.to_uppercase()),
        false => within_quotes(&format!("{}:{value}", Value::from(name.as_str()))),
    };
    format!("'{{{}}}'", members.iter().map(member).collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    format!("'{}'", within_quotes(text))
}

fn within_quotes(text: &str) -> String {
    text.replace('\'', r"'\''")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::line;
    use crate::client::Call;
    use crate::form::Form;
    use crate::server::Server;
    use crate::session::Need;

    #[test]
    fn the_line_names_the_token_and_quotes_for_the_shell() {
        let server = Server { url: "https://a:8443".into(), ca: Some("/it's.pem".into()) };
        let need = Need { scopes: vec!["keymgmt:gen"], ..Need::default() };
        let call = Call::post("/api/keymgmt/create", json!({"label": "it's"})).needs(need);
        assert_eq!(
            line(&server, &call),
            r#"curl -sS --tlsv1.3 --cacert '/it'\''s.pem' -X POST -H 'Accept: application/problem+json, application/json' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' --data-raw '{"label":"it'\''s"}' 'https://a:8443/api/keymgmt/create'"#
        );
        let call = Call::get("/v1").header("uuid", "it's me");
        let with_header = line(&Server { url: "https://a".into(), ca: None }, &call);
        assert!(with_header.ends_with(r"-H 'uuid: it'\''s me' 'https://a/v1'"), "{with_header}");
        let form = Form::default().with("token", "3f").with_secret("passphrase", "p");
        let call = Call::delete("/Service").form(form).secret_header("passphrase", "p");
        let secret = line(&Server { url: "https://a".into(), ca: None }, &call);
        let shown = "-H \"passphrase: $PASSPHRASE\" --form-string 'token=3f' --form-string \
                     \"passphrase=$PASSPHRASE\" 'https://a/Service'";
        assert!(secret.ends_with(shown), "{secret}");
        let body = json!({"password": "", "username": "it's me"});
        let call = Call::post("/rest/login", body).hides("password");
        let login = line(&Server { url: "https://a".into(), ca: None }, &call);
        let shown = r#"--data-raw '{"password":"'"$PASSWORD"'","username":"it'\''s me"}' 'https://a/rest/login'"#;
        assert!(login.ends_with(shown), "{login}");
        let status = line(&Server { ca: None, ..server }, &Call::get("/api/system/status"));
        assert_eq!(
            status,
            "curl -sS --tlsv1.3 -H 'Accept: application/problem+json, application/json' \
             'https://a:8443/api/system/status'"
        );
    }
}
