use serde_json::{json, Value};

use super::*;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

fn signed(algorithm: Algorithm, secret: &[u8], changes: Value) -> String {
    let now = get_current_timestamp();
    let mut claims = json!({
        "sub": "7", "name": "anna", "iat": now, "exp": now + 60,
        "iss": "fairground", "aud": "fairground-api",
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    let key = EncodingKey::from_secret(secret);
    jsonwebtoken::encode(&Header::new(algorithm), &claims, &key).unwrap()
}

fn anna() -> Option<AuthUser> {
    Some(AuthUser {
        id: 7,
        name: "anna".into(),
    })
}

#[test]
fn what_is_issued_is_verified() {
    let tokens = Tokens::new(SECRET);
    let token = tokens.issue(7, "anna").unwrap();
    assert_eq!(tokens.verify(&token), anna());
    assert_eq!(
        Tokens::new(b"another secret of 32 bytes or so").verify(&token),
        None
    );
}

#[test]
fn tokens_of_others_are_verified() {
    let tokens = Tokens::new(SECRET);
    let more = [
        json!({}),
        json!({"aud": ["other", "fairground-api"]}),
        json!({"nbf": 9_999_999_999_u64, "jti": "a", "role": {"deep": [[[]]]}}),
        json!({"nbf": "later", "jti": 7}),
        json!({"iat": null}),
    ];
    for claims in more {
        let token = signed(Algorithm::HS256, SECRET, claims.clone());
        assert_eq!(tokens.verify(&token), anna(), "{claims}");
    }
}

#[test]
fn other_tokens_are_refused() {
    let tokens = Tokens::new(SECRET);
    let now = get_current_timestamp();
    let wrong = [
        json!({"exp": now}),
        json!({"exp": 0}),
        json!({"exp": null}),
        json!({"iss": "other"}),
        json!({"iss": null}),
        json!({"aud": "other"}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"sub": "0"}),
        json!({"sub": "anna"}),
        json!({"sub": 7}),
        json!({"name": null}),
    ];
    for claims in wrong {
        let token = signed(Algorithm::HS256, SECRET, claims.clone());
        assert_eq!(tokens.verify(&token), None, "{claims}");
    }
    assert_eq!(
        tokens.verify(&signed(Algorithm::HS384, SECRET, json!({}))),
        None
    );
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwibmFtZSI6ImFubmEifQ.";
    assert_eq!(tokens.verify(unsigned), None);
    assert_eq!(tokens.verify(""), None);
}
