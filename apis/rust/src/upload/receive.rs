//! From the body of a request to a stored file.

use bytes::{Bytes, BytesMut};

use super::content::{Content, Provisional, Stored};
use super::disposition::{parse_disposition, trim_blanks};
use super::kind::{kind_of, PREFIX_BYTES};
use super::multipart::{Event, Malformed, Parser};
use super::name::safe_name;
use super::{Directory, MAX_FILE_BYTES};

/// A file whose content is stored. It is for the caller to keep it.
#[derive(Debug)]
pub struct Received {
    pub filename: String,
    pub content_type: &'static str,
    pub size: u64,
    pub sha256: String,
    pub content: Provisional,
}

/// Why an upload is refused. `E` is how reading the body may fail.
#[derive(Debug)]
pub enum Refusal<E> {
    Malformed,
    WrongType,
    TooLarge,
    Body(E),
    Disk(std::io::Error),
}

impl<E> From<Malformed> for Refusal<E> {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Where the octets of a body come from, piece by piece; `None` is the end.
pub trait Source {
    type Error;

    fn next(
        &mut self,
    ) -> impl std::future::Future<Output = Result<Option<Bytes>, Self::Error>> + Send;
}

/// Reads a body up to its closing delimiter and stores the content of the one part named `file`. The
/// first breach ends it, and leaves nothing behind.
pub async fn receive<S: Source>(
    source: S,
    boundary: &[u8],
    directory: &Directory,
) -> Result<Received, Refusal<S::Error>> {
    let mut events = Events {
        source,
        parser: Parser::new(boundary),
    };
    let mut received = None;
    loop {
        match events.next().await? {
            Event::Part(headers) => {
                let about = headers
                    .disposition
                    .and_then(|header| parse_disposition(&header))
                    .ok_or(Refusal::Malformed)?;
                if about.name != b"file" {
                    events.skip_content().await?;
                    continue;
                }
                if received.is_some() || about.filename.is_empty() {
                    return Err(Refusal::Malformed);
                }
                let declared = headers.content_type.as_deref();
                let (content_type, content) =
                    receive_content(&mut events, declared, directory).await?;
                received = Some((safe_name(&about.filename), content_type, content));
            }
            Event::End => break,
            Event::Content(_) | Event::PartEnd => unreachable!("the content was read to its end"),
        }
    }
    let (filename, content_type, content) = received.ok_or(Refusal::Malformed)?;
    let Stored {
        content,
        size,
        sha256,
    } = content.finish().await.map_err(Refusal::Disk)?;
    Ok(Received {
        filename,
        content_type,
        size,
        sha256,
        content,
    })
}

async fn receive_content<S: Source>(
    events: &mut Events<S>,
    declared: Option<&[u8]>,
    directory: &Directory,
) -> Result<(&'static str, Content), Refusal<S::Error>> {
    let mut pending = BytesMut::new();
    let mut at_end = false;
    while pending.len() < PREFIX_BYTES && !at_end {
        match events.content().await? {
            Some(octets) => pending.extend_from_slice(&octets),
            None => at_end = true,
        }
    }
    let content_type = kind_of(&pending).ok_or(Refusal::WrongType)?;
    if !declared.is_none_or(|declared| declares(declared, content_type)) {
        return Err(Refusal::WrongType);
    }
    let mut content = Content::new(directory);
    let mut piece = Some(pending.freeze());
    while let Some(octets) = piece {
        if content.size() + octets.len() as u64 > MAX_FILE_BYTES {
            return Err(Refusal::TooLarge);
        }
        content.append(&octets).await.map_err(Refusal::Disk)?;
        piece = if at_end {
            None
        } else {
            events.content().await?
        };
    }
    Ok((content_type, content))
}

/// Tells whether a part's own `Content-Type` agrees.
fn declares(declared: &[u8], content_type: &str) -> bool {
    let media_type = declared.split(|octet| *octet == b';').next();
    trim_blanks(media_type.unwrap_or_default()).eq_ignore_ascii_case(content_type.as_bytes())
}

struct Events<S> {
    source: S,
    parser: Parser,
}

impl<S: Source> Events<S> {
    async fn next(&mut self) -> Result<Event, Refusal<S::Error>> {
        loop {
            if let Some(event) = self.parser.next_event()? {
                return Ok(event);
            }
            match self.source.next().await.map_err(Refusal::Body)? {
                Some(octets) => self.parser.feed(&octets),
                None => self.parser.finish(),
            }
        }
    }

    /// Returns more of the content of a part, or `None` where it ends.
    async fn content(&mut self) -> Result<Option<Bytes>, Refusal<S::Error>> {
        match self.next().await? {
            Event::Content(octets) => Ok(Some(octets)),
            _ => Ok(None),
        }
    }

    async fn skip_content(&mut self) -> Result<(), Refusal<S::Error>> {
        while self.content().await?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests;
