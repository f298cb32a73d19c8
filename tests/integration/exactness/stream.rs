//! The stream of the tables: shards that split, each with its records in order.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use aws_lambda_events::dynamodb::EventRecord;
use serde_json::json;

use super::tables::Change;

/// Consumers of one stream.
pub(super) const MAPPINGS: usize = 2;

/// A record and the hash its lane follows from.
pub(super) struct Recorded {
    pub(super) record: EventRecord,
    pub(super) hash: u64,
    pub(super) pending: bool,
    /// Whether its function fails over it whatever it does, so that it is given up.
    pub(super) poison: bool,
}

struct Shard {
    parent: Option<usize>,
    /// Hashes it takes, both ends included.
    range: (u64, u64),
    open: bool,
    records: VecDeque<Arc<Recorded>>,
    /// Records already forgotten.
    forgotten: usize,
    read: [usize; MAPPINGS],
}

impl Shard {
    fn new(parent: Option<usize>, range: (u64, u64)) -> Self {
        Self {
            parent,
            range,
            open: true,
            records: VecDeque::new(),
            forgotten: 0,
            read: [0; MAPPINGS],
        }
    }

    fn len(&self) -> usize {
        self.forgotten + self.records.len()
    }

    fn is_drained(&self, mapping: usize) -> bool {
        self.read[mapping] == self.len()
    }
}

pub(super) struct Stream {
    shards: Vec<Shard>,
    sequence: u64,
    /// Every so many records one is poison; 0 for none.
    pub(super) poison_every: u64,
}

impl Default for Stream {
    fn default() -> Self {
        let half = u64::MAX / 2;
        let shards = vec![
            Shard::new(None, (0, half)),
            Shard::new(None, (half + 1, u64::MAX)),
        ];
        Self {
            shards,
            sequence: 0,
            poison_every: 0,
        }
    }
}

impl Stream {
    /// Appends the record of a change to the open shard of its key.
    pub(super) fn record(&mut self, change: &Change) {
        self.sequence += 1;
        let sequence = self.sequence;
        let record = json!({
            "eventID": format!("{sequence:032x}"),
            "eventName": if change.old.is_some() { "MODIFY" } else { "INSERT" },
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "local",
            "eventSourceARN": "arn:aws:dynamodb:local:0:table/ratings/stream/1",
            "dynamodb": {
                "Keys": { "PK": change.new["PK"], "SK": change.new["SK"] },
                "NewImage": change.new,
                "SequenceNumber": format!("{sequence:021}"),
                "SizeBytes": 1,
                "StreamViewType": "NEW_IMAGE",
            },
        });
        let mut hasher = DefaultHasher::new();
        (&change.place.pk, &change.place.sk).hash(&mut hasher);
        let hash = hasher.finish();
        let pending = change.new.contains_key("pend");
        let recorded = Arc::new(Recorded {
            record: serde_json::from_value(record).expect("a record"),
            hash,
            pending,
            poison: pending && self.poison_every > 0 && sequence.is_multiple_of(self.poison_every),
        });
        let shard = self
            .shards
            .iter_mut()
            .find(|shard| shard.open && (shard.range.0..=shard.range.1).contains(&hash));
        shard
            .expect("open shards cover every hash")
            .records
            .push_back(recorded);
    }

    /// Closes an open shard for two children.
    pub(super) fn split(&mut self, pick: u64) {
        let open: Vec<usize> = (0..self.shards.len())
            .filter(|index| self.shards[*index].open)
            .collect();
        let parent = open[pick as usize % open.len()];
        let (low, high) = self.shards[parent].range;
        let middle = low + (high - low) / 2;
        self.shards[parent].open = false;
        self.shards.push(Shard::new(Some(parent), (low, middle)));
        self.shards
            .push(Shard::new(Some(parent), (middle + 1, high)));
    }

    pub(super) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Whether `mapping` may read the shard: what came before it is read.
    pub(super) fn is_ready(&self, shard: usize, mapping: usize) -> bool {
        self.shards[shard]
            .parent
            .is_none_or(|parent| self.is_over(parent, mapping))
    }

    /// Whether `mapping` has nothing more to expect of the shard.
    pub(super) fn is_over(&self, shard: usize, mapping: usize) -> bool {
        let shard = &self.shards[shard];
        !shard.open && shard.is_drained(mapping)
    }

    /// Whether `mapping` has read everything there is.
    pub(super) fn is_drained(&self, mapping: usize) -> bool {
        self.shards.iter().all(|shard| shard.is_drained(mapping))
    }

    /// The next records of a shard, at most `most`.
    pub(super) fn read(&self, shard: usize, mapping: usize, most: usize) -> Vec<Arc<Recorded>> {
        let shard = &self.shards[shard];
        let from = shard.read[mapping] - shard.forgotten;
        shard
            .records
            .iter()
            .skip(from)
            .take(most)
            .cloned()
            .collect()
    }

    /// Moves the checkpoint of `mapping`; forgets what every mapping has read.
    pub(super) fn advance(&mut self, shard: usize, mapping: usize, count: usize) {
        let shard = &mut self.shards[shard];
        shard.read[mapping] += count;
        let all_read = shard.read.iter().min().copied().unwrap_or(0);
        while shard.forgotten < all_read {
            shard.records.pop_front();
            shard.forgotten += 1;
        }
    }
}
