//! Accessibility rules, checked by axe-core in the page itself.

use serde_json::Value;
use thirtyfour::WebDriver;

/// Run through WebDriver, which a page's content security policy does not bind.
const RUN: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
        .then((results) => done({ violations: results.violations }), (error) => done({ error: String(error) }));";

/// What axe finds wrong with the page: one line for each element, rule first.
pub(super) async fn violations(driver: &WebDriver) -> Vec<String> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/node_modules/axe-core/axe.min.js"
    );
    let axe = std::fs::read_to_string(path).expect("axe-core (`make tools` installs it)");
    driver.execute(axe, vec![]).await.unwrap();
    let answer = driver.execute_async(RUN, vec![]).await.unwrap();
    let answer = answer.json();
    assert!(answer["error"].is_null(), "{}", answer["error"]);

    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for violation in list(&answer["violations"]) {
        for node in list(&violation["nodes"]) {
            found.push(format!(
                "{} ({}): {} {}",
                violation["id"].as_str().unwrap_or_default(),
                violation["help"].as_str().unwrap_or_default(),
                node["target"],
                node["html"].as_str().unwrap_or_default(),
            ));
        }
    }
    found
}
