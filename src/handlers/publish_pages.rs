//! On a schedule: release what may be shown, render what changed, write what differs.

mod counted_lists;

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::domain::catalog::{CatalogHead, Settings, UnitEntry};
use crate::domain::id::{OfficialId, UnitId};
use crate::domain::period::{Month, Quarter, local_date};
use crate::domain::proof::list::CountedList;
use crate::domain::publication::{
    DossierCounts, QuarterThresholds, Release, Step, Thresholds, UnitResults, release, results,
    thresholds, unverified,
};
use crate::domain::tally::{CellKey, Tally};
use crate::keyring::ProofKey;
use crate::metric;
use crate::openapi;
use crate::site::bucket::{Bucket, BucketError};
use crate::site::{Cache, SiteFile, package, results as result_pages};
use crate::store::release::{Digests, Manifest, Replaced, StoredRelease, UnitReleases};
use crate::store::{Store, StoreError};

/// Units worked on at once.
const CONCURRENCY: usize = 16;
/// Units that may fail before a run gives up: more of them means that the tables or the bucket do.
const MOST_FAILED: usize = 20;
/// Objects written at once, of all units together: each has a connection of its own.
const WRITES: usize = 32;

/// Publishing stopped; what was written before is complete and stays.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The tables failed.
    #[error("publishing could not use the tables")]
    Store(#[from] StoreError),
    /// The bucket failed.
    #[error("publishing could not use the bucket")]
    Bucket(#[from] BucketError),
    /// Some units keep their last pages; all others were published.
    #[error("{0} units could not be published")]
    Units(usize),
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct PublishReport {
    /// Units looked at.
    pub units: usize,
    /// Units whose release moved.
    pub released: usize,
    /// Objects written.
    pub written: usize,
    /// Objects rendered that were the same as before.
    pub unchanged: usize,
    /// Ratings of today and yesterday that are flagged: their subject got more unverified ones than the bound.
    pub flagged: u64,
}

impl PublishReport {
    fn add(&mut self, other: Self) {
        self.units += other.units;
        self.released += other.released;
        self.written += other.written;
        self.unchanged += other.unchanged;
        self.flagged += other.flagged;
    }
}

/// Publishes every unit of the catalog in force, and the pages above them, unless another process publishes.
///
/// # Errors
/// [`PublishError`] when the tables or the bucket fail; the next run takes up where this one stopped.
pub async fn handle(
    store: &Store,
    bucket: &Bucket,
    proof_key: &ProofKey,
    now: Timestamp,
) -> Result<PublishReport, PublishError> {
    let Some(lease) = store.take_lease(now).await? else {
        tracing::info!(route = "publish-pages", "another process publishes");
        return Ok(PublishReport::default());
    };
    let published = publish(store, bucket, proof_key, now).await;
    if let Err(error) = store.give_lease_back(&lease).await {
        tracing::warn!(route = "publish-pages", error = %crate::log::chain(&error), "the lease runs out by itself");
    }
    published
}

async fn publish(
    store: &Store,
    bucket: &Bucket,
    proof_key: &ProofKey,
    now: Timestamp,
) -> Result<PublishReport, PublishError> {
    let Some(version) = store.catalog_version().await? else {
        return Ok(PublishReport::default());
    };
    let Some(head) = store.catalog_head(&version).await? else {
        return Ok(PublishReport::default());
    };
    let units = store.catalog_units(&version).await?;
    let run = Run {
        store,
        bucket,
        proof_key,
        head: &head,
        head_part: digest(&package::head_part(&head, local_date(now), units.keys()).bytes),
        thresholds: quarter_thresholds(store, &head.settings, local_date(now)).await?,
        today: local_date(now),
        writes: Semaphore::new(WRITES),
    };

    let mut report = PublishReport::default();
    let mut all_results = BTreeMap::new();
    let mut objects = Digests::new();
    let each: Vec<_> = units
        .values()
        .map(|entry| {
            let published = run.publish_unit(entry);
            published
                .map(|published| (&entry.unit.id, published))
                .boxed()
        })
        .collect();
    let mut each = futures::stream::iter(each).buffer_unordered(CONCURRENCY);
    let (mut failed, mut is_whole) = (0, true);
    while let Some((unit, published)) = each.next().await {
        let (results, of_unit) = match published {
            Ok((results, of_unit, report_of_unit)) => {
                report.add(report_of_unit);
                (results, of_unit)
            }
            Err(error) => {
                failed += 1;
                if failed > MOST_FAILED {
                    return Err(error);
                }
                tracing::error!(route = "publish-pages", %unit, error = %crate::log::chain(&error), "a unit could not be published");
                let Some(last) = run.last_published(unit).await else {
                    is_whole = false;
                    continue;
                };
                last
            }
        };
        objects.extend(of_unit);
        all_results.insert(unit.clone(), results);
    }
    metric::count("PublishFailedUnits", failed as u64);
    metric::count("FlaggedRatings", report.flagged);
    // Without the last figures of a unit that failed, the overview would take them off.
    if is_whole {
        report.add(run.publish_overview(&units, &all_results, objects).await?);
    }
    if report.written > 0 {
        tracing::info!(
            route = "publish-pages",
            units = report.units,
            released = report.released,
            written = report.written,
            "pages published"
        );
    }
    match failed {
        0 => Ok(report),
        _ => Err(PublishError::Units(failed)),
    }
}

struct Run<'a> {
    store: &'a Store,
    bucket: &'a Bucket,
    proof_key: &'a ProofKey,
    head: &'a CatalogHead,
    /// Digest of the package's part that is common to all units.
    head_part: String,
    /// Of every quarter that began since thresholds are kept.
    thresholds: BTreeMap<Quarter, QuarterThresholds>,
    today: Date,
    writes: Semaphore,
}

/// The thresholds of every quarter that began, the present one among them; a catalog that changes them in its course waits
/// for the next.
async fn quarter_thresholds(
    store: &Store,
    settings: &Settings,
    today: Date,
) -> Result<BTreeMap<Quarter, QuarterThresholds>, StoreError> {
    loop {
        let mut stored = store.quarter_thresholds().await?;
        let kept = stored.by_quarter.len();
        for quarter in open_quarters(today) {
            if stored.by_quarter.contains_key(&quarter) {
                continue;
            }
            let before = stored.by_quarter.range(..quarter).next_back();
            let approvals = match before {
                Some(_) => store.loosening_approvals(quarter).await?,
                None => Vec::new(),
            };
            let begun = QuarterThresholds::begin(
                quarter,
                Thresholds::of(settings),
                before.map(|(_, thresholds)| thresholds),
                thresholds::agreed(&approvals),
                today,
            );
            stored.by_quarter.insert(quarter, begun);
        }
        // Where another run was faster, what it kept holds.
        if stored.by_quarter.len() == kept
            || store.put_quarter_thresholds(&stored).await? == Replaced::Replaced
        {
            return Ok(stored.by_quarter);
        }
    }
}

/// Quarters whose cells may still grow on `today`: this one, and the last for ratings counted late.
fn open_quarters(today: Date) -> [Quarter; 2] {
    let this = Month::of(today).quarter();
    [this.previous(), this]
}

/// What was counted of a unit in a quarter.
struct CountedQuarter {
    cells: BTreeMap<CellKey, Tally>,
    /// Whether the quarter is over and every month of it is sealed.
    is_closed: bool,
}

impl Run<'_> {
    async fn publish_unit(
        &self,
        entry: &UnitEntry,
    ) -> Result<(UnitResults, Digests, PublishReport), PublishError> {
        let unit = &entry.unit.id;
        let mut releases = self.store.releases(unit).await?;
        let mut released = false;
        let mut counted = BTreeMap::new();
        let mut flagged = 0;
        for quarter in open_quarters(self.today) {
            let of_quarter = self.counted(unit, quarter).await?;
            flagged += self.flagged(unit, &of_quarter.cells);
            for (cell, tally) in &of_quarter.cells {
                *counted.entry(cell.month).or_default() += tally.rated();
            }
            if !releases.is_frozen {
                released |= self
                    .advance(unit, quarter, &of_quarter, &mut releases)
                    .await?;
            }
        }
        let is_frozen = releases.is_frozen;
        if !is_frozen {
            self.keep_thresholds(unit, &mut releases).await?;
        }
        if is_frozen {
            // Lists rest like figures: what would come in is under dispute.
            counted.clear();
        }
        let (lists, lists_written) = self.grow_lists(unit, &counted).await?;
        let releases: BTreeMap<Quarter, Release> = releases
            .by_quarter
            .into_iter()
            .map(|(quarter, stored)| (quarter, stored.release))
            .collect();
        let dossiers = self.dossiers(unit, &releases).await?;
        let results = UnitResults {
            is_frozen,
            thresholds: self.thresholds_of(&releases),
            ..results::unit_results(
                unit.clone(),
                &releases,
                &dossiers,
                &self.head.settings.counted_strata(),
            )
        };

        let results = results.shown();
        let render = || package::unit_files(self.head, self.today, entry, &results, &lists);
        let mut lists_by_path = Digests::new();
        for (month, list) in &lists {
            let path = result_pages::list_path(unit, *month);
            lists_by_path.insert(path, HEXLOWER.encode(&list.file));
        }
        let part = package::unit_part(entry, &results);
        let mut inputs = lists_by_path.clone();
        inputs.insert(part.path, digest(&part.bytes));
        let (manifest, written, unchanged) = self.write(Some(unit), inputs, render).await?;
        let mut objects = manifest.objects;
        objects.extend(lists_by_path);
        let report = PublishReport {
            units: 1,
            released: usize::from(released),
            written: written + lists_written,
            unchanged,
            flagged,
        };
        Ok((results, objects, report))
    }

    /// What was last published of a unit, and its objects; none where that cannot be read, or was never published.
    async fn last_published(&self, unit: &UnitId) -> Option<(UnitResults, Digests)> {
        let path = package::unit_path(unit);
        let part = self.bucket.get(package::key(&path).as_str()).await.ok()??;
        let part = package::UnitPart::from_json(&part).ok()?;
        let mut objects = self.store.manifest(Some(unit)).await.ok()?.objects;
        if objects.is_empty() {
            return None;
        }
        for (month, list) in self.store.counted_lists(unit).await.ok()? {
            let path = result_pages::list_path(unit, month);
            objects.insert(path, HEXLOWER.encode(&list.file));
        }
        Some((part.results, objects))
    }

    async fn publish_overview(
        &self,
        units: &BTreeMap<UnitId, UnitEntry>,
        results: &BTreeMap<UnitId, UnitResults>,
        mut objects: Digests,
    ) -> Result<PublishReport, PublishError> {
        let api = api_document();
        let parts = units.keys().map(package::unit_path);
        let mut inputs: Digests = parts
            .filter_map(|path| Some((path.clone(), objects.get(&path)?.clone())))
            .collect();
        inputs.insert(api.path.clone(), digest(&api.bytes));
        let render = || {
            let mut files = package::general_files(self.head, self.today, units, results);
            files.push(api);
            files
        };
        let (general, written, unchanged) = self.write(None, inputs, render).await?;
        objects.extend(general.objects.clone());
        objects.remove(package::SUMS_PATH);
        let written = written + self.write_sums(&objects, general).await?;
        Ok(PublishReport {
            written,
            unchanged,
            ..PublishReport::default()
        })
    }

    async fn counted(&self, unit: &UnitId, quarter: Quarter) -> Result<CountedQuarter, StoreError> {
        let [.., last] = quarter.months();
        let mut counted = CountedQuarter {
            cells: BTreeMap::new(),
            is_closed: self.today >= CountedList::closes(last),
        };
        for month in quarter.months() {
            if month <= Month::of(self.today) {
                let of_month = self.store.counted_month(unit, month).await?;
                // A month without ratings gets no seal.
                counted.is_closed &= of_month.cells.is_empty() || of_month.seal.is_some();
                counted.cells.extend(of_month.cells);
            }
        }
        Ok(counted)
    }

    /// Flagged ratings of today and yesterday, with a line in the log for each subject, stratum and day.
    fn flagged(&self, unit: &UnitId, cells: &BTreeMap<CellKey, Tally>) -> u64 {
        let settings = &self.head.settings;
        let bound = settings.unverified_per_day;
        let yesterday = self.today.yesterday().unwrap_or(self.today);
        let recent =
            (cells.iter()).filter(|(cell, _)| cell.date().is_some_and(|date| date >= yesterday));
        let days = unverified::flagged(recent, &settings.counted_strata(), bound.into());
        for (day, rated) in &days {
            let official = day.official_id.as_ref().map_or("", OfficialId::as_str);
            tracing::warn!(route = "publish-pages", %unit, official, stratum = day.attestation.code(), day = %day.date,
                rated, bound, "more unverified ratings on one day than the bound");
        }
        days.values().sum()
    }

    /// Moves the release of a quarter as far as the rules let it; whether it moved.
    async fn advance(
        &self,
        unit: &UnitId,
        quarter: Quarter,
        counted: &CountedQuarter,
        releases: &mut UnitReleases,
    ) -> Result<bool, StoreError> {
        let settings = &self.head.settings;
        let thresholds = self.thresholds(quarter);
        let stored = releases.by_quarter.entry(quarter).or_default();
        if !settings.sample {
            let own = stored.release.thresholds.take();
            stored.release.thresholds = own.map(Thresholds::raised_to_floors);
        }
        let ranking_strata = stored.release.ranking_strata(&thresholds.ranking_strata);
        let told = counted.cells.iter().filter(|(cell, _)| {
            settings.sample || unverified::is_told(cell, ranking_strata, self.today)
        });
        let step = Step {
            counted: &release::grid(told),
            is_closed: counted.is_closed,
            today: self.today,
        };
        let next = stored.release.advance(step, &thresholds);
        if next == stored.release {
            if stored.revision == 0 {
                releases.by_quarter.remove(&quarter);
            }
            return Ok(false);
        }
        match self
            .store
            .put_release(unit, quarter, &next, stored.revision)
            .await?
        {
            Replaced::Replaced => {
                *stored = StoredRelease {
                    release: next,
                    revision: stored.revision + 1,
                };
                Ok(true)
            }
            Replaced::Outdated => {
                // Another run was faster; show what it decided.
                *releases = self.store.releases(unit).await?;
                Ok(true)
            }
        }
    }

    /// The thresholds a release of `quarter` begins with.
    fn thresholds(&self, quarter: Quarter) -> Thresholds {
        let settings = &self.head.settings;
        let kept = self.thresholds.get(&quarter);
        let kept = kept.map_or_else(|| Thresholds::of(settings), |kept| kept.thresholds.clone());
        match settings.sample {
            true => kept,
            false => kept.raised_to_floors(),
        }
    }

    /// Gives releases that were stored before they kept thresholds those in force, so that no later setting changes what is
    /// shown of their quarter.
    async fn keep_thresholds(
        &self,
        unit: &UnitId,
        releases: &mut UnitReleases,
    ) -> Result<(), StoreError> {
        for (quarter, stored) in &mut releases.by_quarter {
            if stored.release.thresholds.is_some() {
                continue;
            }
            stored.release.thresholds = Some(self.thresholds(*quarter));
            let put = self
                .store
                .put_release(unit, *quarter, &stored.release, stored.revision);
            if put.await? == Replaced::Replaced {
                stored.revision += 1;
            }
        }
        Ok(())
    }

    /// The thresholds of the released quarters, and since when they have been the same.
    fn thresholds_of(
        &self,
        releases: &BTreeMap<Quarter, Release>,
    ) -> BTreeMap<Quarter, QuarterThresholds> {
        let of = releases.iter().filter_map(|(quarter, release)| {
            let kept = self.thresholds.get(quarter);
            let since = kept.map_or_else(|| quarter.first_day(), |kept| kept.since);
            let thresholds = release.thresholds.clone()?;
            Some((*quarter, QuarterThresholds { thresholds, since }))
        });
        of.collect()
    }

    /// Dossiers of every month something was released for.
    async fn dossiers(
        &self,
        unit: &UnitId,
        releases: &BTreeMap<Quarter, Release>,
    ) -> Result<BTreeMap<Month, DossierCounts>, StoreError> {
        let mut dossiers = BTreeMap::new();
        for month in releases.keys().flat_map(|quarter| quarter.months()) {
            if let Some(counts) = self.store.dossier_counts(unit, month).await? {
                dossiers.insert(month, counts);
            }
        }
        Ok(dossiers)
    }

    /// Writes the files whose bytes are not those last written.
    ///
    /// All of them follow from the package's parts: where the bytes of `inputs` and of the common part are those they were
    /// last rendered from, nothing is rendered.
    async fn write(
        &self,
        unit: Option<&UnitId>,
        mut inputs: Digests,
        render: impl FnOnce() -> Vec<SiteFile>,
    ) -> Result<(Manifest, usize, usize), PublishError> {
        inputs.insert(package::HEAD_PATH.to_owned(), self.head_part.clone());
        let rendered_from = digest(&package::sums(&inputs).bytes);
        let before = self.store.manifest(unit).await?;
        if before.rendered_from == rendered_from {
            return Ok((before, 0, 0));
        }
        let mut manifest = Manifest {
            rendered_from,
            objects: Digests::new(),
        };
        let mut changed = Vec::new();
        let mut unchanged = 0;
        for file in render() {
            let bytes = digest(&file.bytes);
            if before.objects.get(&file.path) == Some(&bytes) {
                unchanged += 1
            } else {
                changed.push(file.clone())
            }
            manifest.objects.insert(file.path, bytes);
        }
        let written = changed.len();
        let put = async |file| {
            // Nobody closes the semaphore; without a permit the file is written all the same.
            let _permit = self.writes.acquire().await.ok();
            self.bucket.put_file(file).await
        };
        let mut puts = futures::stream::iter(changed.into_iter().map(put)).buffer_unordered(WRITES);
        while let Some(put) = puts.next().await {
            put?;
        }
        self.store.put_manifest(unit, &manifest).await?;
        Ok((manifest, written, unchanged))
    }

    /// Writes the list of all `objects` when it is another than last time; the number of objects written.
    ///
    /// It comes last, so that everything it names is there. A run that fails before it leaves the last one in place.
    async fn write_sums(
        &self,
        objects: &Digests,
        mut general: Manifest,
    ) -> Result<usize, PublishError> {
        let sums = package::sums(objects);
        let bytes = digest(&sums.bytes);
        if general.objects.get(&sums.path) == Some(&bytes) {
            return Ok(0);
        }
        general.objects.insert(sums.path.clone(), bytes);
        self.bucket.put_file(sums).await?;
        self.store.put_manifest(None, &general).await?;
        Ok(1)
    }
}

fn api_document() -> SiteFile {
    SiteFile {
        path: openapi::PATH.to_owned(),
        content_type: "application/json",
        cache: Cache::Page,
        bytes: openapi::document().into_bytes(),
    }
}

fn digest(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}
