//! Every kind of page, at both sizes, in both languages.

use super::rate::fill_slip;
use super::{Size, visit};
use crate::trial::{OFFICIAL_ID, Trial, WARD_ID};

#[tokio::test]
async fn every_kind_of_page_is_accessible_and_fits_the_screen() {
    let trial = Trial::start().await;
    let paths = [
        "/".to_owned(),
        "/danh-gia/don-vi/".to_owned(),
        "/danh-gia/don-vi/xa-phuong/".to_owned(),
        "/danh-gia/don-vi/huyen-thi-thanh/".to_owned(),
        "/danh-gia/cong-chuc/".to_owned(),
        "/danh-gia/cong-chuc/xa-phuong/".to_owned(),
        format!("/don-vi/{WARD_ID}/"),
        format!("/don-vi/{WARD_ID}/danh-gia/"),
        format!("/don-vi/{WARD_ID}/danh-gia/tham-gia/"),
        format!("/don-vi/{WARD_ID}/danh-gia/khong-tham-gia/"),
        format!("/don-vi/{WARD_ID}/can-bo/{OFFICIAL_ID}/"),
        format!("/don-vi/{WARD_ID}/can-bo/{OFFICIAL_ID}/tham-gia/"),
        format!("/don-vi/{WARD_ID}/can-bo/{OFFICIAL_ID}/khong-tham-gia/"),
        "/ma-bien-nhan/".to_owned(),
        "/huong-dan/".to_owned(),
        "/rieng-tu/".to_owned(),
        "/tro-nang/".to_owned(),
        "/kiem-dem/".to_owned(),
        "/loi/404/".to_owned(),
        "/loi/500/".to_owned(),
        "/ket-qua/".to_owned(),
        "/ket-qua/so-lieu/".to_owned(),
        format!("/ket-qua/don-vi/{WARD_ID}/"),
        format!("/ket-qua/don-vi/{WARD_ID}/so-lieu/"),
        format!("/ket-qua/don-vi/{WARD_ID}/cong-chuc/"),
        format!("/ket-qua/don-vi/{WARD_ID}/kiem-dem/"),
    ];
    let paths = std::sync::Arc::new(paths);

    for size in Size::ALL {
        for (name, prefix) in [("pages-vi", ""), ("pages-en", "/en")] {
            let paths = std::sync::Arc::clone(&paths);
            visit(name, trial.address(), size, async move |browser| {
                for path in paths.iter() {
                    browser.open(&format!("{prefix}{path}")).await;
                    assert_eq!(browser.path().await, format!("{prefix}{path}"));
                    assert!(!browser.title().await.is_empty(), "{prefix}{path}");
                    browser.assert_accessible().await;
                }
            })
            .await;
        }
    }
    trial.stack.stop().await;
}

#[tokio::test]
async fn the_page_with_the_typed_code_is_accessible() {
    let trial = Trial::start().await;

    for size in Size::ALL {
        visit("typed-code", trial.address(), size, async |browser| {
            browser
                .open(&format!("/don-vi/{WARD_ID}/danh-gia/tham-gia/"))
                .await;
            fill_slip(&browser, &Trial::slip(1)).await;
            browser.choose("Hài lòng").await;
            browser.post_natively().await;
            browser.hidden("typed_token").await;
            browser.assert_accessible().await;
        })
        .await;
    }
    trial.stack.stop().await;
}
