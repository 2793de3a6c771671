//! A TCP connection that can be cut, or go silent without being closed.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// What can be done to a connection from outside.
#[derive(Debug)]
pub(crate) struct Line {
    /// Cancelled to drop the connection.
    pub(crate) cut: CancellationToken,
    frozen: AtomicBool,
    /// The stream of a frozen line whose task has ended: kept, since dropping it would close the connection.
    kept: Mutex<Option<TcpStream>>,
    /// Cancelled when the WebSocket that this connection became is over.
    upgraded: Mutex<Option<CancellationToken>>,
}

impl Line {
    pub(crate) fn new(cut: CancellationToken) -> Self {
        Self {
            cut,
            frozen: AtomicBool::new(false),
            kept: Mutex::default(),
            upgraded: Mutex::default(),
        }
    }

    /// From now on no byte comes or goes, and the connection stays open.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::SeqCst)
    }

    /// The connection becomes a WebSocket; the token is to be cancelled when that ends.
    pub(crate) fn upgrade(&self) -> CancellationToken {
        let over = CancellationToken::new();
        *self.upgraded.lock().unwrap_or_else(PoisonError::into_inner) = Some(over.clone());
        over
    }

    /// Waits for the end of the WebSocket, if there is one, or for the cut.
    pub(crate) async fn upgraded_over(&self) {
        let over = self
            .upgraded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(over) = over {
            tokio::select! {
                () = over.cancelled() => {}
                () = self.cut.cancelled() => {}
            }
        }
        if self.is_frozen() {
            self.cut.cancelled().await;
        }
    }
}

/// The bytes of a connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Option<TcpStream>,
    line: Arc<Line>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, line: Arc<Line>) -> Self {
        Self {
            stream: Some(stream),
            line,
        }
    }

    /// The stream, unless the line is frozen.
    fn stream(&mut self) -> Option<Pin<&mut TcpStream>> {
        if self.line.is_frozen() {
            None
        } else {
            self.stream.as_mut().map(Pin::new)
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.is_frozen() {
            *self
                .line
                .kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = self.stream.take();
        }
    }
}

// A frozen line is pending for ever: only the cut, which its task watches beside it, ends it.
impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let filled = into.filled().len();
        let Some(stream) = self.stream() else {
            return Poll::Pending;
        };
        let read = stream.poll_read(task, into);
        // Bytes that came in while the line froze are lost.
        if self.line.is_frozen() {
            into.set_filled(filled);
            return Poll::Pending;
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.stream()
            .map_or(Poll::Pending, |stream| stream.poll_write(task, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.stream()
            .map_or(Poll::Pending, |stream| stream.poll_flush(task))
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.stream()
            .map_or(Poll::Pending, |stream| stream.poll_shutdown(task))
    }
}
