//! How large an item is by DynamoDB's documented rules: names and values, each by its kind.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::stage::Item;

/// Bytes of `item`.
pub(super) fn bytes(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + of_value(value))
        .sum()
}

/// Units a plain write of `item` costs.
pub(super) fn write_units(item: &Item) -> f64 {
    bytes(item).div_ceil(1_024) as f64
}

fn of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        // Two digits a byte, and one more.
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::M(map) => {
            let entries = map.iter().map(|(name, value)| name.len() + of_value(value));
            3 + entries.map(|bytes| bytes + 1).sum::<usize>()
        }
        AttributeValue::L(list) => 3 + list.iter().map(|value| of_value(value) + 1).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_as_values_do() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let answers = [("cs1".to_owned(), text("bang"))].into();
        let item = Item::from([
            ("PK".to_owned(), text("U#an")),
            ("n".to_owned(), AttributeValue::N("1234".to_owned())),
            ("flag".to_owned(), AttributeValue::Bool(true)),
            ("answers".to_owned(), AttributeValue::M(answers)),
        ]);

        assert_eq!(bytes(&item), 6 + 4 + 5 + 7 + 3 + 8);
        assert!((write_units(&item) - 1.0).abs() < f64::EPSILON);
    }
}
