//! The sheets of a catalog, the columns of each, and the other words they go by.

use super::row::{Column, heading_key};

/// A sheet of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SheetKind {
    /// Groups of units.
    Groups,
    /// Units.
    Units,
    /// Officials.
    Officials,
    /// Fields of transaction.
    Fields,
    /// Reasons for dissatisfaction.
    Reasons,
    /// Questionnaires, one row per option.
    Questionnaires,
    /// Settings, one row per key.
    Settings,
}

impl SheetKind {
    /// Every sheet, in the order they are read.
    pub const ALL: [Self; 7] = [
        Self::Groups,
        Self::Units,
        Self::Officials,
        Self::Fields,
        Self::Reasons,
        Self::Questionnaires,
        Self::Settings,
    ];

    /// Its name, and that of its CSV file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Units => "units",
            Self::Officials => "officials",
            Self::Fields => "fields",
            Self::Reasons => "reasons",
            Self::Questionnaires => "questionnaires",
            Self::Settings => "settings",
        }
    }

    /// Other names it goes by in a workbook.
    #[must_use]
    pub fn synonyms(self) -> &'static [&'static str] {
        match self {
            Self::Groups => &["nhóm đơn vị"],
            Self::Units => &["đơn vị"],
            Self::Officials => &["cán bộ", "công chức"],
            Self::Fields => &["lĩnh vực"],
            Self::Reasons => &["lí do", "lý do"],
            Self::Questionnaires => &["phiếu khảo sát", "phiếu đánh giá"],
            Self::Settings => &["cài đặt", "cấu hình"],
        }
    }

    /// Whether a catalog without it is refused.
    #[must_use]
    pub fn required(self) -> bool {
        self != Self::Questionnaires
    }

    /// The sheet called `name`; accents, case, spaces and punctuation do not matter.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let key = heading_key(name);
        Self::ALL.into_iter().find(|kind| {
            let mut names = std::iter::once(kind.name()).chain(kind.synonyms().iter().copied());
            names.any(|name| heading_key(name) == key)
        })
    }

    /// Its columns.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Groups => GROUPS,
            Self::Units => UNITS,
            Self::Officials => OFFICIALS,
            Self::Fields => FIELDS,
            Self::Reasons => REASONS,
            Self::Questionnaires => QUESTIONNAIRES,
            Self::Settings => SETTINGS,
        }
    }
}

