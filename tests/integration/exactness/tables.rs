//! Both tables and the stream in memory, behind the SDK: transactions that take time and collide, reads that come in
//! pages, tokens that are forgotten.
//!
//! Stricter than the engine that people run: it has conflicts, more than one shard, and refuses what DynamoDB refuses.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use local::dynamo::RATINGS_TABLE;
use serde_json::{Value, json};

use super::Random;
use super::audit::Audit;
use super::expression::{Expressions, Item};
use super::stream::Stream;
use super::turns::{Step, Turns, this_step};
use crate::faults::wire::{cancellation, reply};

/// Actions DynamoDB takes in one transaction.
const MAX_ACTIONS: usize = 100;
/// Bytes DynamoDB takes in one transaction.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Transactions after which a token is forgotten; ten minutes in the cloud.
const TOKENS: usize = 500;

/// Which part of the protocol is left out, to show that the tests notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weakening {
    /// Nothing is left out.
    None,
    /// Counting does not ask for the pending mark.
    CountWithoutMark,
    /// The mark goes first, the cells change a moment later.
    TornCount,
    /// Submitting does not ask whether the rating is there.
    SubmitWithoutCondition,
}

/// Table and primary key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) ratings: bool,
    pub(super) pk: String,
    pub(super) sk: String,
}

/// What a committed action did to one item.
pub(super) struct Change {
    pub(super) place: Place,
    pub(super) old: Option<Item>,
    pub(super) new: Item,
}

/// Figures of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Figures {
    /// Transactions committed: after each the invariant was checked.
    pub(crate) commits: u64,
    /// Transactions cancelled because they met another.
    pub(crate) conflicts: u64,
    /// Transactions cancelled by a condition.
    pub(crate) refusals: u64,
    /// Transactions sent again that a token stopped.
    pub(crate) replays: u64,
    /// Fingerprint of every commit in order.
    pub(crate) trace: u64,
}

/// The tables.
#[derive(Clone)]
pub(crate) struct Tables {
    state: Arc<Mutex<State>>,
    turns: Turns,
    random: Random,
    weakening: Weakening,
}

#[derive(Default)]
struct State {
    /// Items as text: a million of them take a gigabyte less than as trees.
    items: BTreeMap<Place, Box<str>>,
    locked: BTreeSet<Place>,
    tokens: HashMap<String, bool>,
    token_order: VecDeque<String>,
    stream: Stream,
    audit: Audit,
    figures: Figures,
}

impl Tables {
    pub(super) fn new(turns: &Turns, random: &Random, weakening: Weakening) -> Self {
        Self {
            state: Arc::default(),
            turns: turns.clone(),
            random: random.clone(),
            weakening,
        }
    }

