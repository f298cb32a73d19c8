//! The rating side of the site: from the home page to the forms.

use std::collections::BTreeMap;

use askama::Template;
use jiff::civil::Date;

use super::collation::{person_key, text_key};
use super::context::SiteContext;
use super::layout::{Layout, Section};
use super::rating_form::{RatingForm, ReceiptForm, TypedValues, rater_kind_path, render};
use super::{SiteFile, format};
use crate::domain::catalog::{Official, UnitEntry, UnitGroup, Validity};
use crate::domain::id::{GroupId, UnitId};
use crate::domain::rating::{RaterKind, Subject};

mod information;

#[cfg(test)]
mod tests;

/// Lists shorter than this need no filter.
const FILTERED_FROM: usize = 8;

/// Pages that stand on their own: home, groups, lists of units, receipt, thanks, guide, privacy, accessibility, errors.
#[must_use]
pub fn general_pages(context: &SiteContext, units: &BTreeMap<UnitId, UnitEntry>) -> Vec<SiteFile> {
    let mut by_group: BTreeMap<&GroupId, Vec<&UnitEntry>> = BTreeMap::new();
    for entry in units.values() {
        by_group
            .entry(&entry.unit.group_id)
            .or_default()
            .push(entry);
    }
    for entries in by_group.values_mut() {
        entries.sort_by_cached_key(|entry| text_key(&entry.unit.name.vi));
    }
    let mut files = vec![home(context)];
    for branch in [Branch::Units, Branch::Officials] {
        files.push(groups_page(context, branch, &by_group));
        for group in &context.head.groups {
            let entries = by_group.get(&group.id).map_or(&[][..], Vec::as_slice);
            files.push(units_page(context, branch, group, entries, units));
        }
    }
    let receipt = ReceiptForm {
        context,
        values: &TypedValues::default(),
        problem: None,
    };
    files.push(receipt.layout().file(receipt.render()));
    files.extend(information::pages(context));
    files
}

/// The unit, its officials and the forms that rate them.
///
/// A unit or official who is not rated on the day has the same addresses with a notice on them, so that no form published
/// before stays behind.
#[must_use]
pub fn unit_pages(context: &SiteContext, entry: &UnitEntry) -> Vec<SiteFile> {
    let values = TypedValues::default();
    let unit = Subject {
        unit_id: entry.unit.id.clone(),
        official_id: None,
    };
    let mut files = vec![unit_page(context, entry)];
    files.extend(subject_pages(context, entry, unit, None, &values));
    for official in &entry.officials {
        let subject = Subject {
            unit_id: entry.unit.id.clone(),
            official_id: Some(official.id.clone()),
        };
        files.extend(subject_pages(
            context,
            entry,
            subject,
            Some(official),
            &values,
        ));
    }
    files
}

/// Which item of the menu led to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    Units,
    Officials,
}

impl Branch {
    fn path(self) -> &'static str {
        match self {
            Self::Units => "/danh-gia/don-vi/",
            Self::Officials => "/danh-gia/cong-chuc/",
        }
    }

    fn section(self) -> Section {
        match self {
            Self::Units => Section::Units,
            Self::Officials => Section::Officials,
        }
    }

    /// Where choosing a unit leads.
    fn unit_path(self, id: &UnitId) -> String {
        match self {
            Self::Units => format!("/don-vi/{id}/danh-gia/"),
            Self::Officials => format!("/don-vi/{id}/#officials"),
        }
    }
}

#[derive(Template)]
#[template(path = "rating/home.html")]
struct HomePage<'a> {
    layout: Layout<'a>,
    opens: Option<String>,
}

fn home(context: &SiteContext) -> SiteFile {
    let page = HomePage {
        layout: Layout::new(context, "/", context.text("home.title")),
        opens: opens_notice(context),
    };
    page.layout.file(render(&page))
}

/// «Hệ thống nhận đánh giá từ ngày …», until that day.
fn opens_notice(context: &SiteContext) -> Option<String> {
    let opens = context.head.settings.opens?;
    let notice = || context.text_with("opens.notice", "date", &format::date(opens, context.lang));
    (!context.takes_ratings()).then(notice)
}

struct GroupLink {
    href: String,
    name: String,
    note: String,
}

#[derive(Template)]
#[template(path = "rating/groups.html")]
struct GroupsPage<'a> {
    layout: Layout<'a>,
    step: String,
    opens: Option<String>,
    groups: Vec<GroupLink>,
    historical: Vec<GroupLink>,
}

fn groups_page(
    context: &SiteContext,
    branch: Branch,
    by_group: &BTreeMap<&GroupId, Vec<&UnitEntry>>,
) -> SiteFile {
    let link = |group: &UnitGroup, note: String| GroupLink {
        href: context.href(&format!("{}{}/", branch.path(), group.id)),
        name: group.name.get(context.lang).to_owned(),
        note,
    };
    let mut groups = Vec::new();
    let mut historical = Vec::new();
    for group in &context.head.groups {
        if group.validity.holds(context.today) {
            let entries = by_group.get(&group.id).map_or(&[][..], Vec::as_slice);
            let open = entries
                .iter()
                .filter(|entry| entry.unit.validity.holds(context.today));
            groups.push(link(group, unit_count(context, open.count())));
        } else if let Some(end) = ended(group.validity, context.today) {
            let end = format::date(end, context.lang);
            historical.push(link(group, context.text_with("groups.until", "date", &end)));
        }
    }
    let page = GroupsPage {
        layout: Layout::new(context, branch.path(), context.menu(branch.section()))
            .section(branch.section()),
        step: context.text_with("layout.step", "step", "1"),
        opens: opens_notice(context),
        groups,
        historical,
    };
    page.layout.file(render(&page))
}

