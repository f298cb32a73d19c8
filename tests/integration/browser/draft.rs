//! What a half-filled form survives, and what the next person at the device does not see.

use super::{Browser, Size, visit, visit_without_scripts};
use crate::trial::{Trial, WARD_ID};

const SECRET: &str = "Phần bí mật của mã biên nhận";
const SAVED: &str = "Đã lưu kết quả đánh giá";

/// Looks slip `number` up and begins to rate the whole ward.
async fn half_filled(browser: &Browser, number: u64) {
    let slip = Trial::slip(number);
    browser.open("/ma-bien-nhan/").await;
    browser.fill("Mã biên nhận", &slip.code).await;
    browser.fill(SECRET, &slip.secret).await;
    browser.click("Tiếp tục").await;
    browser.see("Hộ tịch").await;
    browser.choose("Cả đơn vị").await;
    browser.choose("Chưa hài lòng").await;
    browser
        .choose("Thời gian giải quyết lâu hơn quy định")
        .await;
    browser.fill("Góp ý", "Nên báo trước.").await;
}

async fn drafts(browser: &Browser) -> i64 {
    let kept = "return sessionStorage.length + localStorage.length";
    browser.evaluate(kept).await.as_i64().unwrap()
}

#[tokio::test]
async fn a_found_dossier_is_one_line_that_unfolds() {
    let trial = Trial::start().await;

    for size in Size::ALL {
        visit("found", trial.address(), size, async |browser| {
            half_filled(&browser, 1).await;
            let is_open = "return document.querySelector('.found').open";
            assert_eq!(browser.evaluate(is_open).await, false);
            browser.assert_accessible().await;
            browser.shoot("folded").await;
            browser.click("Đổi").await;
            assert_eq!(browser.evaluate(is_open).await, true);
            assert_eq!(browser.value("Mã biên nhận").await, Trial::slip(1).code);
            browser.fill(SECRET, "0").await;
            browser.assert_accessible().await;
            browser.click("Gửi đánh giá").await;
            browser.see("Phần bí mật gồm 11 chữ hoặc số.").await;
            assert_eq!(
                browser.value(SECRET).await,
                "0",
                "unfolded where it is wrong"
            );
            browser.shoot("wrong").await;
            browser.fill(SECRET, &Trial::slip(1).secret).await;
        })
        .await;
    }
    visit_without_scripts("found", trial.address(), Size::Phone, async |browser| {
        browser.open("/ma-bien-nhan/").await;
        browser.see("tải lại trang sẽ xóa những gì đã điền").await;
    })
    .await;
    trial.stack.stop().await;
}

#[tokio::test]
async fn a_half_filled_form_survives_a_reload_and_the_other_language_until_it_is_saved() {
    let trial = Trial::start().await;

    visit("draft", trial.address(), Size::Phone, async |browser| {
        let slip = Trial::slip(1);
        half_filled(&browser, 1).await;

        browser.reload().await;
        assert_eq!(browser.value("Mã biên nhận").await, slip.code);
        assert_eq!(browser.value(SECRET).await, slip.secret);
        browser.click("Tiếp tục").await;
        browser.see("Hộ tịch").await;
        assert_eq!(browser.value("Góp ý").await, "Nên báo trước.");
        assert!(browser.is_chosen("satisfaction", "not_satisfied").await);
        assert!(browser.is_chosen("subject", WARD_ID).await);

        browser.click("English").await;
        browser.see("Rate with a receipt code").await;
        assert_eq!(browser.value("Receipt code").await, slip.code);
        browser.click("Continue").await;
        browser.see("Civil status").await;
        assert_eq!(browser.value("Suggestion").await, "Nên báo trước.");
        browser.click("Send rating").await;
        browser.see("Your rating has been saved").await;
        assert_eq!(drafts(&browser).await, 0);
    })
    .await;

    visit("draft-form", trial.address(), Size::Desktop, async |browser| {
        let form = format!("/don-vi/{WARD_ID}/danh-gia/khong-tham-gia/");
        browser.open(&form).await;
        browser.fill("Họ và tên", "Nguyễn Thị Mẫu").await;
        browser.choose("Hài lòng").await;
        browser.click("English").await;
        browser.see("Full name").await;
        assert_eq!(browser.value("Full name").await, "Nguyễn Thị Mẫu");
        assert!(browser.is_chosen("satisfaction", "satisfied").await);

        browser.evaluate("const draft = JSON.parse(sessionStorage.draft); draft.until = Date.now() - 1; sessionStorage.draft = JSON.stringify(draft)").await;
        browser.reload().await;
        assert_eq!(browser.value("Full name").await, "", "after ten minutes");
        assert_eq!(drafts(&browser).await, 0);
    })
    .await;
    trial.stack.stop().await;
}

#[tokio::test]
async fn another_slip_takes_nothing_of_the_one_before() {
    let trial = Trial::start().await;

    visit(
        "draft-other",
        trial.address(),
        Size::Phone,
        async |browser| {
            half_filled(&browser, 1).await;
            let slip = Trial::slip(2);
            browser
                .open(&format!(
                    "/ma-bien-nhan/#code={}&secret={}",
                    slip.code, slip.secret
                ))
                .await;
            browser.reload().await;
            assert_eq!(browser.value("Mã biên nhận").await, slip.code);
            assert_eq!(browser.value(SECRET).await, slip.secret);
            browser.click("Tiếp tục").await;
            browser.see("Hộ tịch").await;
            assert_eq!(browser.value("Góp ý").await, "");
            assert!(!browser.is_chosen("satisfaction", "not_satisfied").await);
        },
    )
    .await;
    trial.stack.stop().await;
}

#[tokio::test]
async fn back_after_a_rating_shows_nothing_of_the_one_before() {
    let trial = Trial::start().await;

    visit("back", trial.address(), Size::Phone, async |browser| {
        half_filled(&browser, 1).await;
        browser.click("Gửi đánh giá").await;
        browser.see(SAVED).await;
        let tracker = browser.text(".tracker").await;
        browser.click("Xem kết quả đánh giá").await;
        browser.see("Kết quả").await;
        browser.go_back().await;
        browser.see("Nhập mã trên giấy hẹn").await;
        assert!(!browser.sees(&tracker).await);
        assert!(!browser.sees(SAVED).await);
        assert_eq!(browser.value("Mã biên nhận").await, "");
        assert_eq!(browser.value(SECRET).await, "");
    })
    .await;
    trial.stack.stop().await;
}

#[tokio::test]
async fn a_shared_device_keeps_nothing() {
    let trial = Trial::start().await;

    visit("shared", trial.address(), Size::Desktop, async |browser| {
        browser.open("/rieng-tu/").await;
        browser
            .choose("Máy này nhiều người dùng chung: không giữ lại gì của người trước.")
            .await;
        browser.assert_accessible().await;
        browser.shoot("setting").await;
        half_filled(&browser, 1).await;
        assert_eq!(drafts(&browser).await, 1, "only the mark itself");
        browser.click("Xem kết quả đánh giá").await;
        browser.see("Kết quả").await;
        browser.go_back().await;
        browser.see("Nhập mã trên giấy hẹn").await;
        assert_eq!(browser.value("Mã biên nhận").await, "");
        assert_eq!(browser.value(SECRET).await, "");

        let form = format!("/don-vi/{WARD_ID}/danh-gia/khong-tham-gia/");
        browser.open(&form).await;
        let hints = "return document.querySelector('#phone').autocomplete";
        assert_eq!(browser.evaluate(hints).await, "off");
    })
    .await;
    trial.stack.stop().await;
}
