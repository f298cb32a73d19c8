//! The system with a ward and a department of the sample, and slips handed out today.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use local::stream::Mapping;
use local::{Options, Stack};
use tempfile::TempDir;
use thuocdo::challenge::{Challenges, Difficulty};
use thuocdo::domain::period::local_date;
use thuocdo::domain::receipt::ReceiptSecret;

/// The ward, as its page names it.
pub(crate) const WARD: &str = "UBND Phường Hải Châu";
/// Its identifier.
pub(crate) const WARD_ID: &str = "phuong-hai-chau";
/// The official of the ward who handled every dossier.
pub(crate) const OFFICIAL_ID: &str = "phuong-hai-chau-01";
/// The field of every dossier.
pub(crate) const FIELD: &str = "Hộ tịch";

const UNITS: [&str; 2] = [WARD_ID, "so-tai-chinh"];
const SLIPS: u64 = 8;

/// A slip as the applicant holds it.
pub(crate) struct Slip {
    pub(crate) code: String,
    pub(crate) secret: String,
}

/// A running system that nobody has rated in yet, its pages published.
pub(crate) struct Trial {
    pub(crate) stack: Stack,
    folder: TempDir,
}

impl Trial {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self::start_with(Options::default(), folder).await
    }

    /// One with a list of wards long enough for its filter, as pictures of the pages show it.
    pub(crate) async fn with_many_wards() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let units = std::fs::read_to_string(sample().join("units.csv")).unwrap();
        let wards = units.lines().filter(|row| row.contains(",xa-phuong,"));
        let wards = wards.filter_map(|row| row.split(',').next()).take(9);
        let units: Vec<&str> = UNITS.into_iter().chain(wards).collect();
        Self::start_in(Options::default(), folder, &units).await
    }

    /// One whose engines other processes may use, and the environment that leads them there; left to itself it neither
    /// counts nor publishes.
    pub(crate) async fn with_engines_for_others() -> (Self, BTreeMap<String, String>) {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let data = folder.path().join("data");
        let never = Duration::from_secs(24 * 60 * 60);
        let options = Options {
            data: Some(data.clone()),
            publish_every: Some(never),
            reconcile_every: never,
            tables_port: Some(0),
            mapping: Mapping {
                idle: never,
                ..Mapping::default()
            },
            ..Options::default()
        };
        let trial = Self::start_with(options, folder).await;
        let engines = std::fs::read_to_string(data.join("engines.env")).unwrap();
        let pairs = engines.lines().filter_map(|line| line.split_once('='));
        let mut environment: BTreeMap<String, String> = pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let key = std::fs::read_to_string(data.join("master.key")).unwrap();
        environment.insert("MASTER_KEY".to_owned(), key.trim().to_owned());
        // In the cloud a key of its own; here what the one process draws from its master key.
        let proof_key = HEXLOWER.encode(&trial.stack.keyring.subkey("proof"));
        environment.insert("PROOF_KEY".to_owned(), proof_key);
        // What is drawn from them is what the process draws from its master key.
        for setting in ["CHALLENGE_KEY", "RECEIPT_KEY"] {
            environment.insert(setting.to_owned(), key.trim().to_owned());
        }
        (trial, environment)
    }

    async fn start_with(options: Options, folder: TempDir) -> Self {
        Self::start_in(options, folder, &UNITS).await
    }

    async fn start_in(options: Options, folder: TempDir, units: &[&str]) -> Self {
        write_catalog(&folder.path().join("catalog/da-nang"), units);
        write_dossiers(&folder.path().join("dossiers"));
        let stack = Stack::start(options).await.unwrap();
        let reports = stack.import_dir(folder.path()).await;
        assert_eq!(reports.len(), 2, "{reports:?}");
        stack.settle().await;
        Self { stack, folder }
    }

    /// The socket of the tables, where other processes may use the engines.
    pub(crate) fn tables_socket(&self) -> PathBuf {
        self.folder.path().join("data/tables.socket")
    }

    pub(crate) fn address(&self) -> &str {
        &self.stack.address
    }

    /// The catalog's files with one official renamed, and the mark that they are all there, under `prefix`.
    pub(crate) fn changed_catalog(prefix: &str) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        write_catalog(folder.path(), &UNITS);
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut files: Vec<(String, String)> = entries
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                (
                    format!("{prefix}{name}"),
                    text.replace(&Self::official(), "Trần Thị Đổi Tên"),
                )
            })
            .collect();
        files.push((format!("{prefix}ready"), String::new()));
        files
    }

    /// Slip `number`, from 1; each is of a dossier of its own.
    pub(crate) fn slip(number: u64) -> Slip {
        assert!((1..=SLIPS).contains(&number));
        let today = local_date(Timestamp::now()).strftime("%y%m%d");
        Slip {
            code: format!("000.01.40.H17-{today}-{number:04}"),
            secret: ReceiptSecret::from_bits(number * 0x1_2345_6789).printed(),
        }
    }

    /// Name of [`OFFICIAL_ID`], as the sample gives it.
    pub(crate) fn official() -> String {
        let path = sample().join("officials.csv");
        let rows = std::fs::read_to_string(path).unwrap();
        let row = rows.lines().find(|row| row.starts_with(OFFICIAL_ID));
        row.and_then(|row| row.split(',').nth(2))
            .unwrap()
            .to_owned()
    }

    /// What someone reads in the picture, or hears in the recording, of `token`.
    pub(crate) fn read_code(&self, token: &str) -> String {
        let challenges = Challenges::new(&self.stack.keyring, Difficulty::default());
        challenges.typed_answer(token, Timestamp::now()).unwrap()
    }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample/catalog/da-nang")
}

/// The sample's catalog, with `units` and their officials only, so that publishing takes no time.
fn write_catalog(folder: &Path, units: &[&str]) {
    std::fs::create_dir_all(folder).unwrap();
    for entry in std::fs::read_dir(sample()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let column = match name.as_str() {
            "units.csv" => 0,
            "officials.csv" => 1,
            _ => usize::MAX,
        };
        let text = std::fs::read_to_string(&path).unwrap();
        let rows = text.lines().enumerate().filter(|(number, row)| {
            let value = row.split(',').nth(column);
            *number == 0 || value.is_none_or(|unit| units.contains(&unit))
        });
        let kept: Vec<&str> = rows.map(|(_, row)| row).collect();
        std::fs::write(folder.join(name), kept.join("\n")).unwrap();
    }
}

fn write_dossiers(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let today = local_date(Timestamp::now());
    let mut text =
        String::from("code,secret,unit,officials,field,procedure,received,due,returned,status\n");
    for number in 1..=SLIPS {
        let Slip { code, secret } = Trial::slip(number);
        writeln!(
            text,
            "{code},{secret},{WARD_ID},{OFFICIAL_ID}:desk phuong-hai-chau-02:settle,ho-tich,Đăng ký khai sinh,{today},{today},{today},returned"
        )
        .unwrap();
    }
    std::fs::write(folder.join("hai-chau.csv"), text).unwrap();
}
