//! The address people open: the API under `/api/`, the published site everywhere else.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::middleware;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Extensions, HeaderMap, Request, Response, StatusCode, Version};
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

const LIMITS: Limits = Limits {
    head_timeout: Duration::from_secs(15),
    connections: 1_024,
    head_bytes: 32 * 1024,
};

/// Below this a compressed body saves less than its headers cost.
const COMPRESS_FROM: u16 = 512;

#[derive(Clone)]
struct Shared {
    objects: Objects,
    gateway: Gateway,
}

/// Serves until `stop` resolves, then lets requests under way finish.
pub async fn serve(
    listener: TcpListener,
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
    listen::serve(listener, LIMITS, service_for, stop).await;
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
    if request.uri().path().starts_with("/api/") {
        shared.gateway.answer(request, peer).await
    } else {
        let (parts, _) = request.into_parts();
        site::answer(&shared.objects, &parts).await
    }
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
