//! Dollars: what was measured, at the public prices, for a million ratings and for a year at three scales.

use super::{Publications, Reconciles, Step, Stored};
use crate::table::{Section, figure};

/// Prices in US dollars: us-east-1, tables on demand, functions on arm64, as known in November 2026.
mod price {
    /// A request of an HTTP API.
    pub(super) const API: f64 = 1.00e-6;
    /// A request of Lambda.
    pub(super) const CALL: f64 = 0.20e-6;
    /// A gigabyte-second of Lambda.
    pub(super) const GIGABYTE_SECOND: f64 = 13.333_4e-6;
    /// A write unit.
    pub(super) const WRITE: f64 = 0.625e-6;
    /// A read unit.
    pub(super) const READ: f64 = 0.125e-6;
    /// A gigabyte of a table for a month, with point-in-time recovery.
    pub(super) const STORED: f64 = 0.25 + 0.20;
    /// An object put.
    pub(super) const PUT: f64 = 5.00e-6;
    /// A gigabyte of objects for a month.
    pub(super) const KEPT: f64 = 0.023;
    /// A request that the web ACL looks at.
    pub(super) const INSPECTED: f64 = 0.60e-6;
    /// What is paid a year without a single rating: a KMS key, five secrets, 21 alarms, a dashboard, and a web ACL of seven
    /// rules.
    pub(super) const STANDING: f64 =
        12.0 * (1.00 + 5.0 * 0.40 + 21.0 * 0.10 + 3.00 + 5.00 + 7.0 * 1.00);
}

/// Gigabytes of the functions behind the API and the stream, of reconcile, and of publish.
const SMALL: f64 = 0.25;
const MIDDLE: f64 = 0.5;
const LARGE: f64 = 1.0;
/// Gigabytes that bring one processor.
const PROCESSOR: f64 = 1.769;
/// Seconds a request waits for the tables, assumed.
const WAIT: f64 = 0.005;
/// Runs of the schedules a year: every quarter of an hour, every hour.
const RECONCILES: f64 = 4.0 * 24.0 * 365.0;
const PUBLICATIONS: f64 = 24.0 * 365.0;
/// Seconds one run of reconcile works at most, before it leaves the rest to the next.
const RECONCILE_SECONDS: f64 = 570.0;
/// Hours a year in which offices are open, and so pages change.
const OPEN_HOURS: f64 = 2_000.0;
/// New ratings a publication waits for.
const COMPANY: f64 = 5.0;
/// Requests reconcile and publish have on their way at once.
const AT_ONCE: f64 = 8.0;

/// Everything the dollars are made of.
pub(super) struct Model {
    pub(super) code: Step,
    pub(super) looked_up: Step,
    pub(super) saved: Step,
    /// In batches of one, and of ten.
    pub(super) counted: [Step; 2],
    pub(super) reconciled: Reconciles,
    pub(super) published: Publications,
    pub(super) stored: Stored,
}

/// Who uses it.
struct Place {
    name: &'static str,
    units: f64,
    /// Ratings a year.
    ratings: f64,
    /// Which of [`Model::counted`].
    batch: usize,
}

const PLACES: [Place; 3] = [
    Place {
        name: "commune",
        units: 1.0,
        ratings: 30_000.0,
        batch: 0,
    },
    Place {
        name: "province",
        units: 94.0,
        ratings: 1e6,
        batch: 0,
    },
    Place {
        name: "country",
        units: 3_321.0,
        ratings: 100e6,
        batch: 1,
    },
];

impl Step {
    fn objects(&self) -> f64 {
        self.each(super::counted(self.objects.requests))
    }

    fn tables(&self) -> f64 {
        self.read() * price::READ + self.write() * price::WRITE
    }

    /// Dollars of Lambda for the step done once, by a function of so many gigabytes that is called `calls` times for it.
    fn lambda(&self, gigabytes: f64, calls: f64, at_once: f64) -> f64 {
        let seconds = self.seconds(gigabytes, at_once);
        calls * price::CALL + seconds * gigabytes * price::GIGABYTE_SECOND
    }

    /// Seconds the step takes once.
    fn seconds(&self, gigabytes: f64, at_once: f64) -> f64 {
        let requests = self.each(super::counted(
            self.consumed.requests + self.objects.requests,
        ));
        self.cpu() * PROCESSOR / gigabytes + requests * WAIT / at_once
    }
}

