//! What a function counts for its alarms, heard: off Lambda a metric is an event of the log.

use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Runs `work`; what it gave, and the metrics it counted, in order.
pub(crate) async fn heard<T>(work: impl Future<Output = T>) -> (T, Vec<(String, u64)>) {
    let ear = Ear::default();
    let metrics = Arc::clone(&ear.metrics);
    let output = work.with_subscriber(ear).await;
    let metrics = metrics.lock().unwrap().clone();
    (output, metrics)
}

#[derive(Default)]
struct Ear {
    metrics: Arc<Mutex<Vec<(String, u64)>>>,
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "thuocdo::metric"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut metric = Metric::default();
        event.record(&mut metric);
        self.metrics
            .lock()
            .unwrap()
            .push((metric.name, metric.amount));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Metric {
    name: String,
    amount: u64,
}

impl Visit for Metric {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "name" {
            value.clone_into(&mut self.name);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "amount" {
            self.amount = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
