//! The SDK's way to tables behind a Unix socket.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::error::BoxError;

/// Longest path the system takes for a socket, the zero at its end included; the shortest limit among Unix systems.
const LONGEST_PATH: usize = 104;

/// An HTTP client of the SDK whose every request goes to one Unix socket.
#[derive(Debug, Clone)]
pub struct Socket {
    path: PathBuf,
}

impl Socket {
    /// Requests go to the socket at `path`.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, BoxError> {
        let request = request.try_into_http1x()?;
        let (mut parts, body) = request.into_parts();
        // HTTP/1 wants the path alone in its first line.
        parts.uri = parts
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .parse()?;
        let body = body.bytes().ok_or("the request is a stream")?;
        let body = Full::new(Bytes::copy_from_slice(body));
        let (path, _folder) = short_path(&self.path)?;
        let stream = UnixStream::connect(path).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let response = sender
            .send_request(http::Request::from_parts(parts, body))
            .await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        drop(sender);
        let _ = connection.await;
        let response = http::Response::from_parts(parts, SdkBody::from(body));
        Ok(HttpResponse::try_from(response)?)
    }
}

impl HttpConnector for Socket {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.clone().answer(request);
        HttpConnectorFuture::new(async { answer.await.map_err(ConnectorError::io) })
    }
}

impl HttpClient for Socket {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// A path of the same file that is short enough for a socket, and the folder that must stay open while it is used.
///
/// A longer one goes through the open folder's number in `/proc`, where there is one.
pub(super) fn short_path(path: &Path) -> std::io::Result<(PathBuf, Option<File>)> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok((path.to_owned(), None));
    };
    if path.as_os_str().len() < LONGEST_PATH {
        return Ok((path.to_owned(), None));
    }
    let folder = File::open(folder)?;
    let short = Path::new("/proc/self/fd")
        .join(folder.as_raw_fd().to_string())
        .join(name);
    Ok((short, Some(folder)))
}
