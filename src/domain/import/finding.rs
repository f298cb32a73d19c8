//! What is wrong with a file, and where.

use jiff::civil::Date;

/// Findings kept in full; a file with more of them is wrong in one way many times over.
pub const MAX_FINDINGS: usize = 200;

/// A place in a file, named as its author sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// File name without folders.
    pub file: String,
    /// Sheet; the file's own name without extension for CSV.
    pub sheet: String,
    /// Row as numbered by a spreadsheet: the first is 1.
    pub row: Option<u32>,
    /// Heading of the column.
    pub column: Option<String>,
}

/// One thing to put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub cause: Cause,
}

/// Everything found in one import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    list: Vec<Finding>,
    beyond: u64,
}

impl Findings {
    /// Notes one more; beyond [`MAX_FINDINGS`] only their number is kept.
    pub fn push(&mut self, place: Place, cause: Cause) {
        if self.list.len() < MAX_FINDINGS {
            self.list.push(Finding { place, cause });
        } else {
            self.beyond += 1;
        }
    }

    /// The first [`MAX_FINDINGS`], in the order found.
    #[must_use]
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// How many there are in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.list.len() as u64 + self.beyond
    }

    /// Whether there is nothing to put right.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The object is neither a readable workbook nor a CSV file.
    Unreadable,
    /// A CSV file is not UTF-8.
    NotUtf8,
    /// A quotation mark opens in this row of a CSV file and is not closed where the cell ends.
    OpenQuotation,
    /// The file name says neither `.xlsx` nor a place a CSV file is read from.
    UnknownFile,
    /// The file is larger than is read.
    TooLarge {
        /// Most bytes, in MB.
        megabytes: u64,
    },
    /// A part of the workbook unpacks to far more than a catalog needs.
    Bomb,
    /// More rows than are read.
    TooManyRows {
        /// The most.
        max: usize,
    },
    /// More columns than are read.
    TooManyColumns {
        /// The most.
        max: usize,
    },
    /// More filled cells than are read.
    TooManyCells {
        /// The most.
        max: usize,
    },
    /// A sheet the catalog cannot do without is not there.
    SheetMissing,
    /// A sheet with a name the catalog does not know.
    SheetUnknown,
    /// Two sheets stand for the same part of the catalog.
    SheetTwice,
    /// A sheet without a heading row.
    HeaderMissing,
    /// A sheet that needs at least one row has none.
    NoRows,
    /// A column that cannot be left out is not there.
    ColumnMissing,
    /// A heading the sheet does not know.
    ColumnUnknown,
    /// Two headings stand for the same column.
    ColumnTwice,
    /// A filled cell outside the headed columns: often a stray separator.
    CellOutside,
    /// A cell that must be filled is empty.
    Missing,
    /// The cell shows a spreadsheet error such as `#N/A`.
    Broken(String),
    /// A text where a number or date stands, or the other way round.
    NotText,
    /// A text above its limit.
    TooLong {
        /// Most characters.
        max: usize,
    },
    /// Not an identifier.
    BadId(String),
    /// A threshold below what protects raters, in a catalog that is no sample.
    BelowFloor {
        /// Smallest.
        min: u32,
    },
    /// Not a whole number in range.
    BadNumber {
        /// Smallest.
        min: u32,
        /// Largest.
        max: u32,
    },
    /// Not a date.
    BadDate(String),
    /// Not yes or no.
    BadFlag(String),
    /// Not one of the words that may stand here.
    BadWord {
        /// What stands there.
        value: String,
        /// What may stand there.
        allowed: String,
    },
    /// Not an e-mail address.
    BadEmail,
    /// Not a telephone number.
    BadPhone,
    /// A telephone number that lost the zero it begins with.
    PhoneWithoutZero,
    /// Not the address of a picture within the site.
    BadPhoto,
    /// Not one of the official indicators.
    BadIndicator(String),
    /// Not a rating's identifier.
    BadRatingId,
    /// A rating is named in no way, or in two.
    OneNameOnly,
    /// Not a receipt code.
    BadReceiptCode,
    /// Not a secret part, or its check character does not agree.
    BadReceiptSecret,
    /// The same value stands in an earlier row.
    Duplicate {
        /// The value.
        value: String,
        /// The earlier row.
        row: u32,
    },
    /// The same value stands twice within one cell.
    Repeated(String),
    /// A reference to something the catalog does not have.
    Unknown {
        /// The value.
        value: String,
        /// The sheet it is looked for in.
        sheet: &'static str,
    },
    /// A key the settings do not know.
    UnknownSetting(String),
    /// A setting that has no default is not there.
    SettingMissing(&'static str),
    /// An English text for a setting that has none.
    NotTranslated,
    /// A unit that succeeds itself, at once or in a round.
    SuccessorLoop,
    /// The last day lies before the first.
    EndsBeforeStart,
    /// Another value than the first row of the same questionnaire or question has.
    DiffersFromRow {
        /// That row.
        row: u32,
    },
    /// A question with fewer than two options.
    TooFewOptions {
        /// The question.
        question: String,
    },
    /// More questions or options than a form can hold.
    TooMany {
        /// The most.
        max: usize,
    },
    /// Two questionnaires of one channel and version in force together.
    SameChannel {
        /// The other questionnaire.
        other: String,
    },
    /// A unit with its officials, or the rest of the catalog, does not fit one stored item.
    ItemTooLarge {
        /// Its size in KB.
        kilobytes: usize,
        /// The most.
        max: usize,
    },
    /// No catalog has been imported yet.
    NoCatalog,
    /// An official of another unit, or of none.
    NotOfUnit {
        /// The official.
        official: String,
        /// The unit.
        unit: String,
    },
    /// The unit was not in force on the day received.
    UnitNotInForce {
        /// The unit.
        unit: String,
    },
    /// No quarter written `2027q1`, or one that has begun.
    NotAComingQuarter(String),
    /// A day that has not come yet.
    InFuture,
    /// The receipt code names another day than the one received.
    CodeOfAnotherDay {
        /// The day in the code.
        code: Date,
        /// The day received.
        received: Date,
    },
    /// A day before the one the dossier was received.
    BeforeReceived,
    /// A returned dossier without the day it was returned.
    ReturnedWithoutDay,
    /// A day of return on a dossier that has not been returned or refused.
    DayWithoutReturn,
}
