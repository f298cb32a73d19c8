//! Accepts HTTP/1 connections with the limits a server on an open port needs.

mod connection;

use std::collections::HashMap;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep_until};

use crate::error::BoxError;
use connection::Connection;

/// What a peer may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long it may take to send the head of a request, idle time between requests included.
    pub(crate) head_timeout: Duration,
    /// How long it may read nothing of an answer that waits for it.
    pub(crate) write_timeout: Duration,
    /// How long a request may take, from its head until the next one's, its body and its answer included.
    pub(crate) request_timeout: Duration,
    /// How many connections are open at once; more wait to be accepted.
    pub(crate) connections: usize,
    /// How many of them one address may have; more are closed at once.
    pub(crate) connections_per_address: usize,
    /// Longest head of a request, in bytes.
    pub(crate) head_bytes: usize,
}

/// How long requests under way may finish after `stop`.
const DRAIN: Duration = Duration::from_secs(10);

/// What an address with too many connections is sent before one more is closed.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Serves until `stop` resolves, then lets requests under way finish.
///
/// Connections from an address in `proxies` are not counted: a proxy brings many people.
pub(crate) async fn serve<M, S, B>(
    listener: TcpListener,
    limits: Limits,
    proxies: &[IpAddr],
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
    let addresses = Addresses::default();
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
        let address = peer.ip().to_canonical();
        let most = if proxies.contains(&address) {
            usize::MAX
        } else {
            limits.connections_per_address
        };
        let Some(place) = addresses.take(address, most) else {
            refuse(stream);
            continue;
        };
        let (began, mut begun) = watch::channel(Instant::now() + limits.request_timeout);
        let service = Timed {
            service: service_for(peer),
            began,
            limit: limits.request_timeout,
        };
        let stream = Connection::new(stream, limits.write_timeout);
        let connection = open.watch(server.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            tokio::select! {
                // A peer that hangs up or times out is no event worth a line.
                _ = connection => {}
                () = overdue(&mut begun) => {}
            }
            drop((slot, place));
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, open.shutdown()).await;
}

/// Says so, where that takes no waiting, and hangs up.
fn refuse(stream: TcpStream) {
    let Ok(mut stream) = stream.into_std() else {
        return;
    };
    let _ = stream.write(TOO_MANY);
    // What was sent and not read would have the system drop the answer.
    let _ = stream.read(&mut [0; 4_096]);
}

/// Resolves when the time of the last request is over.
async fn overdue(deadline: &mut watch::Receiver<Instant>) {
    loop {
        let until = *deadline.borrow_and_update();
        tokio::select! {
            () = sleep_until(until) => return,
            changed = deadline.changed() => if changed.is_err() {
                // No request can begin any more; the last one's time still counts.
                return sleep_until(until).await;
            },
        }
    }
}

/// A service that notes when each request must be over.
struct Timed<S> {
    service: S,
    began: watch::Sender<Instant>,
    limit: Duration,
}

impl<S: Service<R>, R> Service<R> for Timed<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, request: R) -> Self::Future {
        self.began.send_replace(Instant::now() + self.limit);
        self.service.call(request)
    }
}

