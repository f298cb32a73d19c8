//! Accepts HTTP/1 connections with the limits a server on an open port needs.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::error::BoxError;

/// What a peer may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long it may take to send the head of a request, idle time between requests included.
    pub(crate) head_timeout: Duration,
    /// How many connections are open at once; more wait to be accepted.
    pub(crate) connections: usize,
    /// Longest head of a request, in bytes.
    pub(crate) head_bytes: usize,
}

/// How long requests under way may finish after `stop`.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until `stop` resolves, then lets requests under way finish.
pub(crate) async fn serve<M, S, B>(
    listener: TcpListener,
    limits: Limits,
    service_for: M,
    stop: impl Future<Output = ()>,
) where
    M: Fn(SocketAddr) -> S,
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_bytes);
    let slots = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let slot = tokio::select! {
            () = &mut stop => break,
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: connections that end give some back.
                    tracing::warn!(cause = %error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let connection = server.serve_connection(TokioIo::new(stream), service_for(peer));
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // A peer that hangs up or times out is no event worth a line.
            let _ = connection.await;
            drop(slot);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, open.shutdown()).await;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper::service::service_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::{Notify, oneshot};

    use super::*;

    const LIMITS: Limits = Limits {
        head_timeout: Duration::from_millis(100),
        connections: 2,
        head_bytes: 8 * 1024,
    };

    /// A server that answers when told to, and what stops it.
    async fn start(answer: Arc<Notify>) -> (SocketAddr, oneshot::Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(async move {
            let service_for = |_| {
                let answer = Arc::clone(&answer);
                service_fn(move |_| {
                    let answer = Arc::clone(&answer);
                    async move {
                        answer.notified().await;
                        Ok::<_, Infallible>(Response::new("done".to_owned()))
                    }
                })
            };
            let stopped = async {
                let _ = stopped.await;
            };
            serve(listener, LIMITS, service_for, stopped).await;
        });
        (address, stop)
    }

    async fn connect(address: SocketAddr, sent: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        stream
    }

    async fn read(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text).await;
        text
    }

    #[tokio::test]
    async fn who_dawdles_over_a_request_makes_room_for_others() {
        let answer = Arc::new(Notify::new());
        let (address, _stop) = start(Arc::clone(&answer)).await;

        let dawdlers = [
            connect(address, "GET / HTTP/1.1\r\nhost").await,
            connect(address, "").await,
        ];
        let honest = connect(
            address,
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        )
        .await;
        answer.notify_one();
        let answered = read(honest).await;

        assert!(answered.ends_with("done"), "{answered}");
        for dawdler in dawdlers {
            assert!(!read(dawdler).await.contains("200"));
        }
    }

    #[tokio::test]
    async fn a_request_under_way_is_finished_and_no_other_is_taken() {
        let answer = Arc::new(Notify::new());
        let (address, stop) = start(Arc::clone(&answer)).await;
        let under_way = connect(address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        while Arc::strong_count(&answer) < 4 {
            tokio::task::yield_now().await;
        }

        stop.send(()).unwrap();
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        answer.notify_one();

        assert!(read(under_way).await.ends_with("done"));
    }
}