    /// A client that reaches these tables.
    pub(super) fn client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(Connector(self.clone()));
        http_client_fn(move |_, _| connector.clone())
    }

    /// Puts an item without asking anybody.
    pub(super) fn put(&self, pk: String, sk: &str, attributes: Value) {
        let place = Place {
            ratings: true,
            pk,
            sk: sk.to_owned(),
        };
        let mut item: Item = serde_json::from_value(attributes).unwrap();
        item.insert("PK".into(), json!({ "S": place.pk }));
        item.insert("SK".into(), json!({ "S": place.sk }));
        self.state().items.insert(place, text(&item));
    }

    pub(super) fn figures(&self) -> Figures {
        self.state().figures
    }

    pub(super) fn with_stream<T>(&self, then: impl FnOnce(&mut Stream) -> T) -> T {
        then(&mut self.state().stream)
    }

    /// Everything found wrong so far; adds what a recount of all items finds.
    pub(super) fn recount(&self) -> Vec<String> {
        let state = &mut *self.state();
        let items = state.items.iter().map(|(place, text)| (place, parse(text)));
        state.audit.recount(items);
        state.audit.violations().to_vec()
    }

    /// Ratings stored, those that wait, and receipts and guards used.
    pub(super) fn census(&self) -> (usize, usize, usize) {
        let state = self.state();
        let (mut ratings, mut pending, mut claims) = (0, 0, 0);
        for (place, text) in state.items.iter().filter(|(place, _)| place.ratings) {
            match place.pk.as_bytes()[0] {
                b'U' => {
                    ratings += 1;
                    pending += usize::from(parse(text).contains_key("pend"));
                }
                b'K' => {
                    claims += parse(text)
                        .get("used")
                        .map_or(0, |used| used["SS"].as_array().map_or(0, Vec::len))
                }
                b'P' => claims += 1,
                _ => {}
            }
        }
        (ratings, pending, claims)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Serves one request on the server's side: it goes on when the caller has gone.
    async fn serve(self, step: Step, operation: String, mut body: Value) -> HttpResponse {
        self.turns.take(step.stage(1)).await;
        // Some requests are long under way, so that they arrive behind those sent after them.
        let delay = match self.random.below(20) {
            0 => self.random.below(60) as u32,
            _ => 0,
        };
        for stage in 0..delay {
            self.turns.take(step.stage(2 + stage)).await;
        }
        match operation.as_str() {
            "TransactWriteItems" => {
                self.weaken(&mut body);
                match self.transact(step.stage(2 + delay), &body).await {
                    Ok(response) => response,
                    Err(cause) => invalid(&cause),
                }
            }
            "GetItem" | "Query" if body["ConsistentRead"] != true => {
                invalid("a read that may be stale")
            }
            "GetItem" => self.get(&body),
            "Query" => self.query(&body).unwrap_or_else(|cause| invalid(&cause)),
            _ => invalid(&format!("{operation} is not known here")),
        }
    }

    async fn transact(&self, step: Step, body: &Value) -> Result<HttpResponse, String> {
        let actions = actions(body)?;
        let token = body["ClientRequestToken"]
            .as_str()
            .ok_or("no token")?
            .to_owned();
        {
            let forgotten = self.random.below(10) == 0;
            let state = &mut *self.state();
            match state.tokens.get(&token) {
                Some(true) if !forgotten => {
                    state.figures.replays += 1;
                    return Ok(reply(json!({})));
                }
                Some(false) => {
                    return Ok(exception(
                        "TransactionInProgressException",
                        "still under way",
                    ));
                }
                _ => {}
            }
            if actions
                .iter()
                .any(|(place, ..)| state.locked.contains(place))
            {
                state.figures.conflicts += 1;
                let reason = |(place, ..): &(Place, _, _)| match state.locked.contains(place) {
                    true => "TransactionConflict",
                    false => "None",
                };
                return Ok(cancellation(
                    &actions.iter().map(reason).collect::<Vec<_>>(),
                ));
            }
            state.tokens.insert(token.clone(), false);
            state
                .locked
                .extend(actions.iter().map(|(place, ..)| place.clone()));
        }
        self.turns.take(step).await;
        if self.weakening == Weakening::TornCount
            && actions.iter().any(|(place, ..)| !place.ratings)
        {
            let (marks, cells): (Vec<_>, Vec<_>) = actions
                .iter()
                .cloned()
                .partition(|(place, ..)| place.ratings);
            let first = self.commit(&marks);
            self.turns.take(step.stage(u32::MAX)).await;
            let outcome = match first {
                Ok(Ok(())) => self.commit(&cells),
                Ok(Err(mut reasons)) => {
                    reasons.resize(actions.len(), "None");
                    Ok(Err(reasons))
                }
                fault => fault,
            };
            return self.settle(&token, &actions, outcome);
        }
        let outcome = self.commit(&actions);
        self.settle(&token, &actions, outcome)
    }

    /// Applies all actions or none.
    fn commit(
        &self,
        actions: &[(Place, &str, &Value)],
    ) -> Result<Result<(), Vec<&'static str>>, String> {
        let state = &mut *self.state();
        let mut reasons = Vec::new();
        let mut changes = Vec::new();
        for (place, kind, action) in actions {
            let old: Option<Item> = state.items.get(place).map(|text| parse(text));
            let expressions = Expressions(action);
            let holds = expressions.holds(old.as_ref())?;
            reasons.push(if holds {
                "None"
            } else {
                "ConditionalCheckFailed"
            });
            let mut new = match *kind {
                "Put" => action["Item"].as_object().cloned().unwrap_or_default(),
                _ => old.clone().unwrap_or_default(),
            };
            if *kind == "Update" {
                expressions.update(&mut new)?;
            }
            new.insert("PK".into(), json!({ "S": place.pk }));
            new.insert("SK".into(), json!({ "S": place.sk }));
            changes.push(Change {
                place: place.clone(),
                old,
                new,
            });
        }
        if reasons.iter().any(|reason| *reason != "None") {
            state.figures.refusals += 1;
            return Ok(Err(reasons));
        }
        let mut trace = DefaultHasher::new();
        state.figures.trace.hash(&mut trace);
        for change in &changes {
            change.place.hash(&mut trace);
            state.items.insert(change.place.clone(), text(&change.new));
            if change.place.ratings {
                state.stream.record(change);
            }
        }
        state.figures.trace = trace.finish();
        state.figures.commits += 1;
        state.audit.committed(&changes);
        Ok(Ok(()))
    }

    fn settle(
        &self,
        token: &str,
        actions: &[(Place, &str, &Value)],
        outcome: Result<Result<(), Vec<&'static str>>, String>,
    ) -> Result<HttpResponse, String> {
        let state = &mut *self.state();
        for (place, ..) in actions {
            state.locked.remove(place);
        }
        state.tokens.remove(token);
        match outcome? {
            Ok(()) => {
                state.tokens.insert(token.to_owned(), true);
                state.token_order.push_back(token.to_owned());
                if state.token_order.len() > TOKENS {
                    let oldest = state.token_order.pop_front().unwrap_or_default();
                    state.tokens.remove(&oldest);
                }
                Ok(reply(json!({})))
            }
            Err(reasons) => Ok(cancellation(&reasons)),
        }
    }

    fn get(&self, body: &Value) -> HttpResponse {
        let place = place(body, &body["Key"]);
        match self.state().items.get(&place) {
            Some(text) => reply(json!({ "Item": parse(text) })),
            None => reply(json!({})),
        }
    }

    /// One page of a partition; what is on the next may change before it is read.
    fn query(&self, body: &Value) -> Result<HttpResponse, String> {
        if body["KeyConditionExpression"] != "PK = :pk" {
            return Err(format!(
                "the query {} is not known here",
                body["KeyConditionExpression"]
            ));
        }
        let first = Place {
            ratings: body["TableName"] == RATINGS_TABLE,
            pk: attribute(&body["ExpressionAttributeValues"][":pk"]),
            sk: String::new(),
        };
        let from = match &body["ExclusiveStartKey"] {
            Value::Null => Bound::Included(first.clone()),
            key => Bound::Excluded(place(body, key)),
        };
        let size = [2, 25, 1_000][self.random.below(3) as usize];
        let state = self.state();
        let partition = state
            .items
            .range((from, Bound::Unbounded))
            .take_while(|(place, _)| place.ratings == first.ratings && place.pk == first.pk);
        let page: Vec<Item> = partition.take(size).map(|(_, text)| parse(text)).collect();
        let mut answer = json!({ "Count": page.len(), "Items": page });
        if page.len() == size {
            let last = &page[size - 1];
            answer["LastEvaluatedKey"] = json!({ "PK": last["PK"], "SK": last["SK"] });
        }
        Ok(reply(answer))
    }

    /// Takes out of a request what the weakened protocol would not have put in.
    fn weaken(&self, body: &mut Value) {
        let Some(actions) = body["TransactItems"].as_array_mut() else {
            return;
        };
        for action in actions {
            match self.weakening {
                Weakening::CountWithoutMark
                    if action["Update"]["UpdateExpression"] == "REMOVE #pend" =>
                {
                    action["Update"]
                        .as_object_mut()
                        .unwrap()
                        .remove("ConditionExpression");
                }
                Weakening::SubmitWithoutCondition => {
                    for kind in ["Put", "Update"] {
                        let action = action[kind].as_object_mut().filter(|action| {
                            action
                                .get("UpdateExpression")
                                .is_none_or(|update| update != "REMOVE #pend")
                        });
                        action.map(|action| action.remove("ConditionExpression"));
                    }
                }
                _ => {}
            }
        }
    }
}

