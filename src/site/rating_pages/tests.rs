use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::civil::date;
use unicode_normalization::is_nfc;

use super::super::rating_form::{ProblemPage, TypedCodePage};
use super::super::{assets, fixture};
use super::*;
use crate::domain::catalog::CatalogHead;
use crate::domain::dossier::OfficialRole;
use crate::domain::form::{Fault, FieldError, FormField};
use crate::domain::lang::Lang;
use crate::http::{Problem, ProblemKind};

const FIELDS: [FormField; 13] = [
    FormField::Subject,
    FormField::RaterKind,
    FormField::FieldId,
    FormField::ReceiptCode,
    FormField::ReceiptSecret,
    FormField::FullName,
    FormField::Phone,
    FormField::Consent,
    FormField::Satisfaction,
    FormField::Reasons,
    FormField::Answers,
    FormField::Suggestion,
    FormField::SecurityCode,
];
const FAULTS: [Fault; 7] = [
    Fault::Missing,
    Fault::Malformed,
    Fault::Unknown,
    Fault::TooLong,
    Fault::Closed,
    Fault::Wrong,
    Fault::Expired,
];
const KINDS: [ProblemKind; 12] = [
    ProblemKind::MalformedBody,
    ProblemKind::NotFound,
    ProblemKind::MethodNotAllowed,
    ProblemKind::AlreadyRated,
    ProblemKind::PhoneUsed,
    ProblemKind::TooLarge,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::Invalid,
    ProblemKind::ReceiptRefused,
    ProblemKind::ChallengeRefused,
    ProblemKind::TooManyRequests,
    ProblemKind::Unavailable,
];

fn units() -> BTreeMap<UnitId, UnitEntry> {
    let entries = fixture::units().into_iter();
    entries
        .map(|entry| (entry.unit.id.clone(), entry))
        .collect()
}

fn context(head: &CatalogHead, lang: Lang) -> SiteContext<'_> {
    SiteContext {
        head,
        lang,
        today: date(2026, 11, 21),
    }
}

/// Every published page of one tree by address.
fn published(head: &CatalogHead, lang: Lang) -> BTreeMap<String, String> {
    let (context, units) = (context(head, lang), units());
    let mut files = general_pages(&context, &units);
    files.extend(units.values().flat_map(|entry| unit_pages(&context, entry)));
    let pages = files
        .into_iter()
        .map(|file| (file.path, String::from_utf8(file.bytes).unwrap()));
    pages.collect()
}

fn page(address: &str) -> String {
    published(&fixture::head(), Lang::Vi)
        .remove(address)
        .unwrap()
}

