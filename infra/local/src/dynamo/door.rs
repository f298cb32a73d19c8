//! Ways into the embedded DynamoDB for other processes of this machine.
//!
//! A Unix socket that only the owner of the data directory can open, and, where it is asked for, a loopback port. A web
//! page in a browser of this machine can reach a loopback port too, so the port answers only requests that are signed
//! with the key in `engines.env`, name the port itself as their host, and come from no web page.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::ShortCut;
use super::socket::short_path;
use crate::error::BoxError;
use crate::listen::{self, Limits};
use crate::s3::Credentials;

/// Largest request DynamoDB takes.
const MAX_REQUEST: usize = 16 * 1024 * 1024;
/// How far the time in a signature may be from ours.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(15);

const LIMITS: Limits = Limits {
    // Longer than the SDK keeps an idle connection, so that it is the SDK that closes it.
    head_timeout: Duration::from_secs(300),
    write_timeout: Duration::from_secs(30),
    request_timeout: Duration::from_secs(300),
    connections: 256,
    connections_per_address: 256,
    head_bytes: 64 * 1024,
};

/// An open way to the tables.
pub struct Door {
    /// Where the SDK finds it: `http://127.0.0.1:PORT`, or the path of the socket.
    pub endpoint: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Door {
    /// Serves `tables` on a Unix socket at `path`, which only the user of this process can open.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn on_socket(tables: ShortCut, path: &Path) -> Result<Self, BoxError> {
        let listener = bind_private(path)?;
        let (stop, mut stopped) = oneshot::channel();
        let path = path.to_owned();
        let endpoint = path.display().to_string();
        let task = tokio::spawn(async move {
            loop {
                let stream = tokio::select! {
                    _ = &mut stopped => break,
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => stream,
                        Err(error) => {
                            tracing::warn!(cause = %error, "cannot accept a connection to the tables");
                            tokio::time::sleep(Duration::from_millis(100)).await;
                            continue;
                        }
                    },
                };
                let tables = tables.clone();
                let service = service_fn(move |request| answer(tables.clone(), None, request));
                tokio::spawn(async move {
                    let mut server = http1::Builder::new();
                    server.timer(TokioTimer::new());
                    // A caller that hangs up is no event worth a line.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
            let _ = std::fs::remove_file(path);
        });
        Ok(Self {
            endpoint,
            stop,
            task,
        })
    }

    /// Serves `tables` on a loopback port, 0 for a free one, to requests signed with `credentials`.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn on_port(
        tables: ShortCut,
        port: u16,
        credentials: &Credentials,
    ) -> Result<Self, BoxError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        let guard = Arc::new(Guard {
            hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
            credentials: credentials.clone(),
        });
        let service_for = move |_: SocketAddr| {
            let (tables, guard) = (tables.clone(), Arc::clone(&guard));
            service_fn(move |request| answer(tables.clone(), Some(Arc::clone(&guard)), request))
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            listen::serve(listener, LIMITS, &[], service_for, stopped).await;
        });
        Ok(Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            stop,
            task,
        })
    }

    /// Takes no more connections.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Makes the socket anew, readable and writable for this user alone from its first moment on.
///
/// It is made under another name and moved into place: a mode set after binding would leave a moment in between.
fn bind_private(path: &Path) -> std::io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;

    let fresh: PathBuf = path.with_extension("new");
    for old in [path, &fresh] {
        match std::fs::remove_file(old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let (short, _folder) = short_path(&fresh)?;
    let listener = UnixListener::bind(short)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&fresh, path)?;
    Ok(listener)
}

/// What a request through the port must show.
struct Guard {
    hosts: [String; 2],
    credentials: Credentials,
}

impl Guard {
    /// Whether a request may be read at all: it comes from no web page, and means this port.
    fn admits(&self, parts: &Parts) -> bool {
        let host = text(parts, HOST.as_str());
        !parts.headers.contains_key(ORIGIN)
            && host.is_some_and(|host| self.hosts.iter().any(|ours| ours == host))
    }

    /// Whether the request is signed with our key (AWS Signature Version 4); `None` where it has no signature that can
    /// be checked.
    fn is_signed(&self, parts: &Parts, body: &[u8], now: Timestamp) -> Option<bool> {
        let authorization = text(parts, AUTHORIZATION.as_str())?;
        let fields: HashMap<&str, &str> = authorization
            .strip_prefix("AWS4-HMAC-SHA256 ")?
            .split(',')
            .filter_map(|field| field.trim().split_once('='))
            .collect();
        let mut credential = fields.get("Credential")?.split('/');
        let (key, _day, region, service) = (
            credential.next()?,
            credential.next()?,
            credential.next()?,
            credential.next()?,
        );
        let signed: Vec<&str> = fields.get("SignedHeaders")?.split(';').collect();
        let covers_what_counts = ["host", "x-amz-date", "x-amz-target"]
            .iter()
            .all(|name| signed.contains(name));
        let date = text(parts, "x-amz-date")?;
        let time = DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
        let time = Offset::UTC.to_timestamp(time).ok()?;
        let is_fresh = now.duration_since(time).abs() <= CLOCK_DIFFERENCE;
        if key != self.credentials.access_key || !covers_what_counts || !is_fresh {
            return Some(false);
        }
        let mut headers = Vec::new();
        // The date is added by who signs.
        for name in signed.into_iter().filter(|name| *name != "x-amz-date") {
            headers.push((name, text(parts, name)?));
        }
        let identity = self.credentials.of_sdk().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(SystemTime::from(time))
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        let request = SignableRequest::new(
            parts.method.as_str(),
            parts.uri.path(),
            headers.into_iter(),
            SignableBody::Bytes(body),
        )
        .ok()?;
        let expected = sign(request, &params).ok()?;
        let shown = fields.get("Signature")?.as_bytes();
        Some(expected.signature().as_bytes().ct_eq(shown).into())
    }
}

