//! What it costs that an acknowledged write is on the disk: transactions of the embedded tables that wait for it together,
//! each alone, and not at all.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use local::dynamo::{Disk, Dynamo, IN_PROCESS, RATINGS_TABLE, create_tables};
use tokio::task::JoinSet;

use crate::Fault;
use crate::table::{Line, Section};
use crate::yardstick::process_cpu;

/// How much to write.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Transactions of each client.
    pub transactions: usize,
    /// Clients that write at once.
    pub clients: usize,
}

impl Scale {
    /// As `make bench` runs it.
    pub const FULL: Self = Self {
        transactions: 100,
        clients: 32,
    };
    /// Enough to see that it works.
    pub const SMOKE: Self = Self {
        transactions: 4,
        clients: 2,
    };
}

#[derive(Debug, Clone, Copy)]
struct Run {
    /// Transactions a second.
    rate: f64,
    /// Milliseconds of processor time for each.
    cpu: f64,
}

/// Measures in `folder`.
///
/// # Errors
/// When a transaction fails.
pub async fn run(folder: &Path, scale: Scale) -> Result<Section, Fault> {
    let sync = |log: &Path| File::open(log)?.sync_data();
    let mut lines = Vec::new();
    for clients in [scale.clients, 1] {
        // Each beside the others within seconds, because disks are shared.
        let mut runs = Vec::new();
        for (name, disk) in [
            ("together", Disk::default()),
            ("alone", Disk::with(1, sync)),
            ("none", Disk::with(64, |_| Ok(()))),
        ] {
            let file = folder.join(format!("{name}-{clients}.sqlite"));
            runs.push(write(&file, disk, clients, scale.transactions).await?);
        }
        let [together, alone, none] = [runs[0], runs[1], runs[2]];
        let title = |what: &str| format!("{what}, clients: {clients}");
        lines.push(
            Line::new(title("acknowledged on the disk"), together.rate, "/s")
                .beside("each commit waits alone", alone.rate),
        );
        lines.push(
            Line::new(title("acknowledged on the disk"), together.rate, "/s")
                .beside("no commit waits", none.rate),
        );
        lines.push(
            Line::new(title("processor time of one"), together.cpu, "CPU-ms")
                .beside("no commit waits", none.cpu),
        );
    }
    let title = "Disk: transactions of two items on the embedded tables, written to the disk before they are acknowledged";
    Ok(Section::of_lines(title, lines))
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
async fn write(file: &Path, disk: Disk, clients: usize, transactions: usize) -> Result<Run, Fault> {
    let engine = Dynamo::start_on(Some(file), disk)?;
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .endpoint_url(IN_PROCESS)
        .allow_no_auth()
        .http_client(engine.short_cut.clone());
    let client = Client::from_conf(config.build());
    create_tables(&client).await?;
    let (begun, cpu) = (Instant::now(), process_cpu()?);
    let mut writers = JoinSet::new();
    for writer in 0..clients {
        let client = client.clone();
        writers.spawn(async move {
            for serial in 0..transactions {
                transact(&client, &format!("{writer}-{serial}")).await?;
            }
            Ok::<_, Fault>(())
        });
    }
    while let Some(outcome) = writers.join_next().await {
        outcome??;
    }
    let (took, cpu) = (begun.elapsed(), process_cpu()? - cpu);
    engine.stop().await;
    let count = (clients * transactions) as f64;
    Ok(Run {
        rate: count / took.as_secs_f64(),
        cpu: milliseconds(cpu) / count,
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Two items of the size of a rating and its receipt.
async fn transact(client: &Client, name: &str) -> Result<(), Fault> {
    let put = |partition: &str, bytes: usize| -> Result<TransactWriteItem, Fault> {
        let put = Put::builder()
            .table_name(RATINGS_TABLE)
            .item("PK", AttributeValue::S(partition.to_owned()))
            .item("SK", AttributeValue::S(format!("R#{name}")))
            .item("content", AttributeValue::S("a".repeat(bytes)))
            .condition_expression("attribute_not_exists(PK)");
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    };
    client
        .transact_write_items()
        .transact_items(put("U#48-1#202611", 400)?)
        .transact_items(put("K#48-1", 300)?)
        .send()
        .await?;
    Ok(())
}
