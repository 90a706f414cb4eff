//! A connection that lets the client go on at once, and through which nothing comes any more when the node's link is cut.
//!
//! The engine's clients leave Nagle's algorithm on: the last few bytes of an append wait until those before are acknowledged,
//! and a system acknowledges only after 40 ms what it has nothing else to say about. Here it acknowledges at once.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::fault::Faults;

pub(crate) struct Prompt {
    connection: TcpStream,
    faults: Arc<Faults>,
    link: u32,
}

impl Prompt {
    pub(crate) fn new(connection: TcpStream, faults: Arc<Faults>) -> Self {
        // Small answers leave at once.
        drop(connection.set_nodelay(true));
        Self {
            connection,
            link: faults.link(),
            faults,
        }
    }

    /// Nobody is woken who waits for a link that was cut: it stays so for this connection.
    fn is_cut(&self) -> bool {
        !self.faults.is_through(self.link)
    }
}

impl Connected for Prompt {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.connection.connect_info()
    }
}

impl AsyncRead for Prompt {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buf.filled().len();
        let read = Pin::new(&mut self.connection).poll_read(cx, buf);
        if self.is_cut() {
            buf.set_filled(filled);
            return Poll::Pending;
        }
        // The system forgets that it was asked for this.
        self.connection.set_quickack(true)?;
        read
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_cut() {
            return Poll::Pending;
        }
        Pin::new(&mut self.connection).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_cut() {
            return Poll::Pending;
        }
        Pin::new(&mut self.connection).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}
