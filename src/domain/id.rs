//! Identifiers from the catalog, checked once at the edge.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest identifier, in characters: a path segment and a part of a table key.
pub const MAX_LENGTH: usize = 32;

/// An identifier that is not 1 to [`MAX_LENGTH`] of `a–z`, `0–9`, `-` and `_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an identifier holds 1 to 32 of a-z, 0-9, '-' and '_'")]
pub struct IdError;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks length and alphabet.
            ///
            /// # Errors
            /// [`IdError`] when empty, too long, or with any other character.
            pub fn parse(input: &str) -> Result<Self, IdError> {
                let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
                if input.is_empty() || input.len() > MAX_LENGTH || !input.bytes().all(allowed) {
                    return Err(IdError);
                }
                Ok(Self(input.to_owned()))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(input: String) -> Result<Self, IdError> {
                Self::parse(&input)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id_type!(
    /// A group of units, such as the province's departments.
    GroupId
);
id_type!(
    /// A unit (đơn vị, cơ quan).
    UnitId
);
id_type!(
    /// An official; unique in the whole catalog.
    OfficialId
);
id_type!(
    /// A field of transaction (lĩnh vực).
    FieldId
);
id_type!(
    /// A reason for dissatisfaction.
    ReasonCode
);
id_type!(
    /// A question of a questionnaire, `cs1` … `cs11` for the official indicators.
    QuestionCode
);
id_type!(
    /// One of a question's coded options.
    OptionCode
);
id_type!(
    /// A questionnaire, without its version.
    QuestionnaireId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_never_holds_a_key_separator() {
        for input in ["", "a#b", "a/b", "A", "é", "a b", &"x".repeat(33)] {
            assert_eq!(UnitId::parse(input), Err(IdError), "{input}");
        }
        assert_eq!(UnitId::parse("48-20194").unwrap().as_str(), "48-20194");
    }
}
