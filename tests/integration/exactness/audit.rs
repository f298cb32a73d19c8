//! The invariant, checked after every commit: cells are the fold of the ratings without a pending mark.
//!
//! Reads the items' attributes itself, so that an error in the code under test is not made twice.

use std::collections::{BTreeMap, BTreeSet};

use super::expression::{Item, number};
use super::tables::{Change, Place};

/// Violations kept.
const KEPT: usize = 5;

type Counters = BTreeMap<String, i64>;

#[derive(Default)]
pub(super) struct Audit {
    expected: BTreeMap<Place, Counters>,
    violations: Vec<String>,
    commits: u64,
}

impl Audit {
    /// Takes one commit into account and compares every cell it could have moved.
    pub(super) fn committed(&mut self, changes: &[Change]) {
        self.commits += 1;
        let mut moved = BTreeSet::new();
        for change in changes {
            if !change.place.ratings {
                moved.insert(change.place.clone());
                continue;
            }
            if !change.place.pk.starts_with("U#") {
                continue;
            }
            for (item, sign) in [(change.old.as_ref(), -1), (Some(&change.new), 1)] {
                if let Some(item) = item.filter(|item| !item.contains_key("pend")) {
                    moved.insert(self.count(item, sign));
                }
            }
        }
        for cell in moved {
            let written = changes.iter().find(|change| change.place == cell);
            let expected = self.expected.get(&cell).cloned().unwrap_or_default();
            match written {
                Some(change) if counters(&change.new) == expected => {}
                Some(change) => self.violate(format!(
                    "{cell:?} is {:?}, its ratings say {expected:?}",
                    counters(&change.new)
                )),
                // A rating changed and its cell did not: right only if it changed nothing that counts.
                None => self.violate(format!("{cell:?} did not move with its ratings")),
            }
        }
    }

    /// Compares all cells with all ratings, from nothing.
    pub(super) fn recount<'a>(&mut self, items: impl Iterator<Item = (&'a Place, Item)>) {
        let mut cells: BTreeMap<Place, Counters> = BTreeMap::new();
        let mut folded = Self::default();
        for (place, item) in items {
            if !place.ratings {
                cells.insert(place.clone(), counters(&item));
            } else if place.pk.starts_with("U#") && !item.contains_key("pend") {
                folded.count(&item, 1);
            }
        }
        if cells != folded.expected {
            let drift: i64 = cells.values().map(|cell| cell["n"]).sum::<i64>()
                - folded.expected.values().map(|cell| cell["n"]).sum::<i64>();
            self.violate(format!("a recount finds a drift of {drift} ratings"));
        }
    }

    pub(super) fn violations(&self) -> &[String] {
        &self.violations
    }

    fn count(&mut self, item: &Item, sign: i64) -> Place {
        let text = |name: &str| {
            item.get(name)
                .map_or("", |value| value["S"].as_str().unwrap_or_default())
        };
        let place = Place {
            ratings: false,
            pk: text("PK").replacen("U#", "C#", 1),
            sk: [
                text("attestation"),
                text("official"),
                text("field"),
                text("channel"),
                &text("day")[8..],
            ]
            .join("#"),
        };
        let mut names = vec!["n".to_owned()];
        names.push(
            if text("satisfaction") == "satisfied" {
                "sat"
            } else {
                "dis"
            }
            .to_owned(),
        );
        let reasons = item.get("reasons").and_then(|set| set["SS"].as_array());
        names.extend(
            reasons
                .into_iter()
                .flatten()
                .map(|reason| format!("r:{}", reason.as_str().unwrap_or_default())),
        );
        let answers = item.get("answers").and_then(|map| map["M"].as_object());
        names.extend(answers.into_iter().flatten().map(|(question, option)| {
            format!("q:{question}:{}", option["S"].as_str().unwrap_or_default())
        }));
        if !text("void").is_empty() {
            let voided: Vec<String> = names.iter().map(|name| format!("void:{name}")).collect();
            names.extend(voided);
            names.push(format!("void_for:{}", text("void")));
        }
        let cell = self.expected.entry(place.clone()).or_default();
        for name in names {
            *cell.entry(name).or_default() += sign;
        }
        cell.retain(|_, amount| *amount != 0);
        place
    }

    fn violate(&mut self, text: String) {
        if self.violations.len() < KEPT {
            self.violations
                .push(format!("after commit {}: {text}", self.commits));
        }
    }
}

fn counters(item: &Item) -> Counters {
    let counters = item
        .iter()
        .filter(|(name, _)| *name != "PK" && *name != "SK");
    counters
        .map(|(name, value)| (name.clone(), number(value)))
        .collect()
}
