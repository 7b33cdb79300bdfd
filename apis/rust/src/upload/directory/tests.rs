use std::io::{Read as _, Write as _};

use super::*;

#[test]
fn content_is_found_under_its_name_and_of_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::open(folder.path()).unwrap();
    let (name, mut file) = directory.create().unwrap();
    file.write_all(b"content").unwrap();
    assert_eq!(name.len(), 32);
    assert!(name
        .bytes()
        .all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f')));
    let mut content = String::new();
    directory
        .read(&name, 7)
        .unwrap()
        .read_to_string(&mut content)
        .unwrap();
    assert_eq!(content, "content");
    assert!(directory.read(&name, 8).is_err());
    directory.remove(&name).unwrap();
    assert!(directory.read(&name, 7).is_err());
}

#[test]
fn a_directory_is_left_as_it_was_and_must_be_one() {
    let folder = tempfile::tempdir().unwrap();
    Directory::open(folder.path()).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(Directory::open(&folder.path().join("missing")).is_err());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Directory::open(&file).is_err());
}
