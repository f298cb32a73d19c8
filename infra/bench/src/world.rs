//! A city to rate in: the shipped catalog, dossiers with secret parts, and posts ready to be sent.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use altcha::{CreateChallengeOptions, Payload, SolveChallengeOptions};
use data_encoding::{BASE64, HEXLOWER};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;
use thuocdo::challenge::{Commitment, LIFETIME, Purpose, Salt, Scope};
use thuocdo::domain::period::local_date;
use thuocdo::domain::receipt::ReceiptSecret;
use thuocdo::keyring::Keyring;

use crate::Fault;

/// Days since a dossier was received.
const AGE: i64 = 10;
/// Serial numbers of one office and day.
const SERIALS: usize = 10_000;
/// One rating of so many is not satisfied.
const NOT_SATISFIED_EVERY: usize = 8;

/// Dossiers of a catalog, each rated once.
#[derive(Debug, Clone)]
pub struct World {
    /// A folder with `catalog/` and `dossiers/`, as `local --sample` loads it.
    pub folder: PathBuf,
    /// The dossiers, in the order they are rated.
    pub dossiers: Vec<Dossier>,
}

/// What stands on a citizen's slip.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// Its receipt code.
    pub code: String,
    /// The secret part as printed.
    pub secret: String,
    /// The unit.
    pub unit: String,
    /// The official who handled it.
    pub official: String,
    /// Its field.
    pub field: String,
}

impl Dossier {
    /// What whoever is about to rate its unit asks a security code for.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        let scope = Scope {
            purpose: Purpose::Rate,
            subject: &self.unit,
            receipt_code: &self.code,
            receipt_secret: &self.secret,
            phone: "",
        };
        scope.commitment(&Salt::random())
    }
}

impl World {
    /// Writes the shipped catalog and `count` dossiers of it into `folder`.
    ///
    /// # Errors
    /// When the sample is not where the source code is, or `folder` cannot be written.
    pub fn write(folder: &Path, count: usize) -> Result<Self, Fault> {
        let catalog = shipped();
        let target = folder.join("catalog/da-nang");
        std::fs::create_dir_all(&target)?;
        for file in std::fs::read_dir(&catalog)? {
            let file = file?;
            std::fs::copy(file.path(), target.join(file.file_name()))?;
        }
        let received = local_date(Timestamp::now()).checked_sub(jiff::Span::new().days(AGE))?;
        let due = received.checked_add(jiff::Span::new().days(AGE / 2))?;
        let dossiers = dossiers(&catalog, count, received)?;
        let mut text = "code,secret,unit,officials,field,received,due,returned,status\n".to_owned();
        for dossier in &dossiers {
            let Dossier {
                code,
                secret,
                unit,
                official,
                field,
            } = dossier;
            writeln!(
                text,
                "{code},{secret},{unit},{official}:desk,{field},{received},{due},{due},returned"
            )?;
        }
        std::fs::create_dir_all(folder.join("dossiers"))?;
        std::fs::write(folder.join("dossiers/bench.csv"), text)?;
        Ok(Self {
            folder: folder.to_owned(),
            dossiers,
        })
    }
}

/// The shipped catalog of Đà Nẵng.
#[must_use]
pub fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample/catalog/da-nang")
}

fn dossiers(catalog: &Path, count: usize, received: Date) -> Result<Vec<Dossier>, Fault> {
    let units = rows(&catalog.join("units.csv"))?;
    let open: HashSet<_> = units
        .iter()
        .filter(|unit| unit["valid_to"].is_empty())
        .map(|unit| unit["id"].clone())
        .collect();
    let fields = rows(&catalog.join("fields.csv"))?;
    let officials = rows(&catalog.join("officials.csv"))?;
    let officials: Vec<_> = officials
        .iter()
        .filter(|official| open.contains(&official["unit"]))
        .collect();
    let day = received.strftime("%y%m%d").to_string();
    let dossiers = (0..count).map(|serial| {
        // A stride without common factor: neighbours in time are not neighbours in a unit.
        let official = officials[serial * 137 % officials.len()];
        let office = serial / SERIALS;
        let (id, field) = (&official["id"], &fields[serial % fields.len()]["id"]);
        Ok(Dossier {
            code: format!(
                "000.{:02}.{:02}.H17-{day}-{:04}",
                office / 100,
                office % 100,
                serial % SERIALS
            ),
            secret: ReceiptSecret::from_bits(rand::random()).printed(),
            unit: official["unit"].clone(),
            official: id.clone(),
            field: field.clone(),
        })
    });
    dossiers.collect()
}

