//! Delivers the stream of ratings the way Lambda's event-source mapping does.
//!
//! From the oldest record at first, then from a checkpoint that moves after success: every record is delivered at least
//! once and in order. Records that the filter drops are passed over. A batch that fails is halved until the record at
//! fault stands alone; that one is tried again with growing pauses and at last given up to the on-failure queue.

mod batch;
mod ledger;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use ledger::{GivenUp, Ledger};

use crate::BoxFuture;
use crate::error::{BoxError, chain};
use batch::{Delivery, verdict};

/// The function behind the mapping.
pub type Consumer =
    Arc<dyn Fn(Event) -> BoxFuture<Result<DynamoDbEventResponse, BoxError>> + Send + Sync>;

/// Settings of the mapping.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Most records in one event.
    pub batch_size: usize,
    /// How often a record that fails alone is tried again before it is given up.
    pub retries: u32,
    /// First pause before trying again; doubles up to [`Mapping::longest_pause`].
    pub pause: Duration,
    /// Longest pause before trying again.
    pub longest_pause: Duration,
    /// How long to wait for new records when there were none.
    pub idle: Duration,
    /// How long a batch that is not full waits for more.
    pub window: Duration,
    /// How long the function may take.
    pub timeout: Duration,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            batch_size: 100,
            retries: 8,
            pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
            idle: Duration::from_millis(200),
            // As in the cloud (`MaximumBatchingWindowInSeconds`).
            window: Duration::from_secs(2),
            timeout: Duration::from_secs(60),
        }
    }
}