/// With one blank for every line break and indentation of a template.
fn squeezed(html: &str) -> String {
    html.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A form answered with every error there is, and typed values.
fn refused_form(head: &CatalogHead, lang: Lang, rater_kind: RaterKind, fault: Fault) -> String {
    let (context, units) = (context(head, lang), units());
    let entry = &units[&UnitId::parse("so-y-te").unwrap()];
    let problem = Problem::invalid(FIELDS.map(|field| FieldError { field, fault }).to_vec());
    let form = RatingForm {
        context: &context,
        entry,
        subjects: vec![
            (Subject::parse("so-y-te").unwrap(), None),
            (
                Subject::parse("so-y-te/o-1").unwrap(),
                Some(OfficialRole::Receive),
            ),
        ],
        rater_kind,
        values: &typed(),
        problem: Some(&problem),
    };
    form.render()
}

fn typed() -> TypedValues {
    let values = [
        ("subject", "so-y-te/o-1"),
        ("field_id", "dat-dai"),
        ("receipt_code", "000.12.45.H17-261119-0042"),
        ("full_name", "Lê \"O'Neil\" <b>"),
        ("satisfaction", "not_satisfied"),
        ("reasons", "late"),
        ("answers.cs3", "equal"),
        ("suggestion", "\nDòng hai & ba"),
        ("salt", "s4lt"),
        ("altcha", "pr00f"),
        ("typed_answer", "918273"),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
    TypedValues(values.into_iter().collect())
}

/// Everything this slice can render, by a name for messages.
fn all_pages() -> Vec<(String, String)> {
    let head = fixture::head();
    let mut pages = Vec::new();
    for lang in Lang::ALL {
        pages.extend(published(&head, lang));
        for kind in RaterKind::ALL {
            for fault in FAULTS {
                let name = format!("form {} {} {lang:?}", kind.code(), fault.code());
                pages.push((name, refused_form(&head, lang, *kind, fault)));
            }
        }
        let context = context(&head, lang);
        let values = typed();
        for kind in KINDS {
            let problem = &Problem::from(kind);
            let receipt = ReceiptForm {
                context: &context,
                values: &values,
                problem: Some(problem),
            };
            let alone = ProblemPage {
                context: &context,
                problem,
            };
            pages.push((format!("receipt {kind:?} {lang:?}"), receipt.render()));
            pages.push((format!("problem {kind:?} {lang:?}"), alone.render()));
        }
        for wrong in [false, true] {
            let typed_code = TypedCodePage {
                context: &context,
                action: "/api/ratings",
                values: &values,
                token: "a+b/c=",
                wrong,
            };
            pages.push((format!("typed code {wrong} {lang:?}"), typed_code.render()));
        }
    }
    pages
}

/// The values of an attribute, in order.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let values = html.split(start.as_str()).skip(1);
    values.map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The dotted keys of a locale file; ours hold nothing but nested maps of quoted texts.
fn locale_keys(file: &str) -> BTreeSet<String> {
    let mut path: Vec<&str> = Vec::new();
    let mut keys = BTreeSet::new();
    for line in file.lines().filter(|line| !line.trim().is_empty()) {
        let depth = (line.len() - line.trim_start().len()) / 2;
        let (name, text) = line.trim().split_once(':').unwrap();
        path.truncate(depth);
        path.push(name);
        if !text.is_empty() {
            assert!(
                keys.insert(path.join(".")),
                "{} is there twice",
                path.join(".")
            );
        }
    }
    keys
}

fn vietnamese_keys() -> BTreeSet<String> {
    locale_keys(include_str!("../../../locales/vi.yml"))
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path
            .extension()
            .is_some_and(|ext| ext == "rs" || ext == "html")
        {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn both_languages_have_the_same_keys() {
    assert_eq!(
        vietnamese_keys(),
        locale_keys(include_str!("../../../locales/en.yml"))
    );
}

#[test]
fn every_key_that_is_used_exists() {
    let keys = vietnamese_keys();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("templates"), &mut files);
    sources(&root.join("src"), &mut files);

    let sections: BTreeSet<&str> = keys
        .iter()
        .filter_map(|key| key.split('.').next())
        .collect();
    let is_key = |text: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        let (section, rest) = text.split_once('.').unwrap_or_default();
        let is_file = ["html", "css", "svg", "csv", "json", "xlsx"].contains(&rest);
        sections.contains(section) && !is_file && text.chars().all(plain)
    };
    let quoted = files.iter().flat_map(|file| file.split('"'));
    let mut used: BTreeSet<String> = quoted
        .filter(|text| is_key(text))
        .map(str::to_owned)
        .collect();
    assert!(used.len() > 150, "only {} keys found", used.len());
    for field in FIELDS {
        let field = field.code();
        used.extend(FAULTS.map(|fault| format!("error.{field}.{}", fault.code())));
    }
    for kind in KINDS {
        used.extend(["title", "detail"].map(|part| format!("problem.{}.{part}", kind.code())));
    }
    let missing: Vec<_> = used.difference(&keys).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn no_page_shows_a_key_or_a_placeholder() {
    let keys = vietnamese_keys();
    for (name, html) in all_pages() {
        for key in &keys {
            assert!(!html.contains(key.as_str()), "{name} shows {key}");
        }
        assert!(!html.contains("%{"), "{name}");
    }
}

#[test]
fn every_page_is_composed_and_holds_no_inline_code() {
    for (name, html) in all_pages() {
        assert!(is_nfc(&html), "{name}");
        for forbidden in ["<style", " style=", "javascript:", "<script>"] {
            assert!(!html.contains(forbidden), "{name} holds {forbidden}");
        }
        for handler in [
            "onclick", "onsubmit", "onload", "onchange", "oninput", "onerror",
        ] {
            assert!(!html.contains(handler), "{name} holds {handler}");
        }
        for script in html.split("<script").skip(1) {
            assert!(
                script.starts_with(" type=\"module\" src=\"/static/"),
                "{name}"
            );
        }
    }
}

#[test]
fn identifiers_are_unique_and_every_reference_has_its_target() {
    for (name, html) in all_pages() {
        let ids = attributes(&html, "id");
        let unique: BTreeSet<_> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");

        let mut targets: Vec<&str> = ["for", "aria-describedby", "aria-labelledby"]
            .iter()
            .flat_map(|attribute| attributes(&html, attribute))
            .flat_map(str::split_whitespace)
            .collect();
        targets.extend(
            attributes(&html, "href")
                .into_iter()
                .filter_map(|href| href.strip_prefix('#')),
        );
        for target in targets {
            assert!(
                unique.contains(target),
                "{name}: nothing is called {target}"
            );
        }
    }
}

#[test]
fn every_link_leads_to_a_page_or_a_file() {
    let head = fixture::head();
    let mut known: BTreeSet<String> = assets::files().into_iter().map(|file| file.path).collect();
    for lang in Lang::ALL {
        known.extend(published(&head, lang).into_keys());
    }
    let elsewhere = [
        "/ket-qua/",
        "/en/ket-qua/",
        "/goi-du-lieu/",
        "/api/",
        "tel:",
        "mailto:",
        "#",
    ];
    for (name, html) in all_pages() {
        let links = ["href", "src", "data-security-code", "data-pow-worker"];
        for link in links
            .iter()
            .flat_map(|attribute| attributes(&html, attribute))
        {
            let address = link.split('#').next().unwrap();
            assert!(
                elsewhere.iter().any(|start| link.starts_with(start)) || known.contains(address),
                "{name} links to {link}"
            );
        }
    }
}

#[test]
fn the_forms_carry_every_name_of_the_request() {
    let participant = page("/don-vi/so-y-te/can-bo/o-1/tham-gia/");
    let non_participant = page("/don-vi/so-y-te/danh-gia/khong-tham-gia/");

    let both = [
        "lang",
        "subject",
        "rater_kind",
        "satisfaction",
        "reasons",
        "suggestion",
    ];
    let names = |html: &str| -> BTreeSet<String> {
        let names = attributes(html, "name").into_iter();
        names
            .filter(|name| !["viewport", "color-scheme", "theme-color", "robots"].contains(name))
            .map(str::to_owned)
            .collect()
    };
    let expected = |own: &[&str]| -> BTreeSet<String> {
        both.iter()
            .chain(own)
            .map(|&name| name.to_owned())
            .collect()
    };
    assert_eq!(
        names(&participant),
        expected(&[
            "field_id",
            "receipt_code",
            "receipt_secret",
            "questionnaire",
            "answers.cs1",
            "answers.cs3",
        ])
    );
    assert_eq!(
        names(&non_participant),
        expected(&["full_name", "phone", "consent"])
    );
    assert!(participant.contains(r#"name="subject" value="so-y-te/o-1""#));
    assert!(non_participant.contains(r#"name="subject" value="so-y-te""#));
    assert!(participant.contains(r#"name="rater_kind" value="participant""#));
    assert!(non_participant.contains(r#"name="rater_kind" value="non_participant""#));
    assert!(participant.contains(r#"name="questionnaire" value="web@2""#));
    for hook in [
        "data-rating-form",
        r#"data-purpose="rate""#,
        "data-text-checking",
        "data-text-sending",
        "data-text-offline",
        "data-status",
        "data-reasons",
        "data-submit",
    ] {
        assert!(participant.contains(hook), "{hook}");
    }
    assert!(page("/ma-bien-nhan/").contains(r#"data-purpose="validate""#));
}

#[test]
fn a_fresh_form_answers_nothing_beforehand() {
    for (address, html) in published(&fixture::head(), Lang::Vi) {
        assert!(!html.contains(" checked"), "{address}");
        assert!(!html.contains(" selected"), "{address}");
    }
}

#[test]
fn the_documents_texts_stand_on_the_pages() {
    let pages = published(&fixture::head(), Lang::Vi);
    let expected = [
        ("/", "Đánh giá cán bộ công viên chức"),
        ("/", "Đánh giá chất lượng dịch vụ hành chính công"),
        ("/", ">Đánh giá đơn vị</a>"),
        ("/", ">Đánh giá công chức</a>"),
        ("/", ">Xem kết quả đánh giá</a>"),
        ("/danh-gia/don-vi/", "Sở ban ngành"),
        ("/danh-gia/don-vi/", "Huyện thị thành"),
        ("/danh-gia/don-vi/", "Xã/ phường"),
        ("/danh-gia/cong-chuc/so/", "Chọn đơn vị"),
        ("/don-vi/so-y-te/danh-gia/", "Bước 3 trên 4"),
        (
            "/don-vi/so-y-te/danh-gia/",
            "Công dân có tham gia thủ tục hành chính",
        ),
        (
            "/don-vi/so-y-te/danh-gia/",
            "Công dân không tham gia thủ tục hành chính",
        ),
        ("/don-vi/so-y-te/danh-gia/tham-gia/", "Lĩnh vực giao dịch"),
        ("/don-vi/so-y-te/danh-gia/tham-gia/", "Mã biên nhận"),
        ("/don-vi/so-y-te/danh-gia/tham-gia/", "Mã an toàn"),
        (
            "/don-vi/so-y-te/danh-gia/tham-gia/",
            "> <span>Hài lòng</span>",
        ),
        (
            "/don-vi/so-y-te/danh-gia/tham-gia/",
            "> <span>Chưa hài lòng</span>",
        ),
        ("/don-vi/so-y-te/danh-gia/tham-gia/", "lí do chưa hài lòng"),
        (
            "/don-vi/so-y-te/danh-gia/tham-gia/",
            ">Gửi đánh giá</button>",
        ),
        (
            "/don-vi/so-y-te/danh-gia/tham-gia/",
            "Chưa lưu được đánh giá. Vui lòng kiểm tra lại và gửi lại.",
        ),
        ("/don-vi/so-y-te/danh-gia/khong-tham-gia/", "Họ và tên"),
        ("/don-vi/so-y-te/danh-gia/khong-tham-gia/", "Số điện thoại"),
        (
            "/rieng-tu/",
            "Thông tin của người đánh giá được bảo mật. Cán bộ được đánh giá không biết ai đã đánh giá.",
        ),
        ("/rieng-tu/", "91/2025/QH15"),
        (
            "/huong-dan/",
            "Bước 1: Nhập thông tin cá nhân → Bước 2: Trả lời các câu hỏi đánh giá → Bước 3: Gửi đánh giá tới cơ quan",
        ),
        ("/huong-dan/", "Xin chân thành cảm ơn!"),
        ("/don-vi/so-y-te/can-bo/o-1/", "Chuyên viên · Sở Y tế"),
    ];
    for (address, text) in expected {
        let page = squeezed(&pages[address]);
        assert!(page.contains(text), "{address} lacks {text}");
    }
    assert_eq!(
        Problem::from(ProblemKind::AlreadyRated).detail(Lang::Vi),
        "Hồ sơ này đã được đánh giá. Mỗi hồ sơ chỉ được đánh giá một lần."
    );
    assert_eq!(
        Problem::from(ProblemKind::Unavailable).detail(Lang::Vi),
        "Chúng tôi chưa xác nhận được là đã lưu. Vui lòng gửi lại: gửi lại chỉ được tính một lần."
    );
}

#[test]
fn a_refused_form_says_what_to_correct_and_keeps_what_was_typed() {
    let head = fixture::head();

    let html = refused_form(&head, Lang::Vi, RaterKind::Participant, Fault::Missing);

    assert!(html.contains(">\n\nDòng hai &#38; ba</textarea>"));
    let html = squeezed(&html);
    assert!(html.contains("<title>Lỗi: Đánh giá Sở Y tế"));
    assert!(html.contains(r#"role="alert" tabindex="-1""#));
    assert!(html.contains(r##"<a href="#receipt_code">Nhập mã biên nhận.</a>"##));
    assert!(html.contains(
        r#"aria-describedby="receipt_code-hint receipt_code-error" aria-invalid="true""#
    ));
    assert!(html.contains(r#"value="000.12.45.H17-261119-0042""#));
    assert!(html.contains(r#"<option value="dat-dai" selected>"#));
    assert!(html.contains(r#"value="so-y-te/o-1" checked"#));
    assert!(html.contains(r#"value="not_satisfied" checked"#));
    assert!(html.contains(r#"value="late" checked"#));
    assert_eq!(html.matches(" checked").count(), 4);
    for secret in ["s4lt", "pr00f", "918273"] {
        assert!(!html.contains(secret));
    }
    let html = refused_form(&head, Lang::En, RaterKind::NonParticipant, Fault::Malformed);
    assert!(html.contains("<title>Error: "));
    assert!(html.contains("Lê &#34;O&#39;Neil&#34; &#60;b&#62;"));
}

#[test]
fn a_found_receipt_is_one_line_and_unfolds_where_it_is_wrong() {
    let (head, units) = (fixture::head(), units());
    let entry = &units[&UnitId::parse("so-y-te").unwrap()];
    let looked_up = TypedValues::default()
        .with("receipt_code", "000.12.45.H17-261119-0042")
        .with("field_id", "dat-dai");
    let unit = || vec![(Subject::parse("so-y-te").unwrap(), None)];
    let form = |values: &TypedValues, problem: Option<&Problem>| {
        let form = RatingForm {
            context: &context(&head, Lang::Vi),
            entry,
            subjects: unit(),
            rater_kind: RaterKind::Participant,
            values,
            problem,
        };
        squeezed(&form.render())
    };
    let wrong = |field| {
        Problem::invalid(vec![FieldError {
            field,
            fault: Fault::Missing,
        }])
    };
    let sent = looked_up.clone().with("rater_kind", "participant");
    let offered = sent.clone().with("offered", "so-y-te:");
    let line = r#"<summary> <span>Hồ sơ <strong translate="no">000.12.45.H17-261119-0042</strong> · Đất đai</span>"#;

    let found = form(&looked_up, None);
    assert!(found.contains(line), "{found}");
    assert!(found.contains(r#"<details class="found">"#));
    assert!(found.contains(r#"name="offered" value="so-y-te:""#));
    assert!(
        form(&offered, Some(&wrong(FormField::Satisfaction)))
            .contains(r#"<details class="found">"#)
    );
    assert!(
        form(&offered, Some(&wrong(FormField::ReceiptSecret)))
            .contains(r#"<details class="found" open>"#)
    );
    assert!(!form(&sent, Some(&wrong(FormField::Satisfaction))).contains("<details"));
    assert!(!form(&TypedValues::default(), None).contains("<details"));
}

#[test]
fn a_deployment_names_the_items_of_the_menu() {
    let mut head = fixture::head();
    head.settings.menu.units = Some(crate::domain::catalog::Text {
        vi: "Đánh giá cung ứng DVC".into(),
        en: None,
    });

    let pages = published(&head, Lang::Vi);

    for address in ["/", "/danh-gia/don-vi/", "/huong-dan/", "/loi/404/"] {
        assert!(
            pages[address].contains(">Đánh giá cung ứng DVC</a>"),
            "{address}"
        );
    }
    assert!(pages["/danh-gia/don-vi/"].contains("<h1>Đánh giá cung ứng DVC</h1>"));
    assert!(pages["/huong-dan/"].contains("bấm «Đánh giá cung ứng DVC»."));
    assert!(pages["/"].contains(">Đánh giá công chức</a>"));
}

#[test]
fn the_typed_code_page_carries_everything_but_the_last_attempt() {
    let head = fixture::head();
    let page = TypedCodePage {
        context: &context(&head, Lang::Vi),
        action: "/api/ratings",
        values: &typed(),
        token: "a+b/c=",
        wrong: true,
    };

    let html = page.render();

    assert!(html.contains(r#"name="answers.cs3" value="equal""#));
    assert!(html.contains(r#"name="typed_token" value="a+b/c=""#));
    assert!(html.contains("/api/challenge/image?token=a%2Bb%2Fc%3D\""));
    assert!(html.contains("/api/challenge/audio?token=a%2Bb%2Fc%3D&amp;lang=vi"));
    assert!(html.contains("<title>Lỗi: Mã an toàn"));
    assert!(!html.contains("pr00f") && !html.contains("918273"));
}

#[test]
fn who_is_not_rated_has_a_notice_and_no_form() {
    let district = page("/don-vi/quan-hai-chau/danh-gia/tham-gia/");
    let official = page("/don-vi/so-y-te/can-bo/o-4/khong-tham-gia/");
    let list = page("/danh-gia/don-vi/huyen/");
    let unit = page("/don-vi/so-y-te/");

    for html in [&district, &official, &list] {
        assert!(!html.contains("<form"));
    }
    assert!(district.contains(r#"href="/don-vi/phuong-hai-chau/""#));
    assert!(district.contains("30/06/2025"));
    assert!(list.contains(r#"<a href="/don-vi/phuong-hai-chau/">Phường Hải Châu</a>"#));
    assert!(!list.contains(r#"href="/don-vi/quan-hai-chau/""#));
    assert!(unit.contains("can-bo/o-1/") && !unit.contains("can-bo/o-4/"));
}

#[test]
fn no_form_is_open_before_the_first_day() {
    let mut head = fixture::head();
    head.settings.opens = Some(date(2026, 12, 1));

    let pages = published(&head, Lang::Vi);

    assert!(pages["/"].contains("Hệ thống nhận đánh giá từ ngày 01/12/2026."));
    for (address, html) in &pages {
        assert!(!html.contains("action=\"/api/ratings\""), "{address}");
    }
}

#[test]
fn officials_are_listed_by_given_name_with_their_title() {
    let html = page("/don-vi/so-y-te/");

    let order = ["Lê Đức An", "Nguyễn Văn Ánh", "Vũ Thị Hương Quỳnh"].map(|name| html.find(name));

    assert!(order.is_sorted() && order[0].is_some());
    assert!(html.contains("Vũ Thị Hương Quỳnh</a> <small>Chuyên viên</small>"));
}

#[test]
fn the_same_catalog_gives_the_same_bytes() {
    let head = fixture::head();

    assert_eq!(published(&head, Lang::Vi), published(&head, Lang::Vi));
}
