//! A parser of multipart bodies (RFC 2046, section 5.1) that is fed octets and yields events.
//!
//! It does no I/O, holds no more than a part's headers or a delimiter's length of content, and gives
//! the same events however the body is cut into pieces.

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memmem;

/// How long the headers of a part may be, and the blanks behind a delimiter.
const MAX_HEADER_BYTES: usize = 16 << 10;

/// The body isn't made of parts up to a closing delimiter.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Part(PartHeaders),
    /// More of the part's content; never empty.
    Content(Bytes),
    /// The part's content ends.
    PartEnd,
    /// The closing delimiter was read. Nothing comes behind it.
    End,
}

/// The headers of a part that count; of a repeated one the first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PartHeaders {
    pub disposition: Option<Vec<u8>>,
    pub content_type: Option<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    /// Behind a delimiter line.
    Headers,
    /// Where the delimiter's own line break may be that of the headers.
    ContentStart,
    Content,
    /// Behind a delimiter whose line isn't one.
    Broken,
    End,
}

pub struct Parser {
    /// CRLF, two hyphens, the boundary.
    delimiter: memmem::Finder<'static>,
    buffer: BytesMut,
    state: State,
    /// No more octets will be fed.
    finished: bool,
}

/// What follows the octets of a delimiter.
enum Tail {
    /// Other text: the octets were none.
    Other,
    /// A part, behind so many octets.
    Part(usize),
    /// The end of the body.
    Close,
    /// Too little is there to tell.
    Unknown,
    /// A delimiter whose line isn't one.
    Malformed,
}