impl Model {
    /// A million ratings, each looked up, saved and counted.
    pub(super) fn per_million(&self) -> Section {
        let headings = [
            "a million ratings, US dollars",
            "tables",
            "Lambda",
            "HTTP API",
            "web ACL",
        ];
        let mut grid = vec![headings.map(str::to_owned).to_vec()];
        let steps = [
            ("each of two security codes", self.code, 1.0, 1.0),
            ("looked up", self.looked_up, 1.0, 1.0),
            ("saved", self.saved, 1.0, 1.0),
            ("counted one by one", self.counted[0], 1.0, 0.0),
            ("counted in batches of 10", self.counted[1], 0.1, 0.0),
        ];
        for (name, step, calls, requests) in steps {
            let lambda = step.lambda(SMALL, calls, 1.0);
            let api = requests * price::API;
            let inspected = requests * price::INSPECTED;
            let row = [step.tables(), lambda, api, inspected].map(|each| figure(each * 1e6));
            grid.push([vec![name.to_owned()], row.to_vec()].concat());
        }
        Section {
            title: "Cost: what each rating costs".to_owned(),
            lines: Vec::new(),
            grid,
        }
    }

    /// A year of a commune, a province and the country.
    pub(super) fn per_year(&self) -> Section {
        let mut grid = vec![vec!["a year, US dollars".to_owned()]];
        for place in &PLACES {
            grid[0].push(format!(
                "{}: {} units, {} ratings",
                place.name,
                figure(place.units),
                figure(place.ratings)
            ));
        }
        let years = PLACES.map(|place| self.year(&place));
        for (index, (name, _)) in years[0].iter().enumerate() {
            let row = years.iter().map(|year| figure(year[index].1));
            grid.push(std::iter::once((*name).to_owned()).chain(row).collect());
        }
        let sums = years
            .iter()
            .map(|year| year.iter().map(|(_, cost)| cost).sum());
        let row = sums.map(|sum: f64| figure(sum));
        grid.push(std::iter::once("together".to_owned()).chain(row).collect());
        Section {
            title: "Cost: a year at three scales, schedules as delivered".to_owned(),
            lines: Vec::new(),
            grid,
        }
    }

    fn year(&self, place: &Place) -> Vec<(&'static str, f64)> {
        let Place { units, ratings, .. } = *place;
        let counted = &self.counted[place.batch];
        let steps = [
            &self.code,
            &self.code,
            &self.looked_up,
            &self.saved,
            counted,
        ];
        let tables: f64 = steps.iter().map(|step| step.tables()).sum();
        let calls = [1.0, 1.0, 1.0, 1.0, if place.batch == 0 { 1.0 } else { 0.1 }];
        let lambda: f64 = steps
            .iter()
            .zip(calls)
            .map(|(step, calls)| step.lambda(SMALL, calls, 1.0))
            .sum();

        let Reconciles { month, rating } = &self.reconciled;
        // The whole last month, and half of this one.
        let compared = ratings / 12.0 * 1.5;
        let reconcile_tables = 2.0 * units * month.tables() + compared * rating.tables();
        let seconds = 2.0 * units * month.seconds(MIDDLE, AT_ONCE)
            + compared * rating.seconds(MIDDLE, AT_ONCE);
        // What does not fit into a run is left to the next.
        let runs = RECONCILES * (RECONCILE_SECONDS / seconds).min(1.0);
        let reconcile_lambda = 2.0 * units * month.lambda(MIDDLE, 0.0, AT_ONCE)
            + compared * rating.lambda(MIDDLE, 0.0, AT_ONCE)
            + price::CALL;

        let Publications {
            idle,
            above,
            changed,
            bytes,
        } = &self.published;
        let changes = (units * OPEN_HOURS).min(ratings / COMPANY);
        let openings = changes.min(OPEN_HOURS);
        let every = PUBLICATIONS * units;
        let publish_tables =
            every * idle.tables() + openings * above.tables() + changes * changed.tables();
        let publish_lambda = PUBLICATIONS * price::CALL
            + every * idle.lambda(LARGE, 0.0, AT_ONCE)
            + openings * above.lambda(LARGE, 0.0, AT_ONCE)
            + changes * changed.lambda(LARGE, 0.0, AT_ONCE);
        let puts = (openings * above.objects() + changes * changed.objects()) * price::PUT;
        // The lists read this month's ratings once a night.
        let lists = 365.0 * ratings / 12.0 * 0.5 * rating.tables();
        let Stored {
            receipt,
            rating,
            cell,
        } = self.stored;
        let stored = ratings * (receipt + rating + cell) / 1e9;
        vec![
            ("rating: tables", ratings * tables),
            ("rating: Lambda", ratings * lambda),
            ("rating: HTTP API", ratings * 4.0 * price::API),
            ("rating: web ACL", ratings * 4.0 * price::INSPECTED),
            ("reconcile: tables", runs * reconcile_tables),
            ("reconcile: Lambda", runs * reconcile_lambda),
            ("publish: tables", publish_tables + lists),
            ("publish: Lambda", publish_lambda),
            ("publish: objects put", puts),
            (
                "a year's ratings kept for a year",
                stored * 12.0 * price::STORED,
            ),
            (
                "the site kept for a year",
                units * bytes / 1e9 * 12.0 * price::KEPT,
            ),
            ("standing", price::STANDING),
        ]
    }
}
