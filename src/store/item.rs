//! Items as the SDK gives them: reading one, reading its attributes, and knowing a refused condition.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;

use super::error::MalformedItem;
use super::key::Key;
use super::{Store, StoreError};

/// An item as the SDK gives it.
pub(crate) type Item = HashMap<String, AttributeValue>;

impl Store {
    /// The item of `table` under `key`, read consistently.
    pub(crate) async fn get(
        &self,
        operation: &'static str,
        table: &str,
        key: &Key,
    ) -> Result<Option<Item>, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(table)
            .set_key(Some(key.attributes()))
            .consistent_read(true);
        let output = request.send().await;
        Ok(output
            .map_err(|error| StoreError::read(operation, error))?
            .item)
    }
}

/// Whether a write was refused because its condition did not hold.
pub(crate) fn is_condition_failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error.as_service_error().and_then(|error| error.code());
    code == Some("ConditionalCheckFailedException")
}

/// The text under `name`.
pub(crate) fn text<'a>(item: &'a Item, name: &'static str) -> Result<&'a str, MalformedItem> {
    optional_text(item, name)?.ok_or(MalformedItem { attribute: name })
}

/// The text under `name`, if there is such an attribute.
pub(crate) fn optional_text<'a>(
    item: &'a Item,
    name: &'static str,
) -> Result<Option<&'a str>, MalformedItem> {
    match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(_) => Err(MalformedItem { attribute: name }),
    }
}

/// The text under `name`, read as a `T`.
pub(crate) fn parsed<T: FromStr>(item: &Item, name: &'static str) -> Result<T, MalformedItem> {
    let value = text(item, name)?.parse();
    value.map_err(|_| MalformedItem { attribute: name })
}

/// The day under `name`.
pub(crate) fn day(item: &Item, name: &'static str) -> Result<Date, MalformedItem> {
    parsed(item, name)
}

/// The number under `name`.
pub(crate) fn number<T: FromStr>(item: &Item, name: &'static str) -> Result<T, MalformedItem> {
    let number = match item.get(name) {
        Some(AttributeValue::N(number)) => number.parse().ok(),
        _ => None,
    };
    number.ok_or(MalformedItem { attribute: name })
}

/// The bytes under `name`.
pub(crate) fn bytes<'a>(item: &'a Item, name: &'static str) -> Result<&'a [u8], MalformedItem> {
    match item.get(name) {
        Some(AttributeValue::B(bytes)) => Ok(bytes.as_ref()),
        _ => Err(MalformedItem { attribute: name }),
    }
}

/// A text as an attribute.
pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number as an attribute.
pub(crate) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The set of texts under `name`; empty where there is no such attribute.
pub(crate) fn texts<'a>(item: &'a Item, name: &'static str) -> Result<&'a [String], MalformedItem> {
    match item.get(name) {
        None => Ok(&[]),
        Some(AttributeValue::Ss(texts)) => Ok(texts),
        Some(_) => Err(MalformedItem { attribute: name }),
    }
}

/// A set of texts as an attribute.
pub(crate) fn ss<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> AttributeValue {
    AttributeValue::Ss(texts.into_iter().map(Into::into).collect())
}
