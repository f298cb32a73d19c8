//! The guide's pictures, which `make guide` takes of the real pages, and what it writes down of each.

use std::sync::LazyLock;

use askama::Template;
use serde::Deserialize;

use super::SiteFile;
use super::assets;
use super::context::SiteContext;
use super::layout::Layout;
use super::rating_form::render;
use crate::domain::lang::Lang;

const WEBP: &str = "image/webp";

/// A picture as it was taken.
struct Picture {
    file: SiteFile,
    note: Note,
}

/// What `make guide` writes down of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Note {
    /// Heading of the page it shows.
    heading: String,
    /// Text of what is framed in it.
    marked: String,
    width: u32,
    height: u32,
}

macro_rules! pictures {
    ($lang:literal) => {
        pictures!($lang:
            "home" "groups" "units" "kind" "dossier" "verdict" "saved" "officials" "receipt" "found" "results")
    };
    ($lang:literal: $($name:literal)+) => {
        (
            include_str!(concat!("../../templates/static/guide/", $lang, ".json")),
            &[$((
                concat!("guide/", $lang, "/", $name, ".webp"),
                include_bytes!(concat!("../../templates/static/guide/", $lang, "/", $name, ".webp")) as &[u8],
            )),+],
        )
    };
}

type Taken = (&'static str, &'static [(&'static str, &'static [u8])]);

const TAKEN_IN_VIETNAMESE: Taken = pictures!("vi");
const TAKEN_IN_ENGLISH: Taken = pictures!("en");

static VIETNAMESE: LazyLock<Vec<Picture>> = LazyLock::new(|| pictures(TAKEN_IN_VIETNAMESE));
static ENGLISH: LazyLock<Vec<Picture>> = LazyLock::new(|| pictures(TAKEN_IN_ENGLISH));

fn pictures((notes, files): Taken) -> Vec<Picture> {
    let notes: Vec<Note> =
        serde_json::from_str(notes).expect("`make guide` writes it, a test reads it");
    let files = files
        .iter()
        .map(|(name, bytes)| assets::file(name, WEBP, bytes.to_vec()));
    files
        .zip(notes)
        .map(|(file, note)| Picture { file, note })
        .collect()
}

fn taken(lang: Lang) -> &'static [Picture] {
    match lang {
        Lang::Vi => &VIETNAMESE,
        Lang::En => &ENGLISH,
    }
}

/// The files of all pictures.
#[must_use]
pub fn files() -> Vec<SiteFile> {
    let pictures = Lang::ALL.into_iter().flat_map(|lang| taken(lang));
    pictures.map(|picture| picture.file.clone()).collect()
}

/// A step with its picture, where it has one.
struct Step<'a> {
    text: String,
    picture: Option<ShownPicture<'a>>,
}

struct ShownPicture<'a> {
    src: &'a str,
    caption: String,
    shows: String,
    width: u32,
    height: u32,
}

#[derive(Template)]
#[template(path = "info/guide.html")]
struct GuidePage<'a> {
    layout: Layout<'a>,
    unit: Vec<Step<'a>>,
    official: Vec<Step<'a>>,
    receipt: Vec<Step<'a>>,
    results: Step<'a>,
}

/// «Hướng dẫn».
pub(super) fn page(context: &SiteContext) -> SiteFile {
    let layout = Layout::new(context, "/huong-dan/", context.text("guide.title"));
    let pictures = taken(context.lang).iter().zip(1..);
    let mut pictures = pictures.map(|(picture, number)| shown(context, picture, number));
    let mut step = |key: &str, menu: &str, has_picture: bool| Step {
        text: context.text_with(key, "menu", menu),
        picture: has_picture.then(|| pictures.next()).flatten(),
    };
    let page = GuidePage {
        unit: vec![
            step("guide.unit.step1", &layout.menu_units(), true),
            step("guide.unit.step2", "", true),
            step("guide.unit.step3", "", true),
            step("guide.unit.step4", "", true),
            step("guide.unit.step5", "", true),
            step("guide.unit.step6", "", true),
            step("guide.unit.step7", "", true),
        ],
        official: vec![
            step("guide.official.step1", &layout.menu_officials(), false),
            step("guide.official.step2", "", true),
            step("guide.official.step3", "", false),
        ],
        receipt: vec![
            step("guide.receipt.step1", "", true),
            step("guide.receipt.step2", "", true),
            step("guide.receipt.step3", "", false),
        ],
        results: step("guide.results.text", &layout.menu_results(), true),
        layout,
    };
    page.layout.file(render(&page))
}

fn shown<'a>(context: &SiteContext, picture: &'a Picture, number: usize) -> ShownPicture<'a> {
    let Note {
        heading,
        marked,
        width,
        height,
    } = &picture.note;
    let caption = context.text_with("guide.picture", "heading", heading);
    let shows = context.text_with("guide.picture_shows", "heading", heading);
    ShownPicture {
        src: &picture.file.path,
        caption: caption.replace("%{number}", &number.to_string()),
        shows: shows.replace("%{marked}", marked),
        width: *width,
        height: *height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_is_noted_and_all_of_a_page_weigh_little() {
        for lang in Lang::ALL {
            let pictures = taken(lang);
            let weight: usize = pictures
                .iter()
                .map(|picture| picture.file.bytes.len())
                .sum();

            assert_eq!(pictures.len(), 11);
            assert!(weight < 140_000, "{weight}");
        }
    }
}
