//! A connection whose peer must read what it asked for, and must end the lines of a head with CR and LF.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// What `S` carries, with these rules.
pub(super) struct Connection<S> {
    stream: S,
    write_timeout: Duration,
    /// Ends when nothing was read by the peer for too long; none while all was.
    stalled: Option<Pin<Box<Sleep>>>,
    reader: Reader,
}

impl<S> Connection<S> {
    pub(super) fn new(stream: S, write_timeout: Duration) -> Self {
        Self {
            stream,
            write_timeout,
            stalled: None,
            reader: Reader::default(),
        }
    }

    /// The outcome of a write; an error when it has been waiting for too long.
    fn timed<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let limit = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stalled.as_mut().poll(context));
        stalled.as_mut().reset(Instant::now() + limit);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let known = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.reader.see(&mut buffer.filled_mut()[known..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.timed(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.timed(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.timed(context, outcome)
    }
}

/// Follows the heads among the bytes a peer sends.
///
/// hyper takes an LF alone for the end of a line, which a proxy in front may read differently. A head's LF without a CR
/// before it is handed on as a NUL, which hyper refuses with 400. Bodies are told from heads by `Content-Length`; a
/// request with `Transfer-Encoding` is not followed further, because the server refuses it and closes the connection.
#[derive(Debug)]
enum Reader {
    Head {
        /// The line so far, cut after [`LONGEST_LINE`].
        line: Vec<u8>,
        length: u64,
        is_first: bool,
    },
    Body {
        left: u64,
    },
    Lost,
}

/// More than the lines that are looked at have.
const LONGEST_LINE: usize = 64;

impl Default for Reader {
    fn default() -> Self {
        Self::Head {
            line: Vec::new(),
            length: 0,
            is_first: true,
        }
    }
}

impl Reader {
    fn see(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            match self {
                Self::Lost => return,
                Self::Body { left } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX);
                    let here = here.min(bytes.len() - at);
                    at += here;
                    *left -= here as u64;
                    if *left == 0 {
                        *self = Self::default();
                    }
                }
                Self::Head { line, .. } => {
                    let byte = &mut bytes[at];
                    at += 1;
                    if *byte != b'\n' {
                        // The last character is kept whatever the length: it may be the CR.
                        if line.len() == LONGEST_LINE {
                            line.pop();
                        }
                        line.push(*byte);
                    } else if line.last() == Some(&b'\r') {
                        self.end_line();
                    } else {
                        *byte = 0;
                        *self = Self::Lost;
                    }
                }
            }
        }
    }

    fn end_line(&mut self) {
        let Self::Head {
            line,
            length,
            is_first,
        } = self
        else {
            return;
        };
        line.pop();
        if line.is_empty() {
            // Empty lines before a request are passed over.
            if !*is_first {
                *self = match length {
                    0 => Self::default(),
                    length => Self::Body { left: *length },
                };
            }
            return;
        }
        *is_first = false;
        if let Some(value) = value_of(line, b"content-length:") {
            // What is no number is refused by hyper.
            *length = value.trim_ascii().iter().fold(0, |number: u64, digit| {
                let digit = u64::from(digit.wrapping_sub(b'0'));
                number.saturating_mul(10).saturating_add(digit)
            });
        } else if value_of(line, b"transfer-encoding:").is_some() {
            *self = Self::Lost;
            return;
        }
        line.clear();
    }
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What hyper gets to see of `sent`, when it comes in pieces of `size`.
    fn seen(sent: &str, size: usize) -> String {
        let mut reader = Reader::default();
        let mut bytes = sent.as_bytes().to_vec();
        for piece in bytes.chunks_mut(size) {
            reader.see(piece);
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_bare_line_feed_of_a_head_is_spoilt_and_one_of_a_body_is_not() {
        let long = "a".repeat(300);
        let body = "POST / HTTP/1.1\r\nCONTENT-LENGTH: 5\r\n\r\na\nb\n\n";
        let get = format!("\r\nGET / HTTP/1.1\r\nx: {long}\r\n\r\n");
        let sound = format!("{body}{get}{body}{get}");
        let spoilt = format!("{body}GET / HTTP/1.1\r\nx: {long}\nhost: a\r\n\r\n");

        for size in [1, 2, 7, 4096] {
            assert_eq!(seen(&sound, size), sound);
            assert_eq!(
                seen(&spoilt, size),
                spoilt.replacen(&format!("{long}\n"), &format!("{long}\0"), 1)
            );
        }
    }
}
