//! Looking a tracker up in the published list.

use super::rate::{fill_slip, find_ward};
use super::{Size, visit, visit_without_scripts};
use crate::trial::{Trial, WARD_ID};

const FOUND: &str = "Đánh giá này đã được đếm.";

#[tokio::test]
async fn a_tracker_from_the_thank_you_page_is_found_and_another_is_not() {
    let trial = std::sync::Arc::new(Trial::start().await);

    for (number, size) in (1..).zip(Size::ALL) {
        let office = std::sync::Arc::clone(&trial);
        let site = trial.address().to_owned();
        visit("recount", &site, size, async move |browser| {
            find_ward(&browser, "Đánh giá cung ứng DVC").await;
            browser
                .click("Công dân có tham gia thủ tục hành chính")
                .await;
            fill_slip(&browser, &Trial::slip(number)).await;
            browser.choose("Hài lòng").await;
            browser.click("Gửi đánh giá").await;
            browser.see("Mã theo dõi của ông/bà").await;
            browser.shoot("thanks").await;
            let tracker = browser.text(".tracker").await;
            office.stack.settle().await;

            browser.click("Kiểm tra bằng mã theo dõi").await;
            browser.see("Kiểm đếm đánh giá").await;
            browser.fill("Mã theo dõi", &tracker.to_lowercase()).await;
            browser.click("Kiểm tra").await;
            browser.see(FOUND).await;
            browser.shoot("found").await;
            browser.assert_accessible().await;

            browser.fill("Mã theo dõi", &tracker[..20]).await;
            browser.click("Kiểm tra").await;
            browser.see("Mã theo dõi chưa đúng.").await;
            browser.assert_accessible().await;

            browser
                .fill("Mã theo dõi", "0000-0000-0000-0000-0000")
                .await;
            browser.click("Kiểm tra").await;
            browser.see("Mã này chưa có trong danh sách").await;
            assert!(!browser.text("[data-status]").await.contains(FOUND));
        })
        .await;
    }

    let site = trial.address().to_owned();
    visit_without_scripts("recount-no-scripts", &site, Size::Phone, async |browser| {
        browser
            .open(&format!("/ket-qua/don-vi/{WARD_ID}/kiem-dem/"))
            .await;
        browser.see("Kiểm tra bằng tay").await;
        assert!(!browser.text("main").await.contains("Năm nhóm bốn ký tự"));
        browser.shoot("by-hand").await;
    })
    .await;
}
