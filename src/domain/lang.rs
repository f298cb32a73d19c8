//! The two languages a citizen may read.

use serde::{Deserialize, Serialize};

/// Language of a page or an answer; Vietnamese unless English was asked for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Lang {
    /// Vietnamese.
    #[default]
    Vi,
    /// English.
    En,
}

impl Lang {
    /// Both, in the order pages are written.
    pub const ALL: [Self; 2] = [Self::Vi, Self::En];

    /// BCP 47 code, as in `<html lang>` and the locale files.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Vi => "vi",
            Self::En => "en",
        }
    }

    /// What stands before every path of this language's tree: nothing, or `/en`.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Vi => "",
            Self::En => "/en",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_stands_at_the_root_and_english_below_en() {
        assert_eq!(Lang::ALL.map(Lang::code), ["vi", "en"]);
        assert_eq!(Lang::ALL.map(Lang::prefix), ["", "/en"]);
    }
}
