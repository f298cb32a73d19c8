//! The lists of a unit's counted ratings, and the page that looks a tracker up in them.

use askama::Template;
use data_encoding::HEXLOWER;

use crate::domain::catalog::UnitEntry;
use crate::domain::id::UnitId;
use crate::domain::month_seal::CLOSED_AFTER_DAYS;
use crate::domain::period::{Month, Period};
use crate::domain::proof::list::{CountedList, Summaries, Summary};
use crate::site::context::SiteContext;
use crate::site::layout::{Layout, Section};
use crate::site::{Cache, SiteFile, format};

use super::wording::{fill, number};

/// Path of the page of `unit`, in the Vietnamese tree.
#[must_use]
pub fn counted_path(unit: &UnitId) -> String {
    format!("/ket-qua/don-vi/{unit}/kiem-dem/")
}

/// Path of the list of `unit` and `month`; the same for both trees.
#[must_use]
pub fn list_path(unit: &UnitId, month: Month) -> String {
    format!("{}{month}.json", counted_path(unit))
}

/// A list as it is published.
#[must_use]
pub fn list_file(list: &CountedList) -> SiteFile {
    SiteFile {
        path: list_path(&list.unit_id, list.month),
        content_type: "application/json",
        cache: Cache::Page,
        bytes: list.to_json().into_bytes(),
    }
}

#[derive(Template)]
#[template(path = "results/counted.html")]
struct CountedPage<'a> {
    layout: Layout<'a>,
    when: String,
    /// Newest first.
    lists: Vec<ListRow>,
}

struct ListRow {
    month: String,
    path: String,
    entries: String,
    until: String,
    root: String,
    /// What is said of a tracker that is not in it.
    absent: String,
}

/// The page of one unit in the context's language; there is one before there is a list.
#[must_use]
pub fn counted_page(context: &SiteContext, entry: &UnitEntry, lists: &Summaries) -> SiteFile {
    let unit = entry.unit.name.get(context.lang);
    let path = counted_path(&entry.unit.id);
    let mut layout = Layout::new(
        context,
        path,
        context.text_with("counted.title", "unit", unit),
    )
    .section(Section::Results)
    .below(context.text("results.title"), "/ket-qua/")
    .below(
        context.text_with("results.unit_title", "unit", unit),
        format!("/ket-qua/don-vi/{}/", entry.unit.id),
    );
    if !lists.is_empty() {
        layout = layout.scripts(&["js/count-check.js"]);
    }
    let k = number(context, u64::from(context.head.settings.min_new_ratings));
    let days = CLOSED_AFTER_DAYS.to_string();
    let page = CountedPage {
        when: fill(context, "counted.when", &[("k", &k), ("days", &days)]),
        lists: lists
            .iter()
            .rev()
            .map(|(month, summary)| row(context, &entry.unit.id, *month, summary))
            .collect(),
        layout,
    };
    let html = page.render().expect("the template writes to memory");
    page.layout.file(html)
}

fn row(context: &SiteContext, unit: &UnitId, month: Month, summary: &Summary) -> ListRow {
    let name = format::period(Period::Month(month), context.lang);
    let day = format::date(summary.newest.day, context.lang);
    let closes = format::date(CountedList::closes(month), context.lang);
    let (until, absent) = match summary.closed {
        true => ("counted.closed", "counted.absent_closed"),
        false => ("counted.until", "counted.absent_open"),
    };
    let values: [(&str, &str); 3] = [("month", &name), ("day", &day), ("closes", &closes)];
    ListRow {
        path: list_path(unit, month),
        entries: number(context, summary.newest.entries),
        until: fill(context, until, &values),
        root: HEXLOWER.encode(&summary.newest.root),
        absent: fill(context, absent, &values),
        month: name,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::proof::Entries;
    use crate::domain::proof::list::Growth;
    use crate::domain::rating::RatingId;
    use crate::keyring::Keyring;

    /// What the browser's module is tested with: 7 entries in two nights, and the tracker of the first.
    #[test]
    fn the_list_the_browser_is_tested_with_is_one_of_ours() {
        let key = Keyring::from_hex(&"0f".repeat(32)).unwrap().proof_key();
        let month = Month {
            year: 2026,
            month: 11,
        };
        let trackers: Vec<_> = (0..7_u8)
            .map(|n| key.tracker(&RatingId(n.to_string())))
            .collect();
        let mut list = CountedList::new(UnitId::parse("hai-chau").unwrap(), month);
        for (all, day) in [(3, 2), (7, 4)] {
            let numbered = trackers[..all].iter().zip(0_u8..);
            let counted: Entries = numbered
                .map(|(tracker, n)| (tracker.hash(), [n; 32]))
                .collect();
            let growth = Growth {
                min_new_ratings: 3,
                today: date(2026, 11, day),
                at_once: false,
            };
            list = list.advance(&counted, growth).unwrap().unwrap();
        }
        let fixture = format!(
            "{{\"tracker\":\"{}\",\"list\":{}}}\n",
            trackers[0],
            list.to_json().trim_end()
        );

        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/js/fixtures/counted.json"
        );
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(path, &fixture).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), fixture);
    }
}
