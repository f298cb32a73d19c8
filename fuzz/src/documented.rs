//! What `docs/openapi.json` lets each address answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

/// Statuses by path, of all its methods.
static STATUSES: LazyLock<BTreeMap<String, BTreeSet<u64>>> = LazyLock::new(|| {
    let document: Value =
        serde_json::from_str(&thuocdo::openapi::document()).expect("the document is JSON");
    let paths = document["paths"]
        .as_object()
        .expect("the document has paths");
    let statuses = |item: &Value| {
        let operations = item.as_object().into_iter().flat_map(|item| item.values());
        let responses = operations.filter_map(|operation| operation["responses"].as_object());
        responses
            .flat_map(|responses| responses.keys())
            .filter_map(|status| status.parse().ok())
            .collect()
    };
    paths
        .iter()
        .map(|(path, item)| (path.clone(), statuses(item)))
        .collect()
});

/// Whether the document says that `path` may answer `status`; elsewhere only 404 and, for no event at all, 400.
pub(crate) fn allows(path: &str, status: u64) -> bool {
    match STATUSES.get(path) {
        Some(statuses) => statuses.contains(&status),
        None => [400, 404, 405].contains(&status),
    }
}