const fn must(name: &'static str, synonyms: &'static [&'static str]) -> Column {
    Column {
        name,
        synonyms,
        required: true,
    }
}

const fn may(name: &'static str, synonyms: &'static [&'static str]) -> Column {
    Column {
        name,
        synonyms,
        required: false,
    }
}

const NAME_EN: Column = may("name_en", &["tên tiếng anh"]);
const VALID_FROM: Column = may("valid_from", &["từ ngày", "hiệu lực từ"]);
const VALID_TO: Column = may("valid_to", &["đến ngày", "hiệu lực đến"]);

const GROUPS: &[Column] = &[
    must("id", &["mã nhóm", "mã"]),
    must("name", &["tên nhóm", "tên"]),
    NAME_EN,
    VALID_FROM,
    VALID_TO,
];

const UNITS: &[Column] = &[
    must("id", &["mã đơn vị", "mã"]),
    must("group", &["mã nhóm", "nhóm"]),
    must("name", &["tên đơn vị", "tên"]),
    NAME_EN,
    VALID_FROM,
    VALID_TO,
    may("successor", &["đơn vị kế thừa"]),
];

const OFFICIALS: &[Column] = &[
    must("id", &["mã cán bộ", "mã"]),
    must("unit", &["mã đơn vị", "đơn vị"]),
    must("name", &["họ và tên", "họ tên"]),
    must("title", &["chức danh"]),
    may("title_en", &["chức danh tiếng anh"]),
    must("category", &["loại", "phân loại"]),
    must("role", &["vai trò"]),
    may("photo", &["ảnh"]),
    VALID_FROM,
    VALID_TO,
];

const FIELDS: &[Column] = &[
    must("id", &["mã lĩnh vực", "mã"]),
    must("name", &["tên lĩnh vực", "tên", "lĩnh vực"]),
    NAME_EN,
];

const REASONS: &[Column] = &[
    must("code", &["mã lí do", "mã lý do", "mã"]),
    must("text", &["nội dung", "lí do", "lý do"]),
    may("text_en", &["nội dung tiếng anh"]),
    may("indicator", &["chỉ số"]),
];

const QUESTIONNAIRES: &[Column] = &[
    must("questionnaire", &["mã phiếu"]),
    must("version", &["phiên bản"]),
    must("channel", &["kênh"]),
    must("title", &["tên phiếu"]),
    may("title_en", &["tên phiếu tiếng anh"]),
    VALID_FROM,
    VALID_TO,
    must("question", &["mã câu hỏi"]),
    must("question_text", &["câu hỏi", "nội dung câu hỏi"]),
    may("question_text_en", &["câu hỏi tiếng anh"]),
    must("option", &["mã phương án"]),
    must("option_text", &["phương án", "nội dung phương án"]),
    may("option_text_en", &["phương án tiếng anh"]),
    may("points", &["điểm"]),
];

const SETTINGS: &[Column] = &[
    must("key", &["khóa", "tên cài đặt"]),
    must("value", &["giá trị"]),
    may("value_en", &["giá trị tiếng anh"]),
];

/// The columns of a dossier file.
pub const DOSSIERS: &[Column] = &[
    must("code", &["mã hồ sơ", "mã số hồ sơ", "mã biên nhận"]),
    may("secret", &["mã bí mật"]),
    must("unit", &["mã đơn vị", "đơn vị"]),
    may("officials", &["cán bộ", "công chức"]),
    must("field", &["mã lĩnh vực", "lĩnh vực"]),
    may("procedure", &["thủ tục", "tên thủ tục"]),
    must("received", &["ngày nhận", "ngày tiếp nhận"]),
    may("due", &["ngày hẹn trả", "ngày hẹn"]),
    may("returned", &["ngày trả", "ngày trả kết quả"]),
    must("status", &["trạng thái", "tình trạng"]),
];

/// The columns of a void file.
pub const VOIDS: &[Column] = &[
    must("unit", &["mã đơn vị", "đơn vị"]),
    may("official", &["mã cán bộ", "cán bộ"]),
    may("receipt_code", &["mã biên nhận", "mã hồ sơ"]),
    may("phone", &["số điện thoại"]),
    may("rating", &["mã lượt đánh giá"]),
    must("reason", &["lí do", "lý do"]),
];

/// Columns of a loosening file.
pub const LOOSENINGS: &[Column] = &[
    must("quarter", &["quý"]),
    must("min_new_ratings", &["số lượt mới tối thiểu"]),
    must("min_official_ratings", &["số lượt tối thiểu của công chức"]),
    must("ranking_strata", &["mức xác thực"]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_columns_of_a_sheet_share_a_heading() {
        let sheets = SheetKind::ALL.map(SheetKind::columns);
        for columns in sheets.into_iter().chain([DOSSIERS, VOIDS, LOOSENINGS]) {
            let mut seen = BTreeSet::new();
            for column in columns {
                for name in std::iter::once(&column.name).chain(column.synonyms) {
                    assert!(seen.insert(heading_key(name)), "{name}");
                }
            }
        }
    }

    #[test]
    fn the_guide_for_administrators_names_every_sheet_column_and_synonym() {
        let guide = include_str!("../../../docs/catalog.md");
        let sheets = SheetKind::ALL.map(SheetKind::columns);
        for column in sheets
            .into_iter()
            .chain([DOSSIERS, VOIDS, LOOSENINGS])
            .flatten()
        {
            assert!(
                guide.contains(&format!("`{}`", column.name)),
                "{}",
                column.name
            );
            for synonym in column.synonyms {
                assert!(guide.contains(&format!("«{synonym}»")), "{synonym}");
            }
        }
        for kind in SheetKind::ALL {
            assert!(
                guide.contains(&format!("`{}`", kind.name())),
                "{}",
                kind.name()
            );
            for synonym in kind.synonyms() {
                assert!(guide.contains(&format!("«{synonym}»")), "{synonym}");
            }
        }
    }

    #[test]
    fn a_sheet_is_found_by_its_vietnamese_name() {
        assert_eq!(SheetKind::parse("Đơn vị"), Some(SheetKind::Units));
        assert_eq!(SheetKind::parse("LÍ DO"), Some(SheetKind::Reasons));
        assert_eq!(SheetKind::parse("Sheet1"), None);
    }
}
