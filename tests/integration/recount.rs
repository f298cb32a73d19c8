//! Recounting by outsiders: lists of counted ratings, and what they prove.

use std::path::PathBuf;

use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use local::dynamo::RATINGS_TABLE;
use sha2::{Digest, Sha256};
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::proof::Tracker;
use thuocdo::domain::proof::list::CountedList;
use thuocdo::site::package;
use thuocdo::site::results::{counted_path, list_path};
use verify::{Report, Tracked};

use crate::fixture::UNIT;
use crate::support::{Office, official, satisfied};

fn unit() -> UnitId {
    UnitId::parse(UNIT).unwrap()
}

fn this_month() -> Month {
    Month::of(local_date(Timestamp::now()))
}

fn in_days(days: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * days)
}

/// The published list of the unit and month; none while there is none.
async fn list(office: &Office) -> Option<CountedList> {
    let answer = office.get(&list_path(&unit(), this_month())).await;
    (answer.status == 200).then(|| {
        let list = CountedList::from_json(answer.body.as_bytes()).unwrap();
        assert_eq!(list.check(), Ok(()));
        assert_eq!((&list.unit_id, list.month), (&unit(), this_month()));
        list
    })
}

/// Rates the unit by so many dossiers, counts them, and gives their trackers.
async fn rate(office: &Office, ratings: usize) -> Vec<Tracker> {
    let mut trackers = Vec::new();
    for _ in 0..ratings {
        let slip = office.slip().await;
        let answer = office.rate(&satisfied(UNIT, &slip)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        trackers.push(Tracker::parse(answer.json()["tracker"].as_str().unwrap()).unwrap());
    }
    office.stack.drain().await;
    trackers
}

#[tokio::test]
async fn whoever_rated_finds_the_tracker_in_the_published_list() {
    let office = Office::open().await;
    let trackers = rate(&office, 2).await;
    let slip = office.slip().await;
    assert_eq!(
        office.rate(&satisfied(&official(), &slip)).await.status,
        201
    );

    office.stack.settle().await;

    let published = list(&office).await.unwrap();
    assert_eq!(published.len(), 3);
    for tracker in &trackers {
        assert!(published.find(&tracker.hash()).is_some());
    }
    let stored = office.stored_ratings().await;
    let proof_key = office.stack.keyring.proof_key();
    let entries = proof_key.entries(&unit(), this_month(), &stored, |_| false);
    assert_eq!(
        published.root(),
        thuocdo::domain::proof::root(&entries),
        "whoever holds the key and the ratings gets the same root"
    );
    let root = data_encoding::HEXLOWER.encode(&published.root());
    for tree in ["", "/en"] {
        let page = office
            .get(&format!("{tree}{}", counted_path(&unit())))
            .await;
        assert!(page.body.contains(&root), "{}", page.body);
    }
}

#[tokio::test]
async fn fewer_than_k_new_ratings_are_not_listed_and_no_list_grows_twice_a_day() {
    let office = Office::with_thresholds(5, 10).await;
    rate(&office, 4).await;
    office.publish().await.unwrap();
    assert!(list(&office).await.is_none());

    rate(&office, 1).await;
    office.publish().await.unwrap();
    assert_eq!(list(&office).await.unwrap().len(), 5);

    rate(&office, 5).await;
    office.publish().await.unwrap();
    assert_eq!(list(&office).await.unwrap().len(), 5);

    office.publish_at(in_days(1)).await.unwrap();
    let grown = list(&office).await.unwrap();
    assert_eq!((grown.len(), grown.nights.len()), (10, 2));

    rate(&office, 4).await;
    office.publish_at(in_days(2)).await.unwrap();
    assert_eq!(list(&office).await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_month_that_is_over_is_listed_to_the_last_rating_and_closed() {
    let office = Office::with_thresholds(5, 10).await;
    let trackers = rate(&office, 2).await;

    office.publish_at(in_days(45)).await.unwrap();

    let closed = list(&office).await.unwrap();
    assert!(closed.closed);
    assert!(
        trackers
            .iter()
            .all(|tracker| closed.find(&tracker.hash()).is_some())
    );
    let again = office.publish_at(in_days(45)).await.unwrap();
    assert_eq!(again.written, 0);
}

#[tokio::test]
async fn a_list_does_not_grow_over_a_rating_that_was_taken_away_or_changed() {
    for change in [true, false] {
        let office = Office::open().await;
        rate(&office, 3).await;
        office.publish().await.unwrap();
        let before = list(&office).await.unwrap();
        let victim = office.stored_ratings().await.remove(0);
        let tables = &office.stack.dynamodb;
        let text = |text: String| AttributeValue::S(text);
        let (pk, sk) = (
            format!("U#{UNIT}#{}", this_month()),
            format!("R#{}", victim.id.0),
        );
        if change {
            let update = tables.update_item().table_name(RATINGS_TABLE);
            let update = update.key("PK", text(pk)).key("SK", text(sk));
            let update = update
                .update_expression("SET satisfaction = :other")
                .expression_attribute_values(":other", text("not_satisfied".into()));
            update.send().await.unwrap();
        } else {
            let delete = tables.delete_item().table_name(RATINGS_TABLE);
            let delete = delete.key("PK", text(pk)).key("SK", text(sk));
            delete.send().await.unwrap();
        }

        rate(&office, 2).await;
        office.publish().await.unwrap();

        assert_eq!(list(&office).await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_list_that_was_replaced_in_the_bucket_does_not_grow() {
    let office = Office::open().await;
    let key = list_path(&unit(), this_month());
    let key = key.trim_start_matches('/');
    rate(&office, 2).await;
    office.publish().await.unwrap();
    let earlier = office.stack.site.get(key).await.unwrap().unwrap();
    rate(&office, 1).await;
    office.publish().await.unwrap();

    let put = office
        .stack
        .site
        .put(key, "application/json", "no-store", earlier);
    put.await.unwrap();
    rate(&office, 1).await;
    office.publish().await.unwrap();

    assert_eq!(list(&office).await.unwrap().len(), 2);
}

#[tokio::test]
async fn two_publishers_at_once_leave_one_list_that_goes_on_growing() {
    let office = Office::open().await;
    for round in 1..=3 {
        rate(&office, 2).await;
        let (one, other) = tokio::join!(office.publish(), office.publish());
        one.unwrap();
        other.unwrap();
        assert_eq!(list(&office).await.unwrap().len(), 2 * round);
    }
}

/// The published site, downloaded as `docs/recount.md` says.
struct Download(tempfile::TempDir);

impl Download {
    async fn of(office: &Office) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sums = office.get(package::SUMS_PATH).await.body;
        let keys = sums.lines().map(|line| line.split_once("  ").unwrap().1);
        for key in keys.chain([package::SUMS_PATH.trim_start_matches('/')]) {
            let bytes = office.stack.site.get(key).await.unwrap().unwrap();
            let path = folder.path().join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        Self(folder)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(package::key(path))
    }

    /// Replaces text in a file, as whoever runs the site could.
    fn change(&self, path: &str, from: &str, to: &str) {
        let before = std::fs::read_to_string(self.path(path)).unwrap();
        assert!(before.contains(from), "{path} holds no {from}");
        std::fs::write(self.path(path), before.replacen(from, to, 1)).unwrap();
    }

    /// Lists the digests of the files as they are now.
    fn reseal(&self) {
        let sums = std::fs::read_to_string(self.path(package::SUMS_PATH)).unwrap();
        let line = |line: &str| {
            let key = line.split_once("  ").unwrap().1;
            let bytes = std::fs::read(self.0.path().join(key)).unwrap();
            format!("{}  {key}\n", HEXLOWER.encode(&Sha256::digest(bytes)))
        };
        let sums: String = sums.lines().map(line).collect();
        std::fs::write(self.path(package::SUMS_PATH), sums).unwrap();
    }

    /// What the command finds.
    fn verify(&self) -> Report {
        verify::verify(self.0.path()).unwrap()
    }

    /// Causes found in the file at `path`.
    fn causes(&self, path: &str) -> Vec<String> {
        let faults = self.verify().faults.into_iter();
        faults
            .filter(|fault| fault.file == package::key(path))
            .map(|fault| fault.cause)
            .collect()
    }
}

/// An office with five ratings of the unit and its official published, one of them not satisfied.
async fn published() -> Office {
    let office = Office::open().await;
    rate(&office, 3).await;
    let slip = office.slip().await;
    let mut other = satisfied(&official(), &slip);
    other["satisfaction"] = "not_satisfied".into();
    other["reasons"] = serde_json::json!(["tre-hen"]);
    other["answers"] = serde_json::json!({ "cs1": "longer" });
    assert_eq!(office.rate(&other).await.status, 201);
    office.stack.drain().await;
    office.publish().await.unwrap();
    office
}

#[tokio::test]
async fn a_downloaded_package_verifies_and_finds_a_tracker() {
    let office = published().await;
    let trackers = rate(&office, 1).await;
    office.publish().await.unwrap();
    let download = Download::of(&office).await;

    let report = download.verify();

    assert_eq!(report.faults, []);
    assert_eq!(report.lists.len(), 1);
    // All but the list and the description of the API.
    assert_eq!(report.rendered, report.files - 2);
    let found = verify::find(&report.lists, &trackers[0].to_string().to_lowercase());
    assert!(matches!(found, Tracked::Counted { unit, .. } if unit == UNIT));
    assert_eq!(
        verify::find(&report.lists, "0000-0000-0000-0000-0000"),
        Tracked::Absent
    );
    assert_eq!(verify::find(&report.lists, "nonsense"), Tracked::Mistyped);
}

#[tokio::test]
async fn one_flipped_byte_in_any_kind_of_file_is_found() {
    let download = Download::of(&published().await).await;
    let list = list_path(&unit(), this_month());
    let paths = [
        "/",
        "/en/ket-qua/",
        "/openapi.json",
        package::HEAD_PATH,
        &format!("/ket-qua/don-vi/{UNIT}/ket-qua.xlsx"),
        &format!("/ket-qua/don-vi/{UNIT}/ket-qua.csv"),
        &package::unit_path(&unit()),
        &list,
    ];
    for path in paths {
        let bytes = std::fs::read(download.path(path)).unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        std::fs::write(download.path(path), flipped).unwrap();

        let causes = download.causes(path);

        let digest = "is not the file whose digest is listed".to_owned();
        assert!(causes.contains(&digest), "{path}: {causes:?}");
        std::fs::write(download.path(path), bytes).unwrap();
    }
}

#[tokio::test]
async fn a_number_changed_with_all_its_digests_does_not_agree_with_the_rest() {
    let download = Download::of(&published().await).await;
    let part = package::unit_path(&unit());
    download.change(&part, "\"sat\": 3", "\"sat\": 4");
    download.reseal();

    let causes = download.causes(&part);
    assert!(
        causes.iter().any(|cause| cause.contains("ratings are not")),
        "{causes:?}"
    );
    let faults = download.verify().faults;
    let pages = faults.iter().filter(|fault| {
        fault.file.ends_with("index.html")
            && fault.cause == "is not what the published figures render to"
    });
    assert!(pages.count() > 0, "{faults:?}");
}

#[tokio::test]
async fn a_page_changed_with_its_digest_is_not_what_the_figures_render_to() {
    let download = Download::of(&published().await).await;
    let page = format!("/ket-qua/don-vi/{UNIT}/");
    download.change(&page, "<h1>", "<h1> ");
    download.reseal();

    assert_eq!(
        download.causes(&page),
        ["is not what the published figures render to"]
    );
    assert_eq!(download.verify().faults.len(), 1);
}

#[tokio::test]
async fn an_entry_dropped_or_added_or_a_wrong_root_is_found_with_all_digests_renewed() {
    let office = published().await;
    let path = list_path(&unit(), this_month());
    let text = office.get(&path).await.body;
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("[\""))
        .collect();
    let root = HEXLOWER.encode(&list(&office).await.unwrap().root());
    let added = format!(
        "[\"{}\",\"{}\",0],\n{}",
        "0".repeat(64),
        "1".repeat(64),
        lines[0]
    );
    let changes = [
        (
            format!("{}\n", lines[1]),
            String::new(),
            "entries, and says",
        ),
        (lines[0].to_owned(), added, "entries, and says"),
        (root, "ab".repeat(32), "the root of the night"),
    ];
    for (from, to, cause) in changes {
        let download = Download::of(&office).await;
        download.change(&path, &from, &to);
        download.reseal();

        let causes = download.causes(&path);

        assert!(causes.iter().any(|said| said.contains(cause)), "{causes:?}");
    }
}

#[tokio::test]
async fn ratings_in_the_figures_that_no_list_holds_are_found() {
    let office = published().await;
    let download = Download::of(&office).await;
    let path = list_path(&unit(), this_month());
    let none = CountedList::new(unit(), this_month()).to_json();
    std::fs::write(download.path(&path), none).unwrap();
    let day = local_date(Timestamp::now());
    let later = day.tomorrow().unwrap();
    download.change(
        package::HEAD_PATH,
        &format!("\"day\": \"{day}\""),
        &format!("\"day\": \"{later}\""),
    );
    download.reseal();

    let causes = download.causes(&path);

    assert_eq!(causes, ["has 0 entries, and 4 ratings are in the figures"]);
}

#[tokio::test]
async fn a_package_of_another_program_is_said_to_be_one() {
    let download = Download::of(&published().await).await;
    download.change(package::HEAD_PATH, package::fingerprint(), "0");
    download.reseal();

    let causes = download.causes(package::HEAD_PATH);

    assert!(causes[0].contains("was made by the program with fingerprint 0"));
}

#[tokio::test]
async fn the_package_holds_no_sum_that_no_page_shows() {
    let office = published().await;
    let part = office.get(&package::unit_path(&unit())).await.json();
    let periods = part["results"]["periods"].as_object().unwrap();
    assert!(!periods.is_empty());
    for (period, results) in periods {
        let verdicts = |counters: &serde_json::Value| {
            let mut names = counters.as_object().unwrap().keys();
            names.all(|name| ["n", "sat", "dis"].contains(&name.as_str()))
        };
        for official in results["officials"].as_object().unwrap().values() {
            assert!(verdicts(official), "{period}: {official}");
        }
        for stratum in results["strata"].as_object().unwrap().values() {
            assert!(verdicts(&stratum["officials"]), "{period}: {stratum}");
        }
        let total = results["total"].to_string();
        assert!(
            total.contains("r:tre-hen") && !total.contains("q:cs1"),
            "{total}"
        );
    }
}
