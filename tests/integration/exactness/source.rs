//! The event-source mapping as its documentation allows it to behave, and a little worse.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use thuocdo::handlers::aggregate_ratings;

use super::simulation::World;
use super::stream::Recorded;

/// Most records in one event.
const MOST_RECORDS: u64 = 100;
/// Lanes of one shard.
const LANES: u64 = 3;
/// Times a record that fails alone is tried again.
const RETRIES: u32 = 2;
/// Times a batch that succeeded is delivered again at most.
const REDELIVERIES: u64 = 5;
/// Batches kept to be delivered again much later.
const STALE_BATCHES: usize = 64;

/// Records delivered together.
type Records = Vec<Arc<Recorded>>;

/// Reads every shard for one mapping, children after their parents, until the simulation stops.
pub(super) async fn map(world: Arc<World>, mapping: usize) {
    let mut readers = Vec::new();
    let mut started = 0;
    while !world.stopping.load(Ordering::SeqCst) {
        world.turns.next().await;
        let shards = world.tables.with_stream(|stream| stream.shards());
        for shard in started..shards {
            readers.push(tokio::spawn(world.turns.act(read(
                Arc::clone(&world),
                mapping,
                shard,
            ))));
        }
        started = shards;
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

async fn read(world: Arc<World>, mapping: usize, shard: usize) {
    loop {
        world.turns.next().await;
        let most = 1 + world.random.below(MOST_RECORDS) as usize;
        let (over, ready, records) = world.tables.with_stream(|stream| {
            (
                stream.is_over(shard, mapping),
                stream.is_ready(shard, mapping),
                stream.read(shard, mapping, most),
            )
        });
        if over || world.stopping.load(Ordering::SeqCst) && records.is_empty() {
            return;
        }
        if !ready || records.is_empty() {
            continue;
        }
        let count = records.len();
        let mut lanes: BTreeMap<u64, Records> = BTreeMap::new();
        // The other mapping was set up without the filter.
        for record in records
            .into_iter()
            .filter(|record| record.pending || mapping == 1)
        {
            lanes.entry(record.hash % LANES).or_default().push(record);
        }
        let lanes: Vec<_> = lanes
            .into_values()
            .map(|records| tokio::spawn(world.turns.act(deliver(Arc::clone(&world), records))))
            .collect();
        for lane in lanes {
            lane.await.unwrap();
        }
        world
            .tables
            .with_stream(|stream| stream.advance(shard, mapping, count));
    }
}

/// Delivers records until each succeeded or was given up.
async fn deliver(world: Arc<World>, records: Records) {
    let mut work = VecDeque::from([(records, 0)]);
    while let Some((mut records, tries)) = work.pop_front() {
        world.turns.next().await;
        match invoke(&world, &records).await {
            Ok(response) => {
                let failed = response
                    .batch_item_failures
                    .first()
                    .and_then(|failure| failure.item_identifier.clone());
                let place = records.iter().position(|record| {
                    failed.is_some() && record.record.change.sequence_number == failed
                });
                assert_eq!(
                    place.is_some(),
                    failed.is_some(),
                    "a record of the batch is named"
                );
                match place {
                    Some(0) => {}
                    Some(place) => {
                        world.count(|totals| totals.partial += 1);
                        let rest = records.split_off(place);
                        work.push_front((rest, 0));
                        continue;
                    }
                    None => {
                        again(&world, records).await;
                        continue;
                    }
                }
            }
            Err(Crashed) => world.count(|totals| totals.crashes += 1),
        }
        if records.len() > 1 {
            world.count(|totals| totals.bisections += 1);
            let second = records.split_off(records.len() / 2);
            work.push_front((second, 0));
            work.push_front((records, 0));
        } else if tries < RETRIES {
            work.push_front((records, tries + 1));
        } else {
            world.count(|totals| totals.given_up += 1);
        }
    }
}

/// Delivers what succeeded once more, now or much later.
async fn again(world: &Arc<World>, records: Records) {
    world.turns.next().await;
    if world.random.below(4) == 0 {
        let mut stale_batches = world.stale_batches.lock().unwrap();
        if stale_batches.len() < STALE_BATCHES {
            stale_batches.push(records.clone());
        } else {
            let place = world.random.below(STALE_BATCHES as u64) as usize;
            stale_batches[place] = records.clone();
        }
    }
    if world.random.below(8) == 0 {
        for _ in 0..=world.random.below(REDELIVERIES) {
            world.turns.next().await;
            let _ = invoke(world, &records).await;
        }
    }
}

/// Rises until the simulation stops, each time with an old batch.
pub(super) async fn haunt(world: Arc<World>) {
    while !world.stopping.load(Ordering::SeqCst) {
        world.turns.next().await;
        if world.random.below(20) == 0 {
            rise(&world).await;
        }
    }
}

/// Delivers an old batch.
pub(super) async fn rise(world: &Arc<World>) {
    let batch = {
        let stale_batches = world.stale_batches.lock().unwrap();
        let place = world.random.below(stale_batches.len().max(1) as u64) as usize;
        stale_batches.get(place).cloned()
    };
    if let Some(batch) = batch {
        world.count(|totals| totals.stale_batches += 1);
        let _ = invoke(world, &batch).await;
    }
}

/// The function died.
struct Crashed;

async fn invoke(world: &Arc<World>, records: &Records) -> Result<DynamoDbEventResponse, Crashed> {
    world.count(|totals| {
        totals.invocations += 1;
        totals.deliveries += records.iter().filter(|record| record.pending).count() as u64;
    });
    if records.iter().any(|record| record.poison) {
        return Err(Crashed);
    }
    let mut event = Event::default();
    event.records = records.iter().map(|record| record.record.clone()).collect();
    let store = world.store.clone();
    let run = tokio::spawn(
        world
            .turns
            .act(async move { aggregate_ratings::handle(&store, event).await }),
    );
    run.await.map_err(|_| Crashed)
}
