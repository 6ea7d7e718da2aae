//! Finding keys by what is written down about them.

use super::*;

#[test]
fn searches_follow_their_anchors() {
    let scene = Scene::new();
    for (number, descr) in ["CCTEST:T-10.1_SHA", "CCTEST:T-10.2", "other", ""].iter().enumerate() {
        import_with(&scene, &[8, u8::try_from(number).unwrap(), 2], descr.as_bytes());
    }
    let token = scene.user("keymgmt:search");
    let mut log = scene.log();
    let search = |pattern: &str| search(&scene, Some(&token), &json!({ "descr": pattern }));
    let b64 = |text: &str| Base64::encode_string(text.as_bytes());
    for (pattern, matches) in [
        (format!("^{}", b64("CCTEST")), 2),
        (format!("^{}", b64("CCTEST:T-10.1_SHA")), 1),
        (format!("^{}", b64("TEST")), 0),
        (format!("^{}", Base64Unpadded::encode_string(b"CCTEST:T-10.2")), 1),
        (format!("^{}$", b64("CCTEST:T-10.1_SHA")), 1),
        (format!("^{}$", b64("CCTEST:T-10.1_")), 0),
        (format!("{}$", b64("SHA")), 1),
        (format!("{}$", b64("er")), 1),
        (format!("{}$", b64("SH")), 0),
        (b64("T-10"), 2),
        (b64("t"), 1),
        (b64("nowhere"), 0),
    ] {
        let found = search(&pattern).json();
        assert_eq!(found["total"], matches, "{pattern}");
        assert_eq!(found["listed"], matches, "{pattern}");
        assert_eq!(found["list"].as_array().unwrap().len(), matches, "{pattern}");
    }
    let first = search(&format!("^{}", b64("CCTEST:T-10.1_SHA"))).json();
    assert_eq!(first["list"][0]["descr"], b64("CCTEST:T-10.1_SHA"));
    let needle = |length| Base64::encode_string(&vec![b'x'; length]);
    for (pattern, status) in [
        (needle(64), 200),
        (needle(65), 406),
        (format!("^{}", needle(65)), 406),
        (String::new(), 400),
        ("^".to_owned(), 400),
        ("*".to_owned(), 400),
    ] {
        assert_eq!(search(&pattern).status, status, "{pattern}");
    }
    for body in [json!({}), json!({ "descr": 7 }), json!({ "descr": b64("other"), "offset": -1 })] {
        assert_eq!(self::search(&scene, Some(&token), &body).status, 400, "{body}");
    }
    for (offset, limit, listed) in [(0, 1, 1), (1, 1, 1), (2, 5, 0), (0, 50, 2)] {
        let body = json!({ "descr": b64("CCTEST"), "offset": offset, "limit": limit });
        let found = self::search(&scene, Some(&token), &body).json();
        assert_eq!((&found["total"], &found["listed"]), (&json!(2), &json!(listed)), "{body}");
    }
    let nulls = json!({ "descr": b64("CCTEST"), "offset": null, "limit": null });
    assert_eq!(self::search(&scene, Some(&token), &nulls).json()["listed"], 2);
    assert_eq!(log.heads(), [""; 0], "searches leave no entries");
}

#[test]
fn anyone_may_search_for_a_long_beginning() {
    let scene = Scene::new();
    import_with(&scene, &[9, 0, 2], b"CCTEST:open");
    let body =
        |text: &str| json!({ "descr": format!("^{}", Base64::encode_string(text.as_bytes())) });
    let anonymous = |body: &Value| search(&scene, None, body);
    assert_eq!(anonymous(&body("CCTEST")).json()["total"], 1);
    assert_eq!(anonymous(&body("nobody")).json()["total"], 0);
    let mut log = scene.log();
    let bare = Base64::encode_string(b"CCTEST:open");
    for closed in [body("CCTES"), json!({ "descr": bare }), json!({ "descr": format!("{bare}$") })]
    {
        assert_eq!(anonymous(&closed).status, 401, "{closed}");
    }
    assert_eq!(anonymous(&json!({})).status, 401);
    let mut odd = body("CCTEST");
    odd["limit"] = json!("5");
    assert_eq!(anonymous(&odd).status, 400, "the body is at fault, not the caller");
    assert_eq!(log.heads(), [""; 0]);
    let (wrong, master) = (scene.user("keymgmt:gen"), scene.master("keymgmt:search"));
    log.news();
    for token in [&wrong, &master] {
        for asked in [json!({ "descr": bare }), body("CCTEST")] {
            assert_eq!(search(&scene, Some(token), &asked).status, 403, "{asked}");
        }
        assert_eq!(log.heads(), ["FAILED_SCOPE_CHECK FAILED"; 2]);
    }
    for scope in ["keymgmt:search", "keymgmt:list", "auth:ext:pair"] {
        let token = scene.user(scope);
        assert_eq!(search(&scene, Some(&token), &json!({ "descr": bare })).status, 200, "{scope}");
    }
}

fn import_with(scene: &Scene, seed: &[u8], descr: &[u8]) -> String {
    let body = json!({ "label": "x", "type": "MLDSA44", "pubkey": stretched(seed, 1312),
                       "descr": Base64::encode_string(descr) });
    scene.client.post("/api/keymgmt/import", &scene.user("keymgmt:imp"), &body).text("kid")
}

fn search(scene: &Scene, token: Option<&str>, body: &Value) -> Reply {
    scene.client.call("POST", "/api/keymgmt/search", token, Some(body))
}
