//! The trial sample: a catalog, dossiers, and ratings given on past days.

use std::path::Path;

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::error::BoxError;

/// A rating of the sample.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRating {
    /// The day it is to count as submitted, in Asia/Ho_Chi_Minh.
    pub date: Date,
    /// The values in the shape of the JSON body of `POST /api/ratings`.
    pub values: Map<String, Value>,
}

/// Reads `ratings.csv`: a column `date`, and one for every name of `POST /api/ratings`.
///
/// `reasons` holds codes with semicolons between them, and `answers.<question>` is a column per question; empty means
/// absent.
///
/// # Errors
/// When the file cannot be read, or a row has no date.
pub fn read_ratings(path: &Path) -> Result<Vec<SampleRating>, BoxError> {
    let mut reader = csv::Reader::from_path(path)?;
    let names = reader.headers()?.clone();
    let mut ratings = Vec::new();
    for row in reader.records() {
        let row = row?;
        let mut date = None;
        let mut values = Map::new();
        for (name, value) in names.iter().zip(&row) {
            let name = name.trim_start_matches('\u{feff}');
            if value.is_empty() {
                continue;
            }
            if name == "date" {
                date = Some(value.parse()?);
            } else if name == "reasons" {
                let codes = value.split(';').map(|code| Value::from(code.trim()));
                values.insert(name.to_owned(), codes.collect());
            } else if let Some(question) = name.strip_prefix("answers.") {
                let answers = values.entry("answers").or_insert_with(|| Map::new().into());
                answers[question] = value.into();
            } else {
                values.insert(name.to_owned(), value.into());
            }
        }
        let line = row.position().map_or(0, csv::Position::line);
        let date = date.ok_or_else(|| format!("line {line} of the sample has no date"))?;
        ratings.push(SampleRating { date, values });
    }
    Ok(ratings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_takes_the_shape_of_the_json_body() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "\u{feff}date,subject,reasons,answers.cs1,answers.cs2,suggestion\r\n\
            2026-11-21,48-1/o-1,late; rude,equal,,\r\n";
        std::fs::write(&file, text).unwrap();

        let ratings = read_ratings(file.path()).unwrap();

        let values = json!({"subject": "48-1/o-1", "reasons": ["late", "rude"], "answers": {"cs1": "equal"}});
        assert_eq!(ratings.len(), 1);
        assert_eq!(ratings[0].date, jiff::civil::date(2026, 11, 21));
        assert_eq!(Value::Object(ratings[0].values.clone()), values);
    }
}
