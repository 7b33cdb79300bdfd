use super::*;

fn names(fields: &[&'static str]) -> bool {
    let mut headers = HeaderMap::new();
    for field in fields {
        headers.append(IF_NONE_MATCH, HeaderValue::from_static(field));
    }
    is_known(&headers, b"\"1-2\"")
}

#[test]
fn if_none_match_is_a_list_of_tags_or_a_star() {
    for fields in [
        &["\"1-2\""][..],
        &["W/\"1-2\""],
        &["*"],
        &[" *\t"],
        &["\"x\", \"1-2\"\t, y"],
        &["\"x\"", "\"1-2\""],
        &["a,b,c,\"1-2\""],
    ] {
        assert!(names(fields), "{fields:?}");
    }
    for fields in [
        &[][..],
        &[""],
        &["1-2"],
        &["\"1-20\""],
        &["w/\"1-2\""],
        &["W/W/\"1-2\""],
        &["*", "*"],
        &["*,x"],
        &["\"x\" \"1-2\""],
    ] {
        assert!(!names(fields), "{fields:?}");
    }
}