/// How many connections each address has open.
#[derive(Debug, Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of an address, until it is dropped.
struct Place {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    /// Counts one more connection from `address`, unless it has `most` already.
    fn take(&self, address: IpAddr, most: usize) -> Option<Place> {
        let address = network(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place {
            addresses: self.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self
            .addresses
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// The network of one subscriber: an IPv4 address, or the first 64 bits of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
    }
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
        write_timeout: Duration::from_millis(200),
        request_timeout: Duration::from_secs(5),
        connections: 2,
        connections_per_address: 2,
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
            serve(listener, LIMITS, &[], service_for, stopped).await;
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

    /// A server whose every answer is `bytes` long.
    async fn start_answering(
        bytes: usize,
        limits: Limits,
        proxies: &'static [IpAddr],
    ) -> (SocketAddr, oneshot::Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let body = bytes::Bytes::from(vec![b'a'; bytes]);
        tokio::spawn(async move {
            let service_for = move |_| {
                let body = body.clone();
                service_fn(move |_| {
                    let body = http_body_util::Full::new(body.clone());
                    async move { Ok::<_, Infallible>(Response::new(body)) }
                })
            };
            let stopped = async {
                let _ = stopped.await;
            };
            serve(listener, limits, proxies, service_for, stopped).await;
        });
        (address, stop)
    }

    const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    const LAST: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

    #[tokio::test(flavor = "multi_thread")]
    async fn two_hundred_that_never_read_keep_nobody_from_being_served() {
        let limits = Limits {
            head_timeout: Duration::from_secs(60),
            connections: 100,
            connections_per_address: usize::MAX,
            ..LIMITS
        };
        let (address, _stop) = start_answering(16 * 1024 * 1024, limits, &[]).await;
        let mut silent = Vec::new();
        for _ in 0..200 {
            silent.push(connect(address, &GET.repeat(20)).await);
        }

        // One who reads waits for those before: twice a hundred, and for each the write time-out.
        let begun = std::time::Instant::now();
        let answered = read(connect(address, LAST).await).await;

        assert_eq!(answered.lines().next(), Some("HTTP/1.1 200 OK"));
        assert!(begun.elapsed() < Duration::from_secs(20));
        drop(silent);
    }

    #[tokio::test]
    async fn an_answer_that_trickles_ends_with_the_time_of_its_request() {
        let limits = Limits {
            write_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_millis(300),
            ..LIMITS
        };
        let (address, _stop) = start_answering(64 * 1024 * 1024, limits, &[]).await;
        let mut slow = connect(address, GET).await;
        let mut received = 0;
        let mut bytes = [0; 1024];

        loop {
            match slow.read(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(read) => received += read,
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }

        assert!(received < 64 * 1024 * 1024, "{received}");
    }

    #[tokio::test]
    async fn an_address_has_so_many_connections_and_a_proxy_more() {
        const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        let limits = Limits {
            connections: 8,
            head_timeout: Duration::from_secs(60),
            ..LIMITS
        };
        for (proxies, status) in [(&[][..], "HTTP/1.1 503"), (&[LOOPBACK][..], "HTTP/1.1 200")] {
            let (address, _stop) = start_answering(4, limits, proxies).await;
            let first = connect(address, "").await;
            let _second = connect(address, "").await;

            let third = read(connect(address, LAST).await).await;
            assert!(third.starts_with(status), "{third}");

            drop(first);
            loop {
                let answer = read(connect(address, LAST).await).await;
                if answer.starts_with("HTTP/1.1 200") {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    }

    #[test]
    fn an_ipv6_subscriber_is_its_first_64_bits() {
        let addresses = Addresses::default();
        let at = |text: &str| text.parse::<IpAddr>().unwrap().to_canonical();

        let _one = addresses.take(at("2001:db8::1"), 1).unwrap();
        assert!(addresses.take(at("2001:db8::2"), 1).is_none());
        assert!(addresses.take(at("2001:db8:0:1::1"), 1).is_some());
        let four = addresses.take(at("192.0.2.1"), 1).unwrap();
        assert!(addresses.take(at("::ffff:192.0.2.1"), 1).is_none());
        drop(four);
        assert!(addresses.take(at("192.0.2.1"), 1).is_some());
    }

    #[tokio::test]
    async fn a_line_of_a_head_ends_with_both_characters() {
        let limits = Limits {
            connections: 16,
            connections_per_address: 16,
            ..LIMITS
        };
        let (address, _stop) = start_answering(4, limits, &[]).await;
        let status = async |sent: &str| {
            let answer = read(connect(address, sent).await).await;
            answer.lines().next().unwrap_or_default().to_owned()
        };

        for sent in [
            "GET / HTTP/1.1\nhost: a\r\nconnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\nconnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\n",
            "GET / HTTP/1.1\r\nhost: a\r\nx: b\n c\r\nconnection: close\r\n\r\n",
        ] {
            assert_eq!(status(sent).await, "HTTP/1.1 400 Bad Request", "{sent:?}");
        }
        let post = "POST / HTTP/1.1\r\nhost: a\r\nContent-Length: 4\r\n\r\na\nb\n";
        let both = read(connect(address, &format!("{post}{LAST}")).await).await;
        assert_eq!(both.matches("HTTP/1.1 200 OK").count(), 2, "{both}");
    }
}
