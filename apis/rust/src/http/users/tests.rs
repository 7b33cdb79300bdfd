use serde_json::{json, Value};

use super::*;

/// Returns the names of the fields that are wrong.
fn wrong_fields(changes: Value) -> Vec<String> {
    let mut user = json!({
        "username": "anna_7", "email": "anna.b+c_d-e@mail.example.org", "password": "12345678",
    });
    for (name, value) in changes.as_object().unwrap() {
        user[name] = value.clone();
    }
    let user: Registration = serde_json::from_value(user).unwrap();
    let report = user.validate().err();
    report
        .iter()
        .flat_map(|report| report.iter())
        .map(|(path, _)| path.to_string())
        .collect()
}

#[test]
fn what_is_within_bounds_is_accepted() {
    let longest = format!("a@{}.org", "b".repeat(254 - 6));
    let right = [
        json!({}),
        json!({"username": "abc", "password": "1".repeat(72)}),
        json!({"username": "a".repeat(32), "email": longest}),
        json!({"password": "äöüß", "more": 1}),
    ];
    for changes in right {
        assert_eq!(wrong_fields(changes.clone()), [""; 0], "{changes}");
    }
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    for username in [
        "",
        "ab",
        &"a".repeat(33),
        "Anna",
        "an na",
        "ann\u{e4}",
        "anna\n",
    ] {
        assert_eq!(wrong_fields(json!({ "username": username })), ["username"]);
    }
    let too_long = format!("a@{}.org", "b".repeat(254 - 5));
    for email in [
        "",
        "anna",
        "@b.org",
        "a@",
        "a@b@c",
        "a b@c.org",
        "a\0@b.org",
        &too_long,
    ] {
        assert_eq!(wrong_fields(json!({ "email": email })), ["email"]);
    }
    for password in ["", "1234567", &"1".repeat(73), &"ä".repeat(37), "1234567\0"] {
        assert_eq!(wrong_fields(json!({ "password": password })), ["password"]);
    }
}

#[test]
fn what_is_missing_is_named_together() {
    let user: Registration = serde_json::from_value(json!({})).unwrap();
    let report = user.validate().unwrap_err();
    for field in ["username", "email", "password"] {
        assert!(report.iter().any(|(path, _)| path.to_string() == field));
    }
}
