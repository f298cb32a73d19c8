//! The address people open: the API under `/api/`, the published site everywhere else.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::middleware;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};

use crate::gateway::Gateway;
use crate::listen::{self, Limits};
use crate::objects::Objects;
use crate::{headers, site};

/// Of connections; those of one address come with [`Crowd`].
const LIMITS: Limits = Limits {
    head_timeout: Duration::from_secs(15),
    write_timeout: Duration::from_secs(15),
    // The largest files of a site, over a phone's line.
    request_timeout: Duration::from_secs(300),
    connections: 1_024,
    connections_per_address: 1_024,
    head_bytes: 32 * 1024,
};

/// Below this a compressed body saves less than its headers cost.
const COMPRESS_FROM: u16 = 512;

/// How many people an address may bring.
#[derive(Debug, Clone)]
pub struct Crowd {
    /// Connections that one address may have open.
    pub connections_per_address: usize,
    /// Addresses that this does not hold for.
    pub proxies: Vec<IpAddr>,
}

#[derive(Clone)]
struct Shared {
    objects: Objects,
    gateway: Gateway,
}

/// Serves until `stop` resolves, then lets requests under way finish.
pub async fn serve(
    listener: TcpListener,
    crowd: Crowd,
    objects: Objects,
    gateway: Gateway,
    stop: impl Future<Output = ()>,
) {
    let router = router(objects, gateway);
    let service_for = |peer: SocketAddr| {
        let router = TowerToHyperService::new(router.clone());
        service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            router.call(request)
        })
    };
    let limits = Limits {
        connections_per_address: crowd.connections_per_address,
        ..LIMITS
    };
    listen::serve(listener, limits, &crowd.proxies, service_for, stop).await;
}

fn router(objects: Objects, gateway: Gateway) -> Router {
    let compression = CompressionLayer::new()
        .quality(CompressionLevel::Precise(6))
        .compress_when(SizeAbove::new(COMPRESS_FROM).and(compressible));
    Router::new()
        .fallback(answer)
        .layer(compression)
        .layer(middleware::map_response(headers::secure))
        .with_state(Shared { objects, gateway })
}

async fn answer(
    State(shared): State<Shared>,
    Extension(peer): Extension<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    // With one way only to tell where a body ends, a proxy in front cannot read it differently. Browsers send a length.
    if request.headers().contains_key(TRANSFER_ENCODING) {
        return length_required();
    }
    if request.uri().path().starts_with("/api/") {
        shared.gateway.answer(request, peer).await
    } else {
        let (parts, _) = request.into_parts();
        site::answer(&shared.objects, &parts).await
    }
}

fn length_required() -> Response<Body> {
    let mut response = Response::new(Body::from("411 Length Required\n"));
    *response.status_mut() = StatusCode::LENGTH_REQUIRED;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Text that may be kept; what may not be stored can hold a secret beside words of the caller, which compression leaks.
fn compressible(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let text = |name| {
        let value = headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    };
    let media_type = text(CONTENT_TYPE).split(';').next().unwrap_or("").trim();
    !text(CACHE_CONTROL).contains("no-store")
        && (media_type.starts_with("text/")
            || media_type.ends_with("+json")
            || media_type.ends_with("+xml")
            || matches!(
                media_type,
                "application/json" | "application/javascript" | "application/xml"
            ))
}