fn unit_count(context: &SiteContext, count: usize) -> String {
    let key = match count {
        1 => "groups.count_one",
        _ => "groups.count_other",
    };
    context.text_with(key, "count", &format::number(count as u64, context.lang))
}

/// The last day, once it has passed.
fn ended(validity: Validity, today: Date) -> Option<Date> {
    validity.to.filter(|to| *to < today)
}

struct UnitLink {
    href: String,
    name: String,
}

struct ClosedUnit {
    name: String,
    note: String,
    successor: Option<UnitLink>,
    results_href: Option<String>,
}

#[derive(Template)]
#[template(path = "rating/units.html")]
struct UnitsPage<'a> {
    layout: Layout<'a>,
    step: String,
    group: String,
    notice: Option<String>,
    opens: Option<String>,
    units: Vec<UnitLink>,
    closed: Vec<ClosedUnit>,
    filtered: bool,
}

fn units_page(
    context: &SiteContext,
    branch: Branch,
    group: &UnitGroup,
    entries: &[&UnitEntry],
    all: &BTreeMap<UnitId, UnitEntry>,
) -> SiteFile {
    let lang = context.lang;
    let mut units = Vec::new();
    let mut closed = Vec::new();
    for UnitEntry { unit, .. } in entries {
        let name = unit.name.get(lang).to_owned();
        if unit.validity.holds(context.today) {
            let href = context.href(&branch.unit_path(&unit.id));
            units.push(UnitLink { href, name });
            continue;
        }
        let successor = unit.successor.as_ref().and_then(|id| all.get(id));
        closed.push(ClosedUnit {
            name,
            note: validity_note(context, unit.validity),
            successor: successor.map(|entry| UnitLink {
                href: context.href(&format!("/don-vi/{}/", entry.unit.id)),
                name: entry.unit.name.get(lang).to_owned(),
            }),
            results_href: ended(unit.validity, context.today)
                .map(|_| context.href(&format!("/ket-qua/don-vi/{}/", unit.id))),
        });
    }
    let name = group.name.get(lang);
    let ended = ended(group.validity, context.today);
    let filtered = units.len() >= FILTERED_FROM;
    let mut layout = Layout::new(
        context,
        format!("{}{}/", branch.path(), group.id),
        format!("{}: {name}", context.menu(branch.section())),
    )
    .section(branch.section())
    .below(context.menu(branch.section()), branch.path());
    if filtered {
        layout = layout.scripts(&["js/list-filter.js"]);
    }
    let page = UnitsPage {
        layout,
        step: context.text_with("layout.step", "step", "2"),
        group: name.to_owned(),
        notice: ended.map(|date| {
            context.text_with(
                "groups.historical_notice",
                "date",
                &format::date(date, lang),
            )
        }),
        opens: opens_notice(context),
        units,
        closed,
        filtered,
    };
    page.layout.file(render(&page))
}

fn validity_note(context: &SiteContext, validity: Validity) -> String {
    let text = |key, date| context.text_with(key, "date", &format::date(date, context.lang));
    match (ended(validity, context.today), validity.from) {
        (Some(to), _) => text("units.closed_until", to),
        (None, Some(from)) => text("units.opens_from", from),
        (None, None) => String::new(),
    }
}

struct OfficialLink<'a> {
    href: String,
    name: &'a str,
    title: &'a str,
    photo: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "rating/unit.html")]
struct UnitPage<'a> {
    layout: Layout<'a>,
    group: &'a str,
    opens: Option<String>,
    rate_href: String,
    rate_hint: String,
    officials: Vec<OfficialLink<'a>>,
    filtered: bool,
    results_href: String,
}

fn unit_page(context: &SiteContext, entry: &UnitEntry) -> SiteFile {
    let (unit, lang) = (&entry.unit, context.lang);
    let layout = unit_layout(context, entry, format!("/don-vi/{}/", unit.id));
    if !unit.validity.holds(context.today) {
        return closed_page(context, entry, layout, None);
    }
    let mut serving: Vec<&Official> = entry
        .officials
        .iter()
        .filter(|official| official.validity.holds(context.today))
        .collect();
    serving.sort_by_cached_key(|official| person_key(&official.name));
    let officials = serving.iter().map(|official| OfficialLink {
        href: context.href(&format!("/don-vi/{}/can-bo/{}/", unit.id, official.id)),
        name: &official.name,
        title: official.title.get(lang),
        photo: official.photo.as_deref(),
    });
    let filtered = serving.len() >= FILTERED_FROM;
    let page = UnitPage {
        layout: match filtered {
            true => layout.scripts(&["js/list-filter.js"]),
            false => layout,
        },
        group: group_name(context, &unit.group_id).unwrap_or_default(),
        opens: opens_notice(context),
        rate_href: context.href(&format!("/don-vi/{}/danh-gia/", unit.id)),
        rate_hint: context.text_with("unit.rate_hint", "unit", unit.name.get(lang)),
        officials: officials.collect(),
        filtered,
        results_href: context.href(&format!("/ket-qua/don-vi/{}/", unit.id)),
    };
    page.layout.file(render(&page))
}

