use std::sync::mpsc;
use std::time::Duration;

use tokio::task::yield_now;

use super::*;

#[tokio::test]
async fn a_hash_belongs_to_its_password_alone() {
    let hasher = Hasher::new(1);
    let hash = hasher.hash("correct horse".into()).await.unwrap();

    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let verify = async |password: &str, hash: &str| {
        let verified = hasher.verify(password.into(), Some(hash.into())).await;
        verified.unwrap()
    };
    assert!(verify("correct horse", &hash).await);
    assert!(!verify("correct horse ", &hash).await);
    assert!(!verify("correct horse", NOBODYS_HASH).await);
}

#[tokio::test]
async fn nobodys_hash_has_the_parameters_of_a_new_one() {
    let hasher = Hasher::new(1);
    let new = hasher.hash("password".into()).await.unwrap();

    let (new, nobodys) = (
        PasswordHash::new(&new).unwrap(),
        PasswordHash::new(NOBODYS_HASH).unwrap(),
    );
    assert_eq!(new.params, nobodys.params);
    assert_eq!(new.salt.unwrap().len(), nobodys.salt.unwrap().len());
    assert_eq!(new.hash.unwrap().len(), nobodys.hash.unwrap().len());
    assert!(!hasher.verify("password".into(), None).await.unwrap());
}

#[tokio::test]
async fn a_damaged_hash_is_an_error() {
    let verified = Hasher::new(1)
        .verify("password".into(), Some("no PHC string".into()))
        .await;
    assert!(matches!(verified, Err(HashError::Failed(_))));
}

/// Begins work that goes on until the sender is dropped or sends.
fn block(hasher: &Arc<Hasher>) -> (mpsc::Sender<()>, tokio::task::JoinHandle<bool>) {
    let (sender, receiver) = mpsc::channel();
    let hasher = Arc::clone(hasher);
    let task = tokio::spawn(async move {
        let work = move || {
            let _ = receiver.recv();
            Ok(())
        };
        hasher.run(work).await.is_ok()
    });
    (sender, task)
}

#[tokio::test]
async fn the_queue_is_bounded_and_those_who_leave_give_up_their_places() {
    let hasher = Arc::new(Hasher::new(1));
    let (running, first) = block(&hasher);
    yield_now().await;
    let waiting: Vec<_> = (0..QUEUE_PER_CPU).map(|_| block(&hasher)).collect();
    yield_now().await;
    assert!(matches!(hasher.run(|| Ok(())).await, Err(HashError::Busy)));

    for (_, task) in &waiting {
        task.abort();
    }
    yield_now().await;
    drop(running);
    assert!(first.await.unwrap());
    assert!(hasher.run(|| Ok(())).await.is_ok());
}

#[tokio::test]
async fn work_whose_caller_has_left_still_counts() {
    let hasher = Arc::new(Hasher::new(1));
    let (running, caller) = block(&hasher);
    yield_now().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());

    let soon = Duration::from_millis(50);
    let next = tokio::time::timeout(soon, hasher.run(|| Ok(()))).await;
    assert!(next.is_err(), "two at a time");
    drop(running);
    assert!(hasher.run(|| Ok(())).await.is_ok());
}