struct Connector(Tables);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector(..)")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body =
            serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let served = tokio::spawn(self.0.clone().serve(this_step(), operation, body));
        HttpConnectorFuture::new(async move { Ok(served.await.expect("the tables do not panic")) })
    }
}

/// Place, kind and body of each action of a transaction that DynamoDB would take.
fn actions(body: &Value) -> Result<Vec<(Place, &str, &Value)>, String> {
    let list = body["TransactItems"].as_array().ok_or("no actions")?;
    let mut places = BTreeSet::new();
    let mut actions = Vec::with_capacity(list.len());
    for entry in list {
        let (kind, action) = entry
            .as_object()
            .and_then(|entry| entry.iter().next())
            .ok_or("no action")?;
        let key = if kind == "Put" {
            &action["Item"]
        } else {
            &action["Key"]
        };
        let place = place(action, key);
        if !places.insert(place.clone()) {
            return Err("two actions on one item".into());
        }
        actions.push((place, kind.as_str(), action));
    }
    if actions.is_empty() || actions.len() > MAX_ACTIONS || body.to_string().len() > MAX_BYTES {
        return Err("too many actions".into());
    }
    Ok(actions)
}

fn place(request: &Value, key: &Value) -> Place {
    Place {
        ratings: request["TableName"] == RATINGS_TABLE,
        pk: attribute(&key["PK"]),
        sk: attribute(&key["SK"]),
    }
}

fn attribute(value: &Value) -> String {
    value["S"].as_str().unwrap_or_default().to_owned()
}

fn text(item: &Item) -> Box<str> {
    serde_json::to_string(item).expect("an item is JSON").into()
}

fn parse(text: &str) -> Item {
    serde_json::from_str(text).expect("what was written")
}

fn exception(code: &str, message: &str) -> HttpResponse {
    reply(
        json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message }),
    )
}

fn invalid(cause: &str) -> HttpResponse {
    exception("ValidationException", cause)
}