/// The running mapping.
pub struct Poller {
    commands: mpsc::Sender<oneshot::Sender<()>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Poller {
    /// Starts delivering the stream `arn` to `consumer`, from where `ledger` says.
    ///
    /// The stream must have one shard, as the embedded engine's have.
    #[must_use]
    pub fn start(
        client: Client,
        arn: String,
        ledger: Ledger,
        consumer: Consumer,
        mapping: Mapping,
    ) -> Self {
        let (commands, asked) = mpsc::channel(16);
        let (stop, stopped) = watch::channel(false);
        let source = Source {
            client,
            arn,
            ledger,
            consumer,
            mapping,
            stopped,
        };
        let task = tokio::spawn(source.run(asked));
        Self {
            commands,
            stop,
            task,
        }
    }

    /// Returns when everything written before the call was delivered or given up.
    pub async fn drain(&self) {
        let (drained, done) = oneshot::channel();
        if self.commands.send(drained).await.is_ok() {
            let _ = done.await;
        }
    }

    /// Lets the event under way finish; what was not delivered waits for the next start.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }
}

struct Source {
    client: Client,
    arn: String,
    ledger: Ledger,
    consumer: Consumer,
    mapping: Mapping,
    stopped: watch::Receiver<bool>,
}

/// Consecutive records, and how often the first was tried alone.
struct Batch {
    records: Vec<Record>,
    tries: u32,
}

/// Who waits for everything to be delivered.
struct Callers {
    asked: mpsc::Receiver<oneshot::Sender<()>>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Callers {
    fn note(&mut self) {
        while let Ok(drained) = self.asked.try_recv() {
            self.waiting.push(drained);
        }
    }

    fn is_any(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn tell(&mut self) {
        for drained in self.waiting.drain(..) {
            let _ = drained.send(());
        }
    }
}

impl Source {
    async fn run(mut self, asked: mpsc::Receiver<oneshot::Sender<()>>) {
        let mut iterator = None;
        let mut callers = Callers {
            asked,
            waiting: Vec::new(),
        };
        let mut failures = 0;
        while !self.is_stopped() {
            callers.note();
            match self.step(&mut iterator, &mut callers).await {
                Ok(true) => failures = 0,
                Ok(false) => {
                    failures = 0;
                    callers.tell();
                    self.pause(self.mapping.idle, &mut callers).await;
                }
                Err(error) => {
                    tracing::warn!(cause = chain(&*error), "the stream cannot be read");
                    iterator = None;
                    failures += 1;
                    self.rest(failures).await;
                }
            }
        }
    }

    /// Gathers a batch and delivers it; whether there was anything to read.
    async fn step(
        &mut self,
        iterator: &mut Option<String>,
        callers: &mut Callers,
    ) -> Result<bool, BoxError> {
        let Some((due, last)) = self.gather(iterator, callers).await? else {
            return Ok(false);
        };
        let mut due = due.into_iter().peekable();
        while due.peek().is_some() {
            let records = due.by_ref().take(self.mapping.batch_size).collect();
            if !self.deliver(records).await? {
                return Ok(true);
            }
        }
        self.ledger.advance(&self.arn, &last)?;
        Ok(true)
    }

    /// The records that are due, and the number of the last one read: at least a batch of them, or what came within the
    /// window, or what there is when somebody waits. `None` when there was nothing to read.
    async fn gather(
        &mut self,
        iterator: &mut Option<String>,
        callers: &mut Callers,
    ) -> Result<Option<(Vec<Record>, String)>, BoxError> {
        let (mut due, mut last, mut until) = (Vec::new(), None, None);
        loop {
            let from = match iterator.take() {
                Some(iterator) => iterator,
                None => self.iterator().await?,
            };
            let read = self.client.get_records().shard_iterator(from);
            let read = read.send().await?;
            *iterator = read.next_shard_iterator;
            let records = read.records.unwrap_or_default();
            last = records
                .last()
                .and_then(sequence_number)
                .map(str::to_owned)
                .or(last);
            due.extend(records.into_iter().filter(batch::is_due));
            let until = *until.get_or_insert_with(|| Instant::now() + self.mapping.window);
            let left = until.saturating_duration_since(Instant::now());
            let is_full = due.is_empty() || due.len() >= self.mapping.batch_size;
            if is_full || left.is_zero() || callers.is_any() || self.is_stopped() {
                return Ok(last.map(|last| (due, last)));
            }
            self.pause(left.min(self.mapping.idle), callers).await;
        }
    }

    /// Waits so long, or until somebody asks or it is to stop.
    async fn pause(&mut self, time: Duration, callers: &mut Callers) {
        tokio::select! {
            _ = self.stopped.changed() => {}
            () = tokio::time::sleep(time) => {}
            Some(drained) = callers.asked.recv() => callers.waiting.push(drained),
        }
    }

    async fn iterator(&self) -> Result<String, BoxError> {
        let described = self.client.describe_stream().stream_arn(&self.arn).send();
        let described = described.await?;
        let shards = described.stream_description().map(|stream| stream.shards());
        let shard = shards.and_then(|shards| shards.first()?.shard_id());
        let mut request = self
            .client
            .get_shard_iterator()
            .stream_arn(&self.arn)
            .shard_id(shard.ok_or("the stream has no shard")?);
        request = match self.ledger.checkpoint(&self.arn)? {
            Some(sequence_number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(sequence_number),
            None => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        let iterator = request.send().await?.shard_iterator;
        Ok(iterator.ok_or("the shard has no iterator")?)
    }

    /// Delivers records until each succeeded or was given up; false when stopped before.
    async fn deliver(&mut self, records: Vec<Record>) -> Result<bool, BoxError> {
        let mut work = VecDeque::from([Batch { records, tries: 0 }]);
        while let Some(mut batch) = work.pop_front() {
            if self.is_stopped() {
                return Ok(false);
            }
            let cause = match self.invoke(&batch.records).await {
                Delivery::Done => {
                    self.advance_past(&batch.records)?;
                    continue;
                }
                Delivery::DoneUntil(count) => {
                    let records = batch.records.split_off(count);
                    self.advance_past(&batch.records)?;
                    work.push_front(Batch { records, tries: 0 });
                    continue;
                }
                Delivery::Failed(cause) => cause,
            };
            batch.tries += 1;
            let alone = batch.records.len() == 1;
            tracing::warn!(
                records = batch.records.len(),
                tries = batch.tries,
                cause,
                "counting failed"
            );
            if alone && batch.tries > self.mapping.retries {
                self.give_up(&batch, &cause)?;
                self.advance_past(&batch.records)?;
                continue;
            }
            if alone {
                self.rest(batch.tries).await;
            } else {
                let records = batch.records.split_off(batch.records.len() / 2);
                work.push_front(Batch { records, tries: 0 });
                batch.tries = 0;
            }
            work.push_front(batch);
        }
        Ok(true)
    }

    async fn invoke(&self, records: &[Record]) -> Delivery {
        let event = match batch::event(&self.arn, records) {
            Ok(event) => event,
            Err(error) => return Delivery::Failed(error.to_string()),
        };
        // In a task of its own: a panic is a failed invocation.
        let consumer = Arc::clone(&self.consumer);
        let mut run = tokio::spawn(async move { consumer(event).await });
        match tokio::time::timeout(self.mapping.timeout, &mut run).await {
            Ok(Ok(Ok(response))) => verdict(records, &response),
            Ok(Ok(Err(error))) => Delivery::Failed(chain(&*error)),
            Ok(Err(_)) => Delivery::Failed("the function panicked".to_owned()),
            Err(_) => {
                run.abort();
                Delivery::Failed("the function timed out".to_owned())
            }
        }
    }

    /// Whether it is to stop, or nobody is left to say so.
    fn is_stopped(&self) -> bool {
        *self.stopped.borrow() || self.stopped.has_changed().is_err()
    }

    fn advance_past(&self, records: &[Record]) -> Result<(), BoxError> {
        match records.last().and_then(sequence_number) {
            Some(last) => self.ledger.advance(&self.arn, last),
            None => Ok(()),
        }
    }

    fn give_up(&self, batch: &Batch, cause: &str) -> Result<(), BoxError> {
        for record in &batch.records {
            let given_up = GivenUp {
                sequence_number: sequence_number(record).unwrap_or_default().to_owned(),
                keys: batch::keys(record).to_string(),
                cause: cause.to_owned(),
                tries: batch.tries,
            };
            tracing::error!(
                sequence_number = given_up.sequence_number,
                tries = given_up.tries,
                cause,
                "gave a rating up; the next reconciliation counts it"
            );
            self.ledger.give_up(&self.arn, &given_up)?;
        }
        Ok(())
    }

    /// Pauses before the try after `tries` failures, or until stopped.
    async fn rest(&mut self, tries: u32) {
        let pause = self.mapping.pause * 2_u32.saturating_pow(tries.saturating_sub(1).min(16));
        tokio::select! {
            _ = self.stopped.changed() => {}
            () = tokio::time::sleep(pause.min(self.mapping.longest_pause)) => {}
        }
    }
}

fn sequence_number(record: &Record) -> Option<&str> {
    record.dynamodb()?.sequence_number()
}
