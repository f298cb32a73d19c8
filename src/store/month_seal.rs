//! Seals of closed months, written once.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;

use super::error::MalformedItem;
use super::key::Key;
use super::rating::Item;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::month_seal::MonthSeal;
use crate::domain::period::Month;

impl Store {
    /// Seals `month` of `unit`, unless it is sealed already: the first seal stays.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn put_month_seal(
        &self,
        unit: &UnitId,
        month: Month,
        seal: &MonthSeal,
        today: Date,
    ) -> Result<(), StoreError> {
        let number = |number: u64| AttributeValue::N(number.to_string());
        let put = self
            .client
            .put_item()
            .table_name(&self.tally)
            .set_item(Some(Key::month_seal(unit, month).attributes()))
            .item("rated", number(seal.rated))
            .item("satisfied", number(seal.satisfied))
            .item("fingerprint", AttributeValue::S(seal.fingerprint.clone()))
            .item("day", AttributeValue::S(today.to_string()))
            .condition_expression("attribute_not_exists(PK)");
        match put.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    PutItemError::ConditionalCheckFailedException(_)
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(StoreError::transient("seal month")(Box::new(error))),
        }
    }
}

pub(crate) fn month_seal_from_item(item: &Item) -> Result<MonthSeal, MalformedItem> {
    let number = |name: &'static str| {
        let number = item.get(name).and_then(|value| value.as_n().ok());
        number
            .and_then(|number| number.parse().ok())
            .ok_or(MalformedItem { attribute: name })
    };
    let fingerprint = item
        .get("fingerprint")
        .and_then(|value| value.as_s().ok())
        .ok_or(MalformedItem {
            attribute: "fingerprint",
        })?;
    Ok(MonthSeal {
        rated: number("rated")?,
        satisfied: number("satisfied")?,
        fingerprint: fingerprint.clone(),
    })
}
