use serde_json::{json, Value};

use super::*;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_800_000_000;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW as u64)
}

fn claims() -> Value {
    json!({
        "sub": "7", "name": "ada_1", "iat": NOW, "exp": NOW + 60,
        "iss": "fairground", "aud": "fairground-api",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn signed(header: &str, payload: &str) -> String {
    let signed = format!(
        "{}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(header),
        BASE64_URL_SAFE_NO_PAD.encode(payload)
    );
    let key = EncodingKey::from_secret(SECRET);
    let signature = crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{signed}.{signature}")
}

fn verify(token: &str) -> Option<Caller> {
    Authority::new(SECRET).verify(token, now())
}

fn verify_claims(payload: &str) -> Option<Caller> {
    verify(&signed(r#"{"alg":"HS256"}"#, payload))
}

#[test]
fn an_issued_token_has_the_claims_of_the_contract() {
    let token = Authority::new(SECRET).issue(7, "ada_1", now()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(decode(parts[0]).unwrap(), r#"{"alg":"HS256","typ":"JWT"}"#);
    assert_eq!(
        decode(parts[1]).unwrap(),
        r#"{"sub":"7","name":"ada_1","iat":1800000000,"exp":1800003600,"iss":"fairground","aud":"fairground-api"}"#
    );
    let caller = verify(&token).unwrap();
    assert_eq!((caller.id, caller.name.as_str()), (7, "ada_1"));
}

#[test]
fn a_known_token_verifies() {
    // Made by another library, from the same secret and claims.
    let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
        eyJzdWIiOiI3IiwibmFtZSI6ImFkYV8xIiwiaWF0IjoxODAwMDAwMDAwLCJleHAiOjE4MDAwMDM2MDAsImlzcyI6ImZhaXJncm91bmQiLCJhdWQiOiJmYWlyZ3JvdW5kLWFwaSJ9.\
        ZWUFOpVOkUe6uL-882zsqMHfi_G5dldH1s9s_ulPfAk";
    assert!(verify(token).is_some());
}

#[test]
fn only_hs256_in_a_header_that_is_an_object_is_taken() {
    let payload = claims().to_string();
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"typ":5,"kid":{},"jwk":[],"alg":"HS256"}"#,
    ] {
        assert!(verify(&signed(header, &payload)).is_some(), "{header}");
    }
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"Alg":"HS256"}"#,
        r#"{"typ":"JWT"}"#,
        r#"["HS256"]"#,
        r#""HS256""#,
        "",
    ] {
        assert!(verify(&signed(header, &payload)).is_none(), "{header}");
    }
}

#[test]
fn a_changed_or_misshapen_token_is_refused() {
    let token = Authority::new(SECRET).issue(7, "ada_1", now()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let last = match signature.as_bytes()[signature.len() - 1] {
        b'A'..=b'Y' | b'a'..=b'y' | b'0'..=b'8' => {
            (signature.as_bytes()[signature.len() - 1] + 1) as char
        }
        other => (other - 1) as char,
    };
    for bad in [
        String::new(),
        "..".to_owned(),
        signed.to_owned(),
        format!("{signed}."),
        format!("{token}."),
        format!("{token}="),
        format!("{token}.{signature}"),
        format!("{header}.{payload}x.{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("{signed}.{}{last}", &signature[..signature.len() - 1]),
        format!("{signed}.{}", &signature[..signature.len() - 1]),
    ] {
        assert_eq!(verify(&bad), None, "{bad}");
    }
    let other = Authority::new(b"another secret of thirty-two oct");
    assert_eq!(other.verify(&token, now()), None);
}

#[test]
fn parts_are_canonical_base64url() {
    for part in ["YQ==", "YR", "Y+", "Y/", "Y Q", "YQ\n"] {
        assert_eq!(decode(part), None, "{part:?}");
    }
    assert_eq!(decode("YQ").as_deref(), Some("a"));
}

#[test]
fn claims_are_there_and_right() {
    for (name, value) in [
        ("aud", json!(["another", "fairground-api"])),
        ("iat", json!(NOW + 600)),
        ("iat", json!(-1)),
        ("nbf", json!(NOW)),
        ("nbf", Value::Null),
        ("roles", json!({"admin": [true]})),
    ] {
        let payload = with(name, value).to_string();
        assert!(verify_claims(&payload).is_some(), "{payload}");
    }
    for (name, value) in [
        ("sub", json!(7)),
        ("sub", json!("07")),
        ("sub", json!("9223372036854775808")),
        ("name", json!("Ada")),
        ("name", json!(5)),
        ("iat", json!("1800000000")),
        ("iat", json!(1.5)),
        ("exp", json!(NOW)),
        ("exp", json!(true)),
        ("exp", json!(9_223_372_036_854_775_808_u64)),
        ("iss", json!("Fairground")),
        ("iss", json!(["fairground"])),
        ("aud", json!("fairground")),
        ("aud", json!([])),
        ("aud", json!(["fairground-api", 5])),
        ("nbf", json!(NOW + 1)),
        ("nbf", json!("x")),
        ("nbf", json!(1.0)),
    ] {
        let payload = with(name, value).to_string();
        assert!(verify_claims(&payload).is_none(), "{payload}");
    }
    for name in ["sub", "name", "iat", "exp", "iss", "aud"] {
        let mut without = claims();
        without.as_object_mut().unwrap().remove(name);
        assert!(verify_claims(&without.to_string()).is_none(), "no {name}");
        assert!(
            verify_claims(&with(name, Value::Null).to_string()).is_none(),
            "{name} null"
        );
    }
    let exponent = claims().to_string().replace("1800000060", "18000001e2");
    assert!(verify_claims(&exponent).is_none());
    for payload in ["", "[]", "not json", "{}", r#"["7","ada_1",1,2,"a","b"]"#] {
        assert!(verify_claims(payload).is_none(), "{payload}");
    }
}
