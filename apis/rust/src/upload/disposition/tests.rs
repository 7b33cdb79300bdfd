use proptest::prelude::*;

use super::*;

fn parsed(header: &str) -> Option<(String, String)> {
    parse_disposition(header.as_bytes()).map(|disposition| {
        let text = |octets| String::from_utf8(octets).unwrap();
        (text(disposition.name), text(disposition.filename))
    })
}

#[test]
fn parameters_are_read_as_they_are_written() {
    for (header, name, filename) in [
        ("form-data", "", ""),
        ("FORM-Data; Name=file; FileName=a.png", "file", "a.png"),
        (
            "form-data;name=\"file\";filename=\"a;b.png\"",
            "file",
            "a;b.png",
        ),
        (
            r#"form-data; name="a\"b"; filename="C:\\x\\y""#,
            "a\"b",
            r"C:\x\y",
        ),
        ("form-data\t ; \tname=file \t; filename=x\t ", "file", "x"),
        (
            "form-data; name=a; name=b; filename=c; filename=d",
            "a",
            "c",
        ),
        ("form-data; name=; filename=\"\"", "", ""),
        ("form-data; filename*=UTF-8''x; name=file", "file", ""),
        ("form-data; name=%66; filename=\"%2e\"", "%66", "%2e"),
        ("form-data; name=a\"b; filename=é", "a\"b", "é"),
        (" form-data ; name=file", "file", ""),
    ] {
        let expected = Some((name.to_owned(), filename.to_owned()));
        assert_eq!(parsed(header), expected, "{header}");
    }
}

#[test]
fn other_forms_are_refused() {
    for header in [
        "",
        "attachment; name=file",
        "form-data name=file",
        "form-data;",
        "form-data; ",
        "form-data; name",
        "form-data; =x",
        "form-data; name =x",
        "form-data; \"name\"=x",
        "form-data; name=\"x",
        "form-data; name=\"x\\",
        "form-data; name=\"x\"y",
        "form-data; name=a b",
        "form-data; name=x;",
        "form-data;; name=x",
    ] {
        assert_eq!(parsed(header), None, "{header}");
    }
}

proptest! {
    #[test]
    fn quoting_is_undone(name in "[^\r\n]{0,20}", filename in "[^\r\n]{0,20}") {
        let quote = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"");
        let header = format!("form-data; name=\"{}\"; filename=\"{}\"", quote(&name), quote(&filename));
        prop_assert_eq!(parsed(&header), Some((name, filename)));
    }

    #[test]
    fn any_header_is_read_without_a_panic(header in r#"(form-data)?[ ;="\\a-c\t]{0,30}"#) {
        let _ = parsed(&header);
    }
}
