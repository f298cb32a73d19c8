//! The engines that measured functions work on, in this process, so that what they cost is not counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
use data_encoding::HEXLOWER;
use invoke::{Bootstrap, Options};
use local::dynamo::{Door, Dynamo, IN_PROCESS, RATINGS_TABLE, TALLY_TABLE, create_tables};
use local::objects::{Condition, Objects, Upload};
use local::s3::{self, DROP_BUCKET, SITE_BUCKET};
use serde_json::{Map, Value};
use thuocdo::keyring::Keyring;

use crate::Fault;
use crate::records::image;

/// How long one call may take: the whole site is published in one.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Engines, key, and where the executables are.
pub(super) struct Stage {
    /// The key the functions have.
    pub(super) keyring: Keyring,
    folders: Vec<PathBuf>,
    environment: BTreeMap<String, String>,
    client: Client,
    objects: Objects,
    _engine: Dynamo,
    _door: Door,
    _endpoint: s3::Endpoint,
}

impl Stage {
    /// Engines in `folder`; the executables are in one of `folders`, by name.
    ///
    /// # Errors
    /// When the engines do not start.
    pub(super) async fn open(folder: &Path, folders: Vec<PathBuf>) -> Result<Self, Fault> {
        let engine = Dynamo::start(Some(&folder.join("tables.sqlite")))?;
        let objects = Objects::open(Some(&folder.join("objects.sqlite")))?;
        let credentials = s3::Credentials::draw()?;
        let endpoint = s3::Endpoint::start(objects.clone(), &credentials).await?;
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("local"))
            .endpoint_url(IN_PROCESS)
            .allow_no_auth()
            .http_client(engine.short_cut.clone());
        let client = Client::from_conf(config.build());
        create_tables(&client).await?;
        let door = Door::on_port(engine.short_cut.clone(), 0, &credentials).await?;
        let [master, proof] = [(); 2].map(|()| HEXLOWER.encode(&rand::random::<[u8; 32]>()));
        let environment = [
            ("AWS_ACCESS_KEY_ID", credentials.access_key.as_str()),
            ("AWS_SECRET_ACCESS_KEY", credentials.secret_key.as_str()),
            ("AWS_ENDPOINT_URL_DYNAMODB", door.endpoint.as_str()),
            ("AWS_ENDPOINT_URL_S3", endpoint.endpoint.as_str()),
            ("RATINGS_TABLE", RATINGS_TABLE),
            ("TALLY_TABLE", TALLY_TABLE),
            ("SITE_BUCKET", SITE_BUCKET),
            ("DROP_BUCKET", DROP_BUCKET),
            ("MASTER_KEY", master.as_str()),
            ("PROOF_KEY", proof.as_str()),
            // The bench makes its challenges and receipts with what the keyring draws from the same key.
            ("CHALLENGE_KEY", master.as_str()),
            ("RECEIPT_KEY", master.as_str()),
        ];
        Ok(Self {
            keyring: Keyring::from_hex(&master)?,
            folders,
            environment: environment
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            client,
            objects,
            _engine: engine,
            _door: door,
            _endpoint: endpoint,
        })
    }

    /// The executable of `function`.
    ///
    /// # Errors
    /// When it is not built.
    pub(super) fn executable(&self, function: &str) -> Result<PathBuf, Fault> {
        let mut paths = self.folders.iter().map(|folder| folder.join(function));
        paths
            .find(|path| path.is_file())
            .ok_or_else(|| format!("{function} is not built in {:?}", self.folders).into())
    }

    /// Starts `function`.
    ///
    /// # Errors
    /// When it does not come to ask for an event.
    pub(super) async fn start(&self, function: &str) -> Result<Bootstrap, Fault> {
        let options = Options {
            environment: self.environment.clone(),
            timeout: TIMEOUT,
            ..Options::new(self.executable(function)?)
        };
        Ok(Bootstrap::start(options).await?)
    }

    /// Puts a file where an administrator drops it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub(super) async fn drop_file(&self, key: &str, bytes: Vec<u8>) -> Result<(), Fault> {
        let upload = Upload {
            bytes: bytes.into(),
            ..Upload::default()
        };
        self.objects
            .put(DROP_BUCKET, key, upload, Condition::Always)
            .await?;
        Ok(())
    }

    /// The ratings that wait to be counted, as the stream shows them, in no order of units.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub(super) async fn waiting(&self) -> Result<Vec<Map<String, Value>>, Fault> {
        let pages = self.client.scan().table_name(RATINGS_TABLE);
        let mut items = pages.into_paginator().items().send();
        let mut waiting = Vec::new();
        while let Some(item) = items.next().await {
            let item = item?;
            if item.contains_key("pend") {
                waiting.push(image(&item));
            }
        }
        waiting.sort_by_cached_key(|item| item["SK"].to_string());
        Ok(waiting)
    }
}
