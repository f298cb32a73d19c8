//! The guide's pictures and the pages they show; `make guide` takes them anew.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::page::Photo;
use super::{Browser, Size, visit};
use crate::trial::{OFFICIAL_ID, Trial, WARD_ID};

const WIDTH: u32 = 390;
const HEIGHT: u32 = 440;

/// What is written down of a picture, and shown below it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    name: String,
    heading: String,
    marked: String,
    width: u32,
    height: u32,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/static/guide")
}

#[tokio::test]
async fn the_guides_pictures_show_the_pages_as_they_are() {
    let trial = std::sync::Arc::new(Trial::with_many_wards().await);

    for (number, lang, prefix) in [(1, "vi", ""), (2, "en", "/en")] {
        let office = std::sync::Arc::clone(&trial);
        let site = trial.address().to_owned();
        visit("guide", &site, Size::Phone, async move |browser| {
            let photos = walk(&browser, prefix, &office, number).await;
            let notes: Vec<Note> = photos
                .iter()
                .map(|(name, photo)| note(name, photo))
                .collect();
            let path = folder().join(format!("{lang}.json"));
            if std::env::var_os("UPDATE_GUIDE").is_some() {
                let notes = serde_json::to_string_pretty(&notes).unwrap();
                std::fs::write(path, notes + "\n").unwrap();
                for (name, photo) in &photos {
                    std::fs::write(picture(lang, name), &photo.picture).unwrap();
                }
                return;
            }

            let taken: Vec<Note> =
                serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            assert_eq!(taken, notes, "the pages have changed: `make guide`");
            for (name, photo) in &photos {
                let taken = std::fs::read(picture(lang, name)).unwrap();
                assert_eq!(size(&taken), size(&photo.picture), "{name}");
            }
            shows_them(&browser, prefix, &notes).await;
        })
        .await;
    }
}

fn picture(lang: &str, name: &str) -> PathBuf {
    folder().join(lang).join(format!("{name}.webp"))
}

fn note(name: &str, photo: &Photo) -> Note {
    let (width, height) = size(&photo.picture);
    Note {
        name: name.to_owned(),
        heading: photo.heading.clone(),
        marked: photo.marked.clone(),
        width,
        height,
    }
}

/// From the home page to a saved rating, then by receipt, then to the results.
async fn walk(
    browser: &Browser,
    prefix: &str,
    office: &Trial,
    number: u64,
) -> Vec<(&'static str, Photo)> {
    let mut photos = Vec::new();
    let mut take = async |name: &'static str, selector: &str| {
        browser.wait_for(selector).await;
        photos.push((name, browser.photograph(selector, WIDTH, HEIGHT).await));
    };
    let slip = Trial::slip(number);

    browser.open(&format!("{prefix}/")).await;
    take("home", ".menu-cards li:has([href$='/danh-gia/don-vi/'])").await;
    browser
        .click_on(".menu-cards [href$='/danh-gia/don-vi/']")
        .await;
    take("groups", ".choices li:has([href$='/xa-phuong/'])").await;
    browser.click_on(".choices [href$='/xa-phuong/']").await;
    let ward = format!("[href*='/{WARD_ID}/']");
    take("units", &format!(".choices li:has({ward})")).await;
    browser.click_on(&format!(".choices {ward}")).await;
    take("kind", ".menu-cards li:has([href$='/tham-gia/'])").await;
    browser.click_on(".menu-cards [href$='/tham-gia/']").await;
    browser.wait_for("#field_id").await;
    browser.click_on("#field_id option[value=ho-tich]").await;
    browser.fill_in("#receipt_code", &slip.code).await;
    browser.fill_in("#receipt_secret", &slip.secret).await;
    take("dossier", ".field:has(#receipt_code)").await;
    browser.click_on("label:has(#satisfaction)").await;
    take("verdict", "fieldset:has(#satisfaction)").await;
    browser.click_on("[data-submit]").await;
    take("saved", ".saved").await;

    browser.open(&format!("{prefix}/don-vi/{WARD_ID}/")).await;
    take(
        "officials",
        &format!(".people li:has([href*='/{OFFICIAL_ID}/'])"),
    )
    .await;

    let slip = Trial::slip(number + 2);
    browser.open(&format!("{prefix}/ma-bien-nhan/")).await;
    browser.fill_in("#receipt_code", &slip.code).await;
    browser.fill_in("#receipt_secret", &slip.secret).await;
    take("receipt", "[data-submit]").await;
    browser.click_on("[data-submit]").await;
    take("found", "fieldset:has(#subject)").await;

    office.stack.settle().await;
    browser.open(&format!("{prefix}/ket-qua/")).await;
    take(
        "results",
        &format!("main a[href*='/ket-qua/don-vi/{WARD_ID}/']"),
    )
    .await;
    photos
}

/// Every picture stands on the guide, loaded, with its size, an alternative, and the heading below it.
async fn shows_them(browser: &Browser, prefix: &str, notes: &[Note]) {
    let script = "
        const loaded = [...document.querySelectorAll('figure img')].map(async (image) => {
            image.loading = 'eager';
            await image.decode();
            const { naturalWidth, naturalHeight, width, height, alt } = image;
            const caption = image.parentElement.querySelector('figcaption').textContent;
            return { naturalWidth, naturalHeight, ratio: width / height, alt, caption };
        });
        return Promise.all(loaded);";
    browser.open(&format!("{prefix}/huong-dan/")).await;
    let shown = browser.evaluate(script).await;
    let shown = shown.as_array().unwrap();

    assert_eq!(shown.len(), notes.len());
    for (shown, note) in shown.iter().zip(notes) {
        assert_eq!(shown["naturalWidth"], note.width, "{note:?}");
        assert_eq!(shown["naturalHeight"], note.height, "{note:?}");
        let ratio = f64::from(note.width) / f64::from(note.height);
        assert!((shown["ratio"].as_f64().unwrap() - ratio).abs() < 0.02);
        let text = |name: &str| shown[name].as_str().unwrap().to_owned();
        assert!(text("caption").contains(&note.heading), "{note:?}");
        assert!(text("alt").contains(&note.marked), "{note:?}");
    }
    browser.assert_accessible().await;
    browser.shoot("guide").await;
}

/// Width and height of a WebP picture, lossy or not.
fn size(webp: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from(u16::from_le_bytes([webp[at], webp[at + 1]]));
    match &webp[12..16] {
        b"VP8 " => (number(26) & 0x3fff, number(28) & 0x3fff),
        b"VP8L" => {
            let bits = number(21) | number(23) << 16;
            ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
        }
        b"VP8X" => (number(24) + 1, number(27) + 1),
        kind => panic!("not a picture of ours: {kind:?}"),
    }
}