fn unit_layout<'a>(context: &SiteContext<'a>, entry: &UnitEntry, path: String) -> Layout<'a> {
    let (unit, lang) = (&entry.unit, context.lang);
    let branch = Branch::Units;
    let layout = Layout::new(context, path, unit.name.get(lang))
        .section(branch.section())
        .below(context.menu(branch.section()), branch.path());
    match group_name(context, &unit.group_id) {
        Some(name) => layout.below(name, format!("{}{}/", branch.path(), unit.group_id)),
        None => layout,
    }
}

fn group_name<'a>(context: &SiteContext<'a>, id: &GroupId) -> Option<&'a str> {
    let group = context.head.groups.iter().find(|group| group.id == *id)?;
    Some(group.name.get(context.lang))
}

#[derive(Template)]
#[template(path = "rating/kind.html")]
struct KindPage<'a> {
    layout: Layout<'a>,
    step: String,
    heading: String,
    caption: String,
    photo: Option<&'a str>,
    participant_href: String,
    non_participant_href: String,
}

/// The page that asks whether the rater took part, and the two forms behind it.
fn subject_pages(
    context: &SiteContext,
    entry: &UnitEntry,
    subject: Subject,
    official: Option<&Official>,
    values: &TypedValues,
) -> [SiteFile; 3] {
    let (unit, today) = (&entry.unit, context.today);
    let serves = official.is_none_or(|official| official.validity.holds(today));
    let open = unit.validity.holds(today) && serves && context.takes_ratings();
    let path = rater_kind_path(&subject);
    let forms = [RaterKind::Participant, RaterKind::NonParticipant].map(|rater_kind| RatingForm {
        context,
        entry,
        subjects: vec![(subject.clone(), None)],
        rater_kind,
        values,
        problem: None,
    });
    let [participant, non_participant] = &forms;
    if !open {
        let closed = |layout: Layout| closed_page(context, entry, layout, official);
        let mut layout = participant.layout(official).scripts(&[]);
        layout.path = path;
        return [
            closed(layout),
            closed(participant.layout(official).scripts(&[])),
            closed(non_participant.layout(official).scripts(&[])),
        ];
    }
    let mut layout = participant.layout(official).scripts(&[]);
    layout.path = path;
    let name = official.map_or(unit.name.get(context.lang), |official| &official.name);
    let page = KindPage {
        step: context.text_with("layout.step", "step", "3"),
        heading: context.text_with("kind.title_unit", "subject", name),
        caption: official.map_or_else(String::new, |official| {
            let title = official.title.get(context.lang);
            format!("{title} · {}", unit.name.get(context.lang))
        }),
        photo: official.and_then(|official| official.photo.as_deref()),
        participant_href: context.href(&participant.path()),
        non_participant_href: context.href(&non_participant.path()),
        layout,
    };
    [
        page.layout.file(render(&page)),
        participant.file(official),
        non_participant.file(official),
    ]
}

#[derive(Template)]
#[template(path = "rating/closed.html")]
struct ClosedPage<'a> {
    layout: Layout<'a>,
    heading: String,
    caption: String,
    notice: String,
    successor_href: Option<String>,
    unit_href: Option<String>,
    results_href: String,
}

/// The page of a unit or official who is not rated on the day.
fn closed_page(
    context: &SiteContext,
    entry: &UnitEntry,
    mut layout: Layout,
    official: Option<&Official>,
) -> SiteFile {
    let (unit, lang) = (&entry.unit, context.lang);
    let unit_open = unit.validity.holds(context.today);
    let notice = if !unit_open {
        let note = validity_note(context, unit.validity);
        format!("{} {note}", context.text("closed.unit"))
    } else if let Some(opens) = opens_notice(context) {
        opens
    } else {
        context.text("closed.official").into_owned()
    };
    layout.indexed = false;
    let unit_name = unit.name.get(lang);
    let page = ClosedPage {
        heading: official.map_or_else(|| unit_name.to_owned(), |official| official.name.clone()),
        caption: official.map_or_else(String::new, |official| {
            format!("{} · {unit_name}", official.title.get(lang))
        }),
        notice: notice.trim_end().to_owned(),
        successor_href: unit
            .successor
            .as_ref()
            .filter(|_| !unit_open)
            .map(|id| context.href(&format!("/don-vi/{id}/"))),
        unit_href: unit_open.then(|| context.href(&format!("/don-vi/{}/", unit.id))),
        results_href: context.href(&format!("/ket-qua/don-vi/{}/", unit.id)),
        layout,
    };
    page.layout.file(render(&page))
}
