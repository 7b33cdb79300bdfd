use serde_json::{json, Value};

use super::*;

#[test]
fn every_problem_is_a_document_of_its_status() {
    for (problem, code) in all() {
        let document: Value = serde_json::from_slice(&problem.body).unwrap();
        assert_eq!(problem.status, code);
        assert_eq!(document["status"], json!(code), "{document}");
        assert_eq!(document["type"], "about:blank");
        assert_eq!(document.as_object().unwrap().len(), 4, "{document}");
        let title = match code {
            // RFC 9110 renamed these; the http crate has the older names.
            413 => "Content Too Large",
            code => StatusCode::from_u16(code)
                .unwrap()
                .canonical_reason()
                .unwrap(),
        };
        assert_eq!(document["title"], title);
    }
    assert_eq!(
        BAD_LOGIN.body,
        r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The email or the password is wrong."}"#
    );
}

#[test]
fn invalid_fields_are_listed() {
    let problem = invalid(&[
        FieldError {
            field: "title",
            message: "is required",
        },
        FieldError {
            field: "body",
            message: "must not contain U+0000",
        },
    ])
    .unwrap();
    assert_eq!(problem.status, 422);
    assert_eq!(
        problem.body,
        concat!(
            r#"{"type":"about:blank","title":"Unprocessable Content","status":422,"#,
            r#""detail":"One or more fields are not valid.","errors":["#,
            r#"{"field":"title","message":"is required"},"#,
            r#"{"field":"body","message":"must not contain U+0000"}]}"#,
        )
    );
}
