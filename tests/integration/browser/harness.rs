//! The harness on small pages of its own: it must see what is wrong, or a passing scenario says nothing.

use axum::Router;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Html;
use axum::routing::{get, post};

use super::{Size, visit, visit_without_scripts};

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                   form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const FORM: &str = r#"<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>Biểu mẫu</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><script src="/page.js" type="module"></script></head>
<body><main><h1>Đánh giá</h1><p><a href="/khac/"><span>Chọn đơn vị</span> khác</a></p>
<form method="post" action="/api/ratings">
<p><label for="code">Mã biên nhận</label> <input id="code" name="receipt_code" autocomplete="off"></p>
<p><label for="field">Lĩnh vực giao dịch</label> <select id="field" name="field_id"><option>Đất đai</option><option>Hộ tịch</option></select></p>
<fieldset><legend>Ông/Bà có hài lòng không?</legend>
<p><input type="radio" id="yes" name="satisfaction" value="satisfied"> <label for="yes">Hài lòng</label></p>
<p><input type="radio" id="no" name="satisfaction" value="not_satisfied"> <label for="no">Chưa hài lòng</label></p></fieldset>
<p><button>Gửi đánh giá</button></p></form></main></body></html>"#;

const FAULTY: &str = r#"<!doctype html><html><head><title>Lỗi</title></head><body><main><h1>Lỗi</h1><input></main></body></html>"#;

const INLINE: &str = r#"<!doctype html><html lang="vi"><head><title>Kịch bản</title></head>
<body><main><h1>Kịch bản</h1></main><script>document.title = 'chạy'</script></body></html>"#;

const WIDE: &str = r#"<!doctype html><html lang="vi"><head><title>Rộng</title><meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/wide.css"></head><body><main><h1>Rộng</h1><p>Rộng</p></main></body></html>"#;

/// Serves the pages above under a strict policy; answers the address.
async fn site() -> String {
    let page = |html: &'static str| {
        get(move || async move { ([(CONTENT_SECURITY_POLICY, CSP)], Html(html)) })
    };
    let posted = |headers: HeaderMap, body: String| async move {
        assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
        let html = format!(
            "<!doctype html><html lang=vi><title>Cảm ơn</title><main><h1>Đã lưu</h1><p>{body}</p></main>"
        );
        ([(CONTENT_SECURITY_POLICY, CSP)], Html(html))
    };
    let script = "document.querySelector('h1').append(' có kịch bản');";
    let router = Router::new()
        .route("/", page(FORM))
        .route("/loi/", page(FAULTY))
        .route("/kich-ban/", page(INLINE))
        .route("/rong/", page(WIDE))
        .route(
            "/wide.css",
            get(|| async { ([("content-type", "text/css")], "p { width: 3000px }") }),
        )
        .route(
            "/page.js",
            get(move || async move { ([("content-type", "text/javascript")], script) }),
        )
        .route("/api/ratings", post(posted))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn a_form_is_filled_in_by_the_words_on_it() {
    let site = site().await;

    for size in Size::ALL {
        visit("harness-form", &site, size, async move |browser| {
            browser.open("/").await;
            browser.see("Đánh giá có kịch bản").await;
            browser.fill("Mã biên nhận", "H17-1").await;
            browser.select("Lĩnh vực giao dịch", "Hộ tịch").await;
            browser.choose_in("hài lòng không", "Chưa hài lòng").await;
            browser.assert_accessible().await;
            browser.click("Gửi đánh giá").await;
            browser.see("Đã lưu").await;
            browser.see("receipt_code=H17-1").await;
            browser.see("satisfaction=not_satisfied").await;
            assert_eq!(browser.path().await, "/api/ratings");
        })
        .await;
    }
}

#[tokio::test]
async fn a_form_is_filled_in_by_keyboard_alone() {
    let site = site().await;

    visit(
        "harness-keyboard",
        &site,
        Size::Desktop,
        async move |browser| {
            browser.open("/").await;
            browser.tab_to("Mã biên nhận").await;
            browser.press("H17-2").await;
            browser.tab_to("Hài lòng").await;
            browser.press(" ").await;
            browser.tab_to("Gửi đánh giá").await;
            assert_eq!(browser.focused().await, "button Gửi đánh giá");
            browser.press(thirtyfour::Key::Enter + "").await;
            browser.see("receipt_code=H17-2").await;
            browser.see("satisfaction=satisfied").await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_form_is_posted_without_javascript() {
    let site = site().await;

    visit_without_scripts(
        "harness-no-scripts",
        &site,
        Size::Phone,
        async move |browser| {
            browser.open("/").await;
            assert!(!browser.sees("có kịch bản").await);
            browser.fill("Mã biên nhận", "H17-3").await;
            browser.choose("Hài lòng").await;
            browser.click("Gửi đánh giá").await;
            browser.see("receipt_code=H17-3").await;
        },
    )
    .await;
}

#[tokio::test]
async fn axe_sees_an_unnamed_field_and_a_page_without_language() {
    let site = site().await;

    let found = failure_of(&site, async |browser: std::sync::Arc<super::Browser>| {
        browser.open("/loi/").await;
        browser.assert_accessible().await;
    })
    .await;

    assert!(
        found.contains("html-has-lang") && found.contains("label ("),
        "{found}"
    );
}

#[tokio::test]
async fn a_page_wider_than_the_screen_is_seen() {
    let site = site().await;

    let found = failure_of(&site, async |browser: std::sync::Arc<super::Browser>| {
        browser.open("/rong/").await;
        browser.assert_accessible().await;
    })
    .await;

    assert!(found.contains("wider than the screen"), "{found}");
}

#[tokio::test]
async fn a_breach_of_the_content_security_policy_fails_the_visit() {
    let site = site().await;

    let found = failure_of(&site, async |browser: std::sync::Arc<super::Browser>| {
        browser.open("/kich-ban/").await;
        assert_eq!(browser.title().await, "Kịch bản");
    })
    .await;

    assert!(found.contains("Content Security Policy"), "{found}");
}

/// The message a visit on a phone fails with.
async fn failure_of<F, Fut>(site: &str, scenario: F) -> String
where
    F: FnOnce(std::sync::Arc<super::Browser>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let site = site.to_owned();
    let visit =
        tokio::spawn(async move { visit("harness-fault", &site, Size::Phone, scenario).await });
    let panic = visit.await.unwrap_err().into_panic();
    *panic.downcast::<String>().unwrap()
}