impl Parser {
    pub fn new(boundary: &[u8]) -> Self {
        let delimiter = [&b"\r\n--"[..], boundary].concat();
        // The first delimiter may be the first line: as if a line break were in front of the body.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Self {
            delimiter: memmem::Finder::new(&delimiter).into_owned(),
            buffer,
            state: State::Preamble,
            finished: false,
        }
    }

    /// Adds the next octets of the body.
    pub fn feed(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// Tells that the body has ended.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Returns the next event, or `None` where it takes more octets to tell.
    pub fn next_event(&mut self) -> Result<Option<Event>, Malformed> {
        let event = match self.state {
            State::Preamble => self.skip_preamble()?,
            State::Headers => self.read_headers()?,
            State::ContentStart => self.start_content()?,
            State::Content => self.read_content()?,
            State::Broken => return Err(Malformed),
            State::End => Some(Event::End),
        };
        if event.is_none() && self.finished {
            return Err(Malformed);
        }
        Ok(event)
    }

    fn skip_preamble(&mut self) -> Result<Option<Event>, Malformed> {
        loop {
            let Some(start) = self.delimiter.find(&self.buffer) else {
                self.buffer.advance(self.undecided_from());
                return Ok(None);
            };
            self.buffer.advance(start);
            match self.tail(self.delimiter.needle().len()) {
                // A line that only begins like a delimiter is a line of the preamble.
                Tail::Other | Tail::Malformed => self.buffer.advance(1),
                Tail::Unknown => return Ok(None),
                Tail::Close => {
                    self.state = State::End;
                    return Ok(Some(Event::End));
                }
                Tail::Part(length) => {
                    self.buffer.advance(length);
                    self.state = State::Headers;
                    return self.read_headers();
                }
            }
        }
    }

    fn read_headers(&mut self) -> Result<Option<Event>, Malformed> {
        let length = if self.buffer.starts_with(b"\r\n") {
            0
        } else {
            match memmem::find(&self.buffer, b"\r\n\r\n") {
                Some(end) => end + 2,
                None if self.buffer.len() > MAX_HEADER_BYTES => return Err(Malformed),
                None => return Ok(None),
            }
        };
        if length > MAX_HEADER_BYTES {
            return Err(Malformed);
        }
        let headers = parse_headers(&self.buffer[..length])?;
        self.buffer.advance(length + 2);
        self.state = State::ContentStart;
        Ok(Some(Event::Part(headers)))
    }

    fn start_content(&mut self) -> Result<Option<Event>, Malformed> {
        let dashes = &self.delimiter.needle()[2..];
        if self.buffer.len() < dashes.len() && dashes.starts_with(&self.buffer) && !self.finished {
            return Ok(None);
        }
        if self.buffer.starts_with(dashes) {
            match self.tail(dashes.len()) {
                Tail::Other => {}
                Tail::Unknown => return Ok(None),
                tail => return Ok(Some(self.end_part(tail))),
            }
        }
        self.state = State::Content;
        self.read_content()
    }

    fn read_content(&mut self) -> Result<Option<Event>, Malformed> {
        let mut from = 0;
        let end = loop {
            let Some(found) = self.delimiter.find(&self.buffer[from..]) else {
                break self.undecided_from();
            };
            let start = from + found;
            match self.tail(start + self.delimiter.needle().len()) {
                Tail::Other => from = start + 1,
                tail if start == 0 && !matches!(tail, Tail::Unknown) => {
                    return Ok(Some(self.end_part(tail)));
                }
                _ => break start,
            }
        };
        if end == 0 {
            return Ok(None);
        }
        Ok(Some(Event::Content(self.buffer.split_to(end).freeze())))
    }

    /// Ends a part at a delimiter, whatever is behind it: what is known of the part comes first.
    fn end_part(&mut self, tail: Tail) -> Event {
        match tail {
            Tail::Part(length) => {
                self.buffer.advance(length);
                self.state = State::Headers;
            }
            Tail::Close => self.state = State::End,
            _ => self.state = State::Broken,
        }
        Event::PartEnd
    }

    /// Where a delimiter might have begun of which the rest isn't there yet. All before it is content,
    /// and is told at once: it may be what the body is refused for.
    fn undecided_from(&self) -> usize {
        let needle = self.delimiter.needle();
        let earliest = (self.buffer.len() + 1).saturating_sub(needle.len());
        (earliest..self.buffer.len())
            .find(|start| needle.starts_with(&self.buffer[*start..]))
            .unwrap_or(self.buffer.len())
    }

    /// Tells what follows a delimiter that ends at `end`; lengths count from the buffer's begin.
    fn tail(&self, end: usize) -> Tail {
        let rest = &self.buffer[end..];
        let (closes, line) = match rest {
            [b' ' | b'\t' | b'\r' | b'\n', ..] => (false, rest),
            [b'-', b'-', line @ ..] => (true, line),
            [] | [b'-'] if self.finished => return Tail::Malformed,
            [] | [b'-'] => return Tail::Unknown,
            _ => return Tail::Other,
        };
        let blanks = line
            .iter()
            .take_while(|octet| matches!(octet, b' ' | b'\t'))
            .count();
        match &line[blanks..] {
            [b'\r', b'\n', ..] if closes => Tail::Close,
            [b'\r', b'\n', ..] => Tail::Part(end + blanks + 2),
            [] if closes && self.finished => Tail::Close,
            [] | [b'\r'] if !self.finished && blanks <= MAX_HEADER_BYTES => Tail::Unknown,
            _ => Tail::Malformed,
        }
    }
}

/// Reads header lines, each of which ends in CRLF.
fn parse_headers(block: &[u8]) -> Result<PartHeaders, Malformed> {
    let mut headers = PartHeaders::default();
    for (name, value) in unfold(block)? {
        let kept = if name.eq_ignore_ascii_case(b"content-disposition") {
            &mut headers.disposition
        } else if name.eq_ignore_ascii_case(b"content-type") {
            &mut headers.content_type
        } else {
            continue;
        };
        kept.get_or_insert(value);
    }
    Ok(headers)
}

/// A name and a value.
type Field<'b> = (&'b [u8], Vec<u8>);

/// Splits a block into fields. A line that begins with a blank goes on with the one above.
fn unfold(block: &[u8]) -> Result<Vec<Field<'_>>, Malformed> {
    let mut fields: Vec<Field<'_>> = Vec::new();
    let mut rest = block;
    while let Some(end) = memmem::find(rest, b"\r\n") {
        let (line, behind) = (&rest[..end], &rest[end + 2..]);
        rest = behind;
        if line
            .iter()
            .any(|octet| octet.is_ascii_control() && *octet != b'\t')
        {
            return Err(Malformed);
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            let (_, value) = fields.last_mut().ok_or(Malformed)?;
            value.push(b' ');
            value.extend_from_slice(line.trim_ascii());
            continue;
        }
        let colon = line
            .iter()
            .position(|octet| *octet == b':')
            .ok_or(Malformed)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return Err(Malformed);
        }
        fields.push((name, value.trim_ascii().to_vec()));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests;
