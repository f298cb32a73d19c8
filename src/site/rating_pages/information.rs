//! Pages that only say something: guide, privacy, recount, accessibility, errors.

use askama::Template;

use super::super::SiteFile;
use super::super::context::SiteContext;
use super::super::format;
use super::super::guide;
use super::super::layout::Layout;
use super::super::package::{HEAD_PATH, SUMS_PATH};
use super::super::rating_form::render;
use crate::domain::rating::SUGGESTION_DAYS;
use crate::domain::receipt::RECEIPT_DAYS;

/// All of them.
pub(super) fn pages(context: &SiteContext) -> Vec<SiteFile> {
    let layout = |path: &str, key: &str| Layout::new(context, path, context.text(key));
    let unlisted = |path: &str, key: &str| {
        let mut layout = layout(path, key);
        layout.indexed = false;
        layout
    };
    let kept = |key: &str, days: u64| {
        let days = format::number(days, context.lang);
        context.text_with(key, "days", &days)
    };
    let privacy = PrivacyPage {
        layout: layout("/rieng-tu/", "privacy.title").scripts(&["js/shared-device.js"]),
        receipt_period: kept(
            "privacy.kept.receipt_days",
            RECEIPT_DAYS.unsigned_abs().into(),
        ),
        phone_period: kept(
            "privacy.kept.phone_days",
            context.head.settings.retention_days.into(),
        ),
        suggestion_period: kept("privacy.kept.days", SUGGESTION_DAYS.unsigned_abs()),
    };
    let recount = RecountPage {
        layout: layout("/kiem-dem/", "recount.title"),
        sums: SUMS_PATH,
        head: HEAD_PATH,
    };
    let accessibility = AccessibilityPage {
        layout: layout("/tro-nang/", "accessibility.title"),
    };
    let not_found = NotFoundPage {
        layout: unlisted("/loi/404/", "not_found.title"),
    };
    let fault = FaultPage {
        layout: unlisted("/loi/500/", "fault.title"),
    };
    vec![
        guide::page(context),
        privacy.layout.file(render(&privacy)),
        recount.layout.file(render(&recount)),
        accessibility.layout.file(render(&accessibility)),
        not_found.layout.file(render(&not_found)),
        fault.layout.file(render(&fault)),
    ]
}

#[derive(Template)]
#[template(path = "info/privacy.html")]
struct PrivacyPage<'a> {
    layout: Layout<'a>,
    receipt_period: String,
    phone_period: String,
    suggestion_period: String,
}

#[derive(Template)]
#[template(path = "info/recount.html")]
struct RecountPage<'a> {
    layout: Layout<'a>,
    sums: &'static str,
    head: &'static str,
}

#[derive(Template)]
#[template(path = "info/accessibility.html")]
struct AccessibilityPage<'a> {
    layout: Layout<'a>,
}

#[derive(Template)]
#[template(path = "info/not-found.html")]
struct NotFoundPage<'a> {
    layout: Layout<'a>,
}

#[derive(Template)]
#[template(path = "info/fault.html")]
struct FaultPage<'a> {
    layout: Layout<'a>,
}
