//! `template.yaml` as JSON, its short tags written out: `!Ref X` is `{"Ref": "X"}`, `!GetAtt X.Arn` is `{"Fn::GetAtt": ["X", "Arn"]}`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};

/// A path within the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of the repository.
pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The template.
pub(crate) fn load() -> Value {
    load_from("template.yaml")
}

/// Another template.
pub(crate) fn load_from(path: &str) -> Value {
    let mut documents = YamlOwned::load_from_str(&text(path)).unwrap();
    json_of(documents.remove(0))
}

/// The template as CloudFormation gets it: SAM's transform, run by `tests/expand-template.py`.
pub(crate) fn expanded() -> &'static Value {
    static EXPANDED: LazyLock<Value> = LazyLock::new(|| {
        let python = repository(".venv/bin/python");
        let output = Command::new(&python)
            .arg("tests/expand-template.py")
            .arg("template.yaml")
            .current_dir(repository("."))
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}; run `make tools`", python.display()));
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        serde_json::from_slice(&output.stdout).unwrap()
    });
    &EXPANDED
}

fn json_of(node: YamlOwned) -> Value {
    match node {
        YamlOwned::Value(scalar) => json_of_scalar(scalar),
        YamlOwned::Sequence(items) => items.into_iter().map(json_of).collect(),
        YamlOwned::Mapping(entries) => entries
            .into_iter()
            .map(|(key, value)| (key.as_str().expect("a text key").to_owned(), json_of(value)))
            .collect::<Map<_, _>>()
            .into(),
        YamlOwned::Tagged(tag, node) => {
            let value = match *node {
                // Under a tag of its own a scalar is not resolved.
                YamlOwned::Representation(text, ..) => Value::String(text),
                node => json_of(node),
            };
            match (tag.suffix.as_str(), value) {
                ("Ref" | "Condition", value) => json!({ tag.suffix: value }),
                ("GetAtt", Value::String(path)) => {
                    let (resource, attribute) = path.split_once('.').expect("X.Attribute");
                    json!({"Fn::GetAtt": [resource, attribute]})
                }
                (function, value) => json!({ format!("Fn::{function}"): value }),
            }
        }
        node => panic!("unexpected in a template: {node:?}"),
    }
}

fn json_of_scalar(scalar: ScalarOwned) -> Value {
    match scalar {
        ScalarOwned::Null => Value::Null,
        ScalarOwned::Boolean(value) => value.into(),
        ScalarOwned::Integer(value) => value.into(),
        ScalarOwned::FloatingPoint(value) => value.into_inner().into(),
        ScalarOwned::String(value) => value.into(),
    }
}
