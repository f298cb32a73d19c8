//! The expressions of DynamoDB that the store writes; any other is an error.

use serde_json::{Map, Value, json};

/// An item as DynamoDB's JSON has it.
pub(crate) type Item = Map<String, Value>;

/// The expressions of one action with their names and values.
pub(super) struct Expressions<'a>(pub(super) &'a Value);

impl Expressions<'_> {
    /// Whether `item` meets the condition; true where there is none.
    pub(super) fn holds(&self, item: Option<&Item>) -> Result<bool, String> {
        let Some(text) = self.0["ConditionExpression"].as_str() else {
            return Ok(true);
        };
        for part in text.split(" AND ") {
            let (part, wanted) = match part.strip_prefix("NOT ") {
                Some(rest) => (rest, false),
                None => (part, true),
            };
            if self.is_true(part.trim(), item)? != wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_true(&self, part: &str, item: Option<&Item>) -> Result<bool, String> {
        let unknown = || format!("the condition `{part}` is not known here");
        if let Some((function, arguments)) =
            part.strip_suffix(')').and_then(|part| part.split_once('('))
        {
            let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
            let attribute = item.and_then(|item| item.get(self.name(arguments[0])));
            return match (function, &arguments[1..]) {
                ("attribute_exists", []) => Ok(attribute.is_some()),
                ("attribute_not_exists", []) => Ok(attribute.is_none()),
                ("contains", [value]) => {
                    let set = attribute.and_then(|attribute| attribute["SS"].as_array());
                    Ok(set.is_some_and(|set| set.contains(&self.value(value)["S"])))
                }
                _ => Err(unknown()),
            };
        }
        let [name, comparison, value] = part.split(' ').collect::<Vec<_>>()[..] else {
            return Err(unknown());
        };
        let attribute = item.and_then(|item| item.get(self.name(name)));
        let value = self.value(value);
        match comparison {
            ">" => Ok(attribute.is_some_and(|attribute| number(attribute) > number(value))),
            "=" => Ok(attribute == Some(value)),
            _ => Err(unknown()),
        }
    }

    /// Changes `item` as the update expression says.
    pub(super) fn update(&self, item: &mut Item) -> Result<(), String> {
        let text = self.0["UpdateExpression"].as_str().unwrap_or_default();
        let unknown = || format!("the update `{text}` is not known here");
        let mut clause = "";
        for part in text.split(',') {
            let mut words: Vec<&str> = part
                .split_whitespace()
                .filter(|word| *word != "=")
                .collect();
            // A clause may begin in the middle of a part: `ADD a :a SET b = :b`.
            while !words.is_empty() {
                if ["ADD", "SET", "REMOVE"].contains(&words[0]) {
                    clause = words.remove(0);
                    continue;
                }
                let name = self.name(words.remove(0)).to_owned();
                match clause {
                    "REMOVE" => {
                        item.remove(&name);
                    }
                    "SET" if !words.is_empty() => {
                        item.insert(name, self.value(words.remove(0)).clone());
                    }
                    "ADD" if !words.is_empty() => {
                        let added = add(item.get(&name), self.value(words.remove(0)));
                        item.insert(name, added.ok_or_else(unknown)?);
                    }
                    _ => return Err(unknown()),
                }
            }
        }
        Ok(())
    }

    fn name<'b>(&'b self, name: &'b str) -> &'b str {
        self.0["ExpressionAttributeNames"][name]
            .as_str()
            .unwrap_or(name)
    }

    fn value(&self, value: &str) -> &Value {
        &self.0["ExpressionAttributeValues"][value]
    }
}

fn add(old: Option<&Value>, amount: &Value) -> Option<Value> {
    if let Some(more) = amount["SS"].as_array() {
        let mut set: Vec<Value> = old
            .and_then(|old| old["SS"].as_array())
            .cloned()
            .unwrap_or_default();
        set.extend(
            more.iter()
                .filter(|value| !set.contains(value))
                .cloned()
                .collect::<Vec<_>>(),
        );
        return Some(json!({ "SS": set }));
    }
    amount["N"].as_str()?;
    let sum = old.map_or(0, number) + number(amount);
    Some(json!({ "N": sum.to_string() }))
}

/// The number of an attribute; numbers here are whole.
pub(super) fn number(attribute: &Value) -> i64 {
    attribute["N"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}
