//! From the home page to a saved rating, and every way it may be refused.

use thirtyfour::Key;

use super::{Browser, Size, visit, visit_without_scripts};
use crate::trial::{FIELD, Slip, Trial, WARD, WARD_ID};

const PARTICIPANT: &str = "Công dân có tham gia thủ tục hành chính";
const NON_PARTICIPANT: &str = "Công dân không tham gia thủ tục hành chính";
const SAVED: &str = "Đã lưu kết quả đánh giá";

/// From the home page to the ward's own.
pub(super) async fn find_ward(browser: &Browser, menu: &str) {
    browser.open("/").await;
    browser.click(menu).await;
    browser.click("Xã/ phường").await;
    browser.click(WARD).await;
}

pub(super) async fn fill_slip(browser: &Browser, slip: &Slip) {
    browser.select("Lĩnh vực giao dịch", FIELD).await;
    browser.fill("Mã biên nhận", &slip.code).await;
    browser
        .fill("Phần bí mật của mã biên nhận", &slip.secret)
        .await;
}

#[tokio::test]
async fn someone_with_a_dossier_rates_the_unit() {
    let trial = Trial::start().await;

    for (number, size) in (1..).zip(Size::ALL) {
        visit("rate-unit", trial.address(), size, async move |browser| {
            find_ward(&browser, "Đánh giá cung ứng DVC").await;
            browser.click(PARTICIPANT).await;
            fill_slip(&browser, &Trial::slip(number)).await;
            browser.choose("Hài lòng").await;
            browser.shoot("form").await;
            browser.click("Gửi đánh giá").await;
            browser.see(SAVED).await;
            browser.see("Mã theo dõi của ông/bà").await;
            browser.assert_accessible().await;
            browser.shoot("saved").await;
        })
        .await;
    }

    trial.stack.settle().await;
    let pages = [
        format!("/ket-qua/don-vi/{WARD_ID}/"),
        format!("/ket-qua/don-vi/{WARD_ID}/so-lieu/"),
        "/ket-qua/".to_owned(),
        "/ket-qua/so-lieu/".to_owned(),
    ];
    for size in Size::ALL {
        let pages = pages.clone();
        visit("rated-unit", trial.address(), size, async move |browser| {
            for page in pages {
                browser.open(&page).await;
                browser.see(WARD).await;
                browser.assert_accessible().await;
            }
            browser.open(&format!("/ket-qua/don-vi/{WARD_ID}/")).await;
            browser.see("2 lượt").await;
            browser.shoot("results").await;
        })
        .await;
    }
    trial.stack.stop().await;
}

#[tokio::test]
async fn someone_with_a_dossier_rates_an_official() {
    let trial = Trial::start().await;

    visit(
        "rate-official",
        trial.address(),
        Size::Phone,
        async |browser| {
            find_ward(&browser, "Đánh giá công chức").await;
            browser.click(&Trial::official()).await;
            browser.click(PARTICIPANT).await;
            browser.see(&Trial::official()).await;
            fill_slip(&browser, &Trial::slip(1)).await;
            browser.choose("Chưa hài lòng").await;
            browser
                .choose("Thời gian giải quyết lâu hơn quy định")
                .await;
            browser.fill("Góp ý", "Nên báo trước khi trễ hẹn.").await;
            browser.click("Gửi đánh giá").await;
            browser.see(SAVED).await;
        },
    )
    .await;
    trial.stack.settle().await;
    for size in Size::ALL {
        visit("rated-official", trial.address(), size, async |browser| {
            browser
                .open(&format!("/ket-qua/don-vi/{WARD_ID}/cong-chuc/"))
                .await;
            browser.see(&Trial::official()).await;
            browser.assert_accessible().await;
            browser.shoot("ranking").await;
        })
        .await;
    }
    trial.stack.stop().await;
}

#[tokio::test]
async fn someone_without_a_dossier_rates_with_name_and_phone() {
    let trial = Trial::start().await;

    visit(
        "rate-without-dossier",
        trial.address(),
        Size::Desktop,
        async |browser| {
            find_ward(&browser, "Đánh giá cung ứng DVC").await;
            browser.click(NON_PARTICIPANT).await;
            browser.fill("Họ và tên", "Nguyễn Thị Mẫu").await;
            browser.fill("Số điện thoại", "0905 000 001").await;
            browser.choose("Hài lòng").await;
            browser.click("Gửi đánh giá").await;
            browser
                .see("Đánh dấu đồng ý cho lưu họ tên và số điện thoại")
                .await;
            assert_eq!(browser.value("Số điện thoại").await, "0905 000 001");
            browser.tick("consent").await;
            browser.click("Gửi đánh giá").await;
            browser.see(SAVED).await;
        },
    )
    .await;
    trial.stack.stop().await;
}

#[tokio::test]
async fn a_rating_without_a_reason_comes_back_with_what_was_typed() {
    let trial = Trial::start().await;

    for size in Size::ALL {
        visit("rate-no-reason", trial.address(), size, async |browser| {
            browser
                .open(&format!("/don-vi/{WARD_ID}/danh-gia/tham-gia/"))
                .await;
            let slip = Trial::slip(1);
            fill_slip(&browser, &slip).await;
            browser.choose("Chưa hài lòng").await;
            browser.click("Gửi đánh giá").await;
            browser.see("Chọn ít nhất một lí do chưa hài lòng.").await;
            let focused = browser.focused().await;
            assert!(focused.contains("Có mục cần sửa"), "{focused}");
            assert!(browser.title().await.starts_with("Lỗi:"));
            assert_eq!(browser.value("Mã biên nhận").await, slip.code);
            assert_eq!(
                browser.value("Phần bí mật của mã biên nhận").await,
                slip.secret
            );
            browser.assert_accessible().await;
            browser.shoot("errors").await;
        })
        .await;
    }
    trial.stack.stop().await;
}