/// The one value of a header, where it is text.
fn text<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let mut values = parts.headers.get_all(name).into_iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()
}

async fn answer(
    tables: ShortCut,
    guard: Option<Arc<Guard>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    if guard.as_ref().is_some_and(|guard| !guard.admits(&parts)) {
        return Ok(refusal(StatusCode::FORBIDDEN, "AccessDeniedException"));
    }
    if parts.method != Method::POST || parts.uri.path() != "/" {
        return Ok(refusal(StatusCode::NOT_FOUND, "UnknownOperationException"));
    }
    let Ok(body) = Limited::new(body, MAX_REQUEST).collect().await else {
        return Ok(refusal(StatusCode::BAD_REQUEST, "SerializationException"));
    };
    let body = body.to_bytes();
    if let Some(guard) = guard
        && guard.is_signed(&parts, &body, Timestamp::now()) != Some(true)
    {
        return Ok(refusal(StatusCode::FORBIDDEN, "AccessDeniedException"));
    }
    let target = text(&parts, "x-amz-target").unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let (status, reply) = tables.perform(operation, &body).await;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok(response(status, reply))
}

fn refusal(status: StatusCode, kind: &str) -> Response<Full<Bytes>> {
    let kind = format!("com.amazon.coral.service#{kind}");
    let message = "The embedded tables do not answer this request.";
    response(
        status,
        json!({ "__type": kind, "message": message }).to_string(),
    )
}

fn response(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: u16 = 4711;

    fn guard() -> Guard {
        Guard {
            hosts: [format!("127.0.0.1:{PORT}"), format!("localhost:{PORT}")],
            credentials: Credentials {
                access_key: "LOCALAAAA".to_owned(),
                secret_key: "not a secret".to_owned(),
            },
        }
    }

    /// The head of a request for `body`, signed at `time` with `secret`.
    fn signed(body: &[u8], time: Timestamp, secret: &str) -> Parts {
        let host = format!("127.0.0.1:{PORT}");
        let headers = [
            ("host", host.as_str()),
            ("x-amz-target", "DynamoDB_20120810.DeleteItem"),
        ];
        let credentials = Credentials {
            secret_key: secret.to_owned(),
            ..guard().credentials
        };
        let identity = credentials.of_sdk().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region("local")
            .name("dynamodb")
            .time(SystemTime::from(time))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let request =
            SignableRequest::new("POST", "/", headers.into_iter(), SignableBody::Bytes(body));
        let (instructions, _) = sign(request.unwrap(), &params).unwrap().into_parts();
        let mut request = Request::post("/");
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn is_signed(parts: &Parts, body: &[u8], now: Timestamp) -> bool {
        guard().is_signed(parts, body, now) == Some(true)
    }

    #[test]
    fn only_the_key_of_this_start_signs_for_a_while() {
        let now = Timestamp::from_second(1_795_219_200).unwrap();
        let minutes = SignedDuration::from_mins;
        let ours = signed(b"{}", now, "not a secret");
        let mut of_another_target = ours.clone();
        of_another_target.headers.insert(
            "x-amz-target",
            HeaderValue::from_static("DynamoDB_20120810.PutItem"),
        );
        let mut unsigned = ours.clone();
        unsigned.headers.remove(AUTHORIZATION);
        let mut made_up = ours.clone();
        made_up.headers.insert(
            AUTHORIZATION,
            HeaderValue::from_static(
                "AWS4-HMAC-SHA256 Credential=none/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=00",
            ),
        );

        assert!(is_signed(&ours, b"{}", now));
        assert!(is_signed(&ours, b"{}", now + minutes(14)));
        assert!(!is_signed(&ours, b"{}", now + minutes(16)));
        assert!(!is_signed(&ours, b"{ }", now));
        assert!(!is_signed(&signed(b"{}", now, "another"), b"{}", now));
        for other in [of_another_target, unsigned, made_up] {
            assert!(!is_signed(&other, b"{}", now), "{:?}", other.headers);
        }
    }

    #[test]
    fn a_web_page_and_another_name_for_this_machine_are_refused() {
        let now = Timestamp::from_second(1_795_219_200).unwrap();
        let ours = signed(b"{}", now, "not a secret");
        let with = |name: &'static str, value: &str| {
            let mut parts = ours.clone();
            parts.headers.insert(name, value.parse().unwrap());
            parts
        };

        assert!(guard().admits(&ours));
        assert!(guard().admits(&with("host", "localhost:4711")));
        assert!(!guard().admits(&with("origin", "http://evil.example")));
        assert!(!guard().admits(&with("origin", "null")));
        for host in ["evil.example:4711", "127.0.0.1", "127.0.0.1:80", ""] {
            assert!(!guard().admits(&with("host", host)), "{host}");
        }
    }
}
