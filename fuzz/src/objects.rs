//! A bucket in memory behind the SDK's client: whole objects, written and read back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::Uri;

const ABSENT: &str = "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>";

/// Objects by the path they are asked for with; the same for all clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Objects {
    /// A client whose line leads here.
    pub(crate) fn client(&self) -> Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("fuzz"))
            .credentials_provider(Credentials::new("fuzz", "fuzz", None, None, "fuzz"))
            .endpoint_url("http://s3.fuzz")
            .force_path_style(true)
            .http_client(self.clone())
            .build();
        Client::from_conf(config)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpClient for Objects {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Objects {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri: Uri = request.uri().parse().expect("the SDK writes addresses");
        let key = uri.path().to_owned();
        let (status, body) = match request.method() {
            "PUT" => {
                let bytes = request.body().bytes().expect("objects are written whole");
                self.lock().insert(key, bytes.to_vec());
                (200, SdkBody::empty())
            }
            "GET" => match self.lock().get(&key) {
                Some(bytes) => (200, SdkBody::from(bytes.clone())),
                None => (404, SdkBody::from(ABSENT)),
            },
            // A file of dossiers or voids is deleted once it is taken in. One thread has these objects to itself.
            "DELETE" => {
                self.lock().remove(&key);
                (204, SdkBody::empty())
            }
            method => panic!("the product never sends {method}"),
        };
        let status = status.try_into().expect("a status of HTTP");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}