#[tokio::test]
async fn a_slip_rates_the_same_subject_only_once() {
    let trial = Trial::start().await;

    visit(
        "rate-twice",
        trial.address(),
        Size::Phone,
        async |browser| {
            for verdict in ["Hài lòng", "Chưa hài lòng"] {
                browser
                    .open(&format!("/don-vi/{WARD_ID}/danh-gia/tham-gia/"))
                    .await;
                fill_slip(&browser, &Trial::slip(1)).await;
                browser.choose(verdict).await;
                if verdict == "Hài lòng" {
                    browser.click("Gửi đánh giá").await;
                    browser.see(SAVED).await;
                } else {
                    browser
                        .choose("Thời gian giải quyết lâu hơn quy định")
                        .await;
                    browser.click("Gửi đánh giá").await;
                }
            }
            browser
                .see("Hồ sơ này đã được đánh giá. Mỗi hồ sơ chỉ được đánh giá một lần.")
                .await;
            browser.assert_accessible().await;
            browser.shoot("refused").await;
        },
    )
    .await;
    trial.stack.stop().await;
}

#[tokio::test]
async fn a_code_nobody_was_given_is_refused_like_a_wrong_secret() {
    let trial = Trial::start().await;

    visit("rate-wrong-code", trial.address(), Size::Phone, async |browser| {
        let known = Trial::slip(1);
        let unknown = known.code.replace("-0001", "-9999");
        for (code, secret) in [(unknown, known.secret), (known.code, Trial::slip(2).secret)] {
            browser.open(&format!("/don-vi/{WARD_ID}/danh-gia/tham-gia/")).await;
            fill_slip(&browser, &Slip { code, secret }).await;
            browser.choose("Hài lòng").await;
            browser.click("Gửi đánh giá").await;
            browser
                .see("Mã biên nhận hoặc phần bí mật không đúng, đã hết hạn hoặc đã được dùng để đánh giá.")
                .await;
        }
        browser.assert_accessible().await;
    })
    .await;
    trial.stack.stop().await;
}

#[tokio::test]
async fn the_code_on_the_slip_leads_to_whom_it_may_rate() {
    let trial = Trial::start().await;

    visit(
        "rate-by-receipt",
        trial.address(),
        Size::Phone,
        async |browser| {
            let slip = Trial::slip(1);
            browser.open("/").await;
            browser.click("Đánh giá theo mã biên nhận").await;
            browser.fill("Mã biên nhận", &slip.code).await;
            browser
                .fill("Phần bí mật của mã biên nhận", &slip.secret)
                .await;
            browser.click("Tiếp tục").await;
            browser.see(&Trial::official()).await;
            browser.assert_accessible().await;
            browser.shoot("form").await;
            browser.choose(&Trial::official()).await;
            browser.choose("Hài lòng").await;
            browser.click("Gửi đánh giá").await;
            browser.see(SAVED).await;
        },
    )
    .await;
    trial.stack.stop().await;
}

#[tokio::test]
async fn without_javascript_a_typed_code_stands_in_for_the_worked_one() {
    let trial = std::sync::Arc::new(Trial::start().await);

    for (number, size) in (1..).zip(Size::ALL) {
        let reader = std::sync::Arc::clone(&trial);
        let site = trial.address().to_owned();
        visit_without_scripts("rate-no-scripts", &site, size, async move |browser| {
            find_ward(&browser, "Đánh giá cung ứng DVC").await;
            browser.click(PARTICIPANT).await;
            fill_slip(&browser, &Trial::slip(number)).await;
            browser.choose("Hài lòng").await;
            browser.click("Gửi đánh giá").await;
            browser
                .see("Nhập các chữ số trong ảnh hoặc nghe được")
                .await;
            browser.shoot("typed-code").await;
            browser.fill("Mã an toàn", "111").await;
            browser.click("Gửi đánh giá").await;
            browser.see("Mã an toàn chưa đúng.").await;
            let token = browser.hidden("typed_token").await;
            browser.fill("Mã an toàn", &reader.read_code(&token)).await;
            browser.click("Gửi đánh giá").await;
            browser.see(SAVED).await;
            browser.see("Mã theo dõi của ông/bà").await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_rating_is_given_by_keyboard_alone() {
    let trial = Trial::start().await;

    visit(
        "rate-by-keyboard",
        trial.address(),
        Size::Desktop,
        async |browser| {
            let follow = async |name: &str| {
                browser.tab_to(name).await;
                browser.press(Key::Enter + "").await;
            };
            browser.open("/").await;
            follow("Đánh giá cung ứng DVC").await;
            browser.see("Chọn nhóm đơn vị").await;
            follow("Xã/ phường").await;
            browser.see(WARD).await;
            follow(WARD).await;
            follow(PARTICIPANT).await;
            browser.see("Lĩnh vực giao dịch").await;
            let slip = Trial::slip(1);
            browser.tab_to("Lĩnh vực giao dịch").await;
            browser.press(FIELD).await;
            browser.tab_to("Mã biên nhận").await;
            browser.press(slip.code.as_str()).await;
            browser.tab_to("Phần bí mật").await;
            browser.press(slip.secret.as_str()).await;
            browser.tab_to("Hài lòng").await;
            browser.press(" ").await;
            follow("Gửi đánh giá").await;
            browser.see(SAVED).await;
        },
    )
    .await;
    trial.stack.stop().await;
}
