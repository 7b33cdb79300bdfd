use super::*;

#[test]
fn it_begins_once_and_then_again_when_it_is_over() {
    let cooldown = Cooldown::new(Duration::from_millis(50));
    assert!(!cooldown.is_active());

    assert!(cooldown.begin());
    assert!(!cooldown.begin());
    assert!(cooldown.is_active());

    std::thread::sleep(Duration::from_millis(60));
    assert!(!cooldown.is_active());
    assert!(cooldown.begin());
}
