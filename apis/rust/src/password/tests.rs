use super::*;

/// Made by argon2-cffi from the password "correct horse battery".
const FOREIGN: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$69I7qCjDTsQwhQqFvpQJiqEI0lGQvxC84fXE0Ktxca4";

#[tokio::test]
async fn a_hash_has_the_form_of_the_contract_and_verifies() {
    let hasher = Hasher::new(1);
    let stored = hasher.hash("pässword 1".to_owned()).await.unwrap();
    let fields: Vec<&str> = stored.split('$').collect();
    assert_eq!(
        fields[..4],
        ["", "argon2id", "v=19", "m=19456,t=2,p=1"],
        "{stored}"
    );
    assert_eq!((fields[4].len(), fields[5].len()), (22, 43), "{stored}");
    assert!(hasher
        .verify(&stored, "pässword 1".to_owned())
        .await
        .unwrap());
    assert!(!hasher
        .verify(&stored, "pässword 2".to_owned())
        .await
        .unwrap());
    let again = hasher.hash("pässword 1".to_owned()).await.unwrap();
    assert_ne!(stored, again, "the salt is random");
}

#[tokio::test]
async fn a_hash_of_another_library_verifies() {
    let hasher = Hasher::new(1);
    let right = "correct horse battery".to_owned();
    assert!(hasher.verify(FOREIGN, right).await.unwrap());
    assert!(!hasher
        .verify(FOREIGN, "wrong horse".to_owned())
        .await
        .unwrap());
}

#[tokio::test]
async fn the_decoy_is_a_hash_like_any_other() {
    Hasher::new(1)
        .verify_decoy("whatever".to_owned())
        .await
        .unwrap();
    let decoy = PasswordHash::new(DECOY).unwrap();
    let real = PasswordHash::new(FOREIGN).unwrap();
    assert_eq!(decoy.params, real.params);
    assert_eq!(decoy.hash.unwrap().len(), KEY_BYTES);
}

#[tokio::test]
async fn a_damaged_hash_is_an_error() {
    let hasher = Hasher::new(1);
    for stored in [
        "".to_owned(),
        "plain".to_owned(),
        FOREIGN.replace("argon2id", "argon2i"),
        FOREIGN.replace("v=19", "v=16"),
        FOREIGN.replace("v=19$", ""),
        FOREIGN.replace("m=19456", "m=1048577"),
        FOREIGN.replace("t=2", "t=65"),
        FOREIGN.replace("p=1", "p=17"),
        FOREIGN.replace("m=19456", "m=1"),
        FOREIGN.rsplit_once('$').unwrap().0.to_owned(),
        format!("{FOREIGN}="),
    ] {
        assert!(
            hasher.verify(&stored, "x".to_owned()).await.is_err(),
            "{stored}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn hashes_wait_for_a_slot_and_leave_the_thread_free() {
    let hasher = Arc::new(Hasher::new(1));
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move { hasher.hash("password".to_owned()).await.unwrap() })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(hasher.slots.available_permits(), 0);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(hasher.slots.available_permits(), 1);
    assert_eq!(
        hasher.workspaces.0.lock().unwrap().len(),
        1,
        "one workspace for one slot"
    );
}