fn rows(path: &Path) -> Result<Vec<BTreeMap<String, String>>, Fault> {
    let mut reader =
        csv::Reader::from_path(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let rows: Result<_, _> = reader.deserialize().collect();
    Ok(rows?)
}

/// The key of the process whose data is in `data`.
///
/// # Errors
/// When it has none yet.
pub fn keyring(data: &Path) -> Result<Keyring, Fault> {
    let text = std::fs::read_to_string(data.join("master.key"))?;
    Ok(Keyring::from_hex(text.trim())?)
}

/// The fields `altcha` and `salt` of a solved security code for `scope`, good for some minutes.
///
/// The code is one the measured process might have handed out: signed with its keys, of the full work, with the counter a
/// browser finds first. Half a thousand tries for each rating would measure PBKDF2 on the client's side.
fn security_code(
    keyring: &Keyring,
    scope: &Scope<'_>,
    now: Timestamp,
) -> Result<(String, Salt), Fault> {
    let salt = Salt::random();
    let data = BTreeMap::from([
        ("maxCounter".to_owned(), 1_000.into()),
        (
            "scope".to_owned(),
            scope.commitment(&salt).to_string().into(),
        ),
    ]);
    let challenge = altcha::create_challenge(CreateChallengeOptions {
        algorithm: "PBKDF2/SHA-256".to_owned(),
        cost: 1_000,
        counter: Some(0),
        data: Some(data),
        expires_at: Some(now.as_second() + LIFETIME.as_secs()),
        hmac_signature_secret: Some(HEXLOWER.encode(&keyring.passing_subkey("challenge"))),
        hmac_key_signature_secret: Some(
            HEXLOWER.encode(&keyring.passing_subkey("challenge-solution")),
        ),
        key_length: 32,
        ..CreateChallengeOptions::default()
    })
    .map_err(|error| error.to_string())?;
    let solution = altcha::solve_challenge(SolveChallengeOptions::new(&challenge))
        .map_err(|error| error.to_string())?
        .ok_or("a security code has no solution")?;
    let payload = Payload {
        challenge,
        solution,
    };
    Ok((BASE64.encode(&serde_json::to_vec(&payload)?), salt))
}

/// The body of the post that looks `dossier` up.
///
/// # Errors
/// When the security code cannot be made.
pub fn look_up(keyring: &Keyring, dossier: &Dossier, now: Timestamp) -> Result<String, Fault> {
    let scope = Scope {
        purpose: Purpose::Validate,
        subject: "",
        receipt_code: &dossier.code,
        receipt_secret: &dossier.secret,
        phone: "",
    };
    let (altcha, salt) = security_code(keyring, &scope, now)?;
    let body = json!({
        "receipt_code": dossier.code,
        "receipt_secret": dossier.secret,
        "altcha": altcha,
        "salt": salt.as_str(),
    });
    Ok(body.to_string())
}

/// The body of the post that rates `dossier`: seven answers and a solved security code.
///
/// # Errors
/// When the code cannot be made.
pub fn post(
    keyring: &Keyring,
    dossier: &Dossier,
    serial: usize,
    now: Timestamp,
) -> Result<String, Fault> {
    let subject = format!("{}/{}", dossier.unit, dossier.official);
    let scope = Scope {
        purpose: Purpose::Rate,
        subject: &subject,
        receipt_code: &dossier.code,
        receipt_secret: &dossier.secret,
        phone: "",
    };
    let (altcha, salt) = security_code(keyring, &scope, now)?;
    let satisfied = !serial.is_multiple_of(NOT_SATISFIED_EVERY);
    let body = json!({
        "subject": subject,
        "rater_kind": "participant",
        "field_id": dossier.field,
        "receipt_code": dossier.code,
        "receipt_secret": dossier.secret,
        "satisfaction": if satisfied { "satisfied" } else { "not_satisfied" },
        "reasons": if satisfied { json!([]) } else { json!(["cham-han"]) },
        "answers": {
            "cs1": if satisfied { "bang" } else { "dai-hon" },
            "cs3": "khong-lan-nao",
            "cs4": "khong",
            "cs7": "dung-muc",
            "cs11": if satisfied { "hai-long" } else { "khong-hai-long" },
        },
        "attempt": Salt::random().as_str(),
        "altcha": altcha,
        "salt": salt.as_str(),
    });
    Ok(body.to_string())
}

/// The posts that rate `dossiers`, made on every processor at once.
///
/// # Errors
/// When a security code cannot be made.
pub fn posts(keyring: &Keyring, dossiers: &[Dossier]) -> Result<Vec<String>, Fault> {
    let now = Timestamp::now();
    let workers = std::thread::available_parallelism()?.get();
    let share = dossiers.len().div_ceil(workers).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = dossiers
            .chunks(share)
            .map(|dossiers| {
                scope.spawn(move || {
                    let posts = dossiers.iter().enumerate();
                    posts
                        .map(|(serial, dossier)| post(keyring, dossier, serial, now))
                        .collect::<Result<Vec<_>, _>>()
                })
            })
            .collect();
        let mut posts = Vec::with_capacity(dossiers.len());
        for worker in workers {
            posts.extend(worker.join().map_err(|_| "making a post panicked")??);
        }
        Ok(posts)
    })
}
