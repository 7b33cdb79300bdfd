use std::borrow::Cow;
use std::error::Error;

use sqlx::error::ErrorKind;

use super::*;

/// An error as PostgreSQL reports it.
#[derive(Debug)]
struct Reported {
    code: &'static str,
    constraint: Option<&'static str>,
}

impl fmt::Display for Reported {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("reported")
    }
}

impl Error for Reported {}

impl DatabaseError for Reported {
    fn message(&self) -> &str {
        "reported"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.code))
    }

    fn constraint(&self) -> Option<&str> {
        self.constraint
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }
}

fn reported(code: &'static str, constraint: Option<&'static str>) -> sqlx::Error {
    sqlx::Error::Database(Box::new(Reported { code, constraint }))
}

#[test]
fn constraints_name_what_is_taken() {
    let translate = |code, constraint| StoreError::from(reported(code, constraint));
    assert!(matches!(
        translate("23505", Some("users_username_key")),
        StoreError::UsernameTaken
    ));
    assert!(matches!(
        translate("23505", Some("users_email_key")),
        StoreError::EmailTaken
    ));
    assert!(matches!(
        translate("23503", Some("posts_author_id_fkey")),
        StoreError::NoSuchUser
    ));
    assert!(matches!(
        translate("23505", Some("posts_pkey")),
        StoreError::Unexpected(_)
    ));
    assert!(matches!(
        translate("22P02", None),
        StoreError::Unexpected(_)
    ));
}

#[test]
fn outages_are_told_from_faults_and_end_a_connection() {
    for code in ["57P01", "57P02", "57P03", "53300", "08006"] {
        let error = reported(code, None);
        assert!(!leaves_connection_usable(&error), "{code}");
        assert!(
            matches!(StoreError::from(error), StoreError::Unavailable(_)),
            "{code}"
        );
    }
    for code in ["57014", "53200", "42P01", "23505"] {
        let error = reported(code, None);
        assert!(leaves_connection_usable(&error), "{code}");
        assert!(
            !matches!(StoreError::from(error), StoreError::Unavailable(_)),
            "{code}"
        );
    }
    let ended = sqlx::Error::Io(std::io::ErrorKind::UnexpectedEof.into());
    assert!(!leaves_connection_usable(&ended));
    assert!(matches!(
        StoreError::from(ended),
        StoreError::Unavailable(_)
    ));
}
