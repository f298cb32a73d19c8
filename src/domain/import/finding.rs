//! What is wrong with a file, and where, in words its author can act on.

use jiff::civil::Date;

use crate::lang::Lang;

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
    /// There is no such rating in the months that can still change.
    NoSuchRating,
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

impl Cause {
    /// The sentence for its author.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let (vi, en) = self.texts();
        match lang {
            Lang::Vi => vi,
            Lang::En => en,
        }
    }

    fn texts(&self) -> (String, String) {
        let fixed = |vi: &str, en: &str| (vi.to_owned(), en.to_owned());
        match self {
            Self::Unreadable => fixed(
                "Không đọc được tệp. Hãy lưu lại bằng định dạng .xlsx hoặc CSV UTF-8.",
                "The file cannot be read. Save it again as .xlsx or CSV UTF-8.",
            ),
            Self::NotUtf8 => fixed(
                "Tệp CSV không ở bảng mã UTF-8. Khi lưu, hãy chọn «CSV UTF-8».",
                "The CSV file is not in UTF-8. Choose \"CSV UTF-8\" when saving.",
            ),
            Self::OpenQuotation => fixed(
                "Dấu ngoặc kép mở ở dòng này không được đóng, hoặc đóng sai chỗ. Hãy xóa dấu ngoặc kép hoặc thêm dấu đóng.",
                "A quotation mark opens in this row and is not closed, or closed in the wrong place. Remove or close it.",
            ),
            Self::UnknownFile => fixed(
                "Không nhận ra loại tệp. Danh mục là catalog/<tên>.xlsx hoặc catalog/<tên>/<trang>.csv; hồ sơ là dossiers/<tên>.csv; đề nghị loại là voids/1/<tên>.csv hoặc voids/2/<tên>.csv.",
                "This kind of file is not known. A catalog is catalog/<name>.xlsx or catalog/<name>/<sheet>.csv; dossiers are dossiers/<name>.csv; voids are voids/1/<name>.csv or voids/2/<name>.csv.",
            ),
            Self::TooLarge { megabytes } => (
                format!("Tệp lớn hơn {megabytes} MB."),
                format!("The file is larger than {megabytes} MB."),
            ),
            Self::Bomb => fixed(
                "Một phần của tệp giải nén ra quá lớn. Hãy chép dữ liệu sang một tệp mới.",
                "A part of the file unpacks to far too much. Copy the data into a new file.",
            ),
            Self::TooManyRows { max } => (
                format!("Có nhiều hơn {max} dòng."),
                format!("There are more than {max} rows."),
            ),
            Self::TooManyColumns { max } => (
                format!("Có nhiều hơn {max} cột."),
                format!("There are more than {max} columns."),
            ),
            Self::TooManyCells { max } => (
                format!("Có nhiều hơn {max} ô."),
                format!("There are more than {max} cells."),
            ),
            Self::SheetMissing => fixed("Thiếu trang này.", "This sheet is missing."),
            Self::SheetUnknown => fixed(
                "Không có trang nào mang tên này trong danh mục. Hãy đổi tên hoặc xóa trang.",
                "The catalog has no sheet of this name. Rename or remove it.",
            ),
            Self::SheetTwice => fixed(
                "Có hai trang cho cùng một phần của danh mục.",
                "Two sheets stand for the same part of the catalog.",
            ),
            Self::HeaderMissing => fixed(
                "Trang không có dòng tiêu đề.",
                "The sheet has no heading row.",
            ),
            Self::NoRows => fixed("Trang chưa có dòng nào.", "The sheet has no rows."),
            Self::ColumnMissing => fixed("Thiếu cột này.", "This column is missing."),
            Self::ColumnUnknown => fixed(
                "Không nhận ra cột này. Hãy đổi tên hoặc xóa cột.",
                "This column is not known. Rename or remove it.",
            ),
            Self::ColumnTwice => fixed("Cột này có hai lần.", "This column stands twice."),
            Self::CellOutside => fixed(
                "Có ô nằm ngoài các cột có tiêu đề; có thể thừa dấu phân cách.",
                "A cell lies outside the headed columns; a separator may be too many.",
            ),
            Self::Missing => fixed("Ô này không được để trống.", "This cell must be filled."),
            Self::Broken(error) => (
                format!("Ô báo lỗi «{error}»."),
                format!("The cell shows the error \"{error}\"."),
            ),
            Self::NotText => fixed(
                "Ô này phải là chữ. Hãy định dạng ô là «Văn bản» và nhập lại.",
                "This cell must hold text. Format it as text and type it again.",
            ),
            Self::TooLong { max } => (
                format!("Dài hơn {max} ký tự."),
                format!("Longer than {max} characters."),
            ),
            Self::BadId(value) => (
                format!("«{value}» không phải là mã: dùng 1–32 ký tự a–z, 0–9, «-», «_»."),
                format!("\"{value}\" is not an identifier: use 1 to 32 of a-z, 0-9, \"-\", \"_\"."),
            ),
            Self::BadNumber { min, max } => (
                format!("Phải là số nguyên từ {min} đến {max}."),
                format!("Must be a whole number from {min} to {max}."),
            ),
            Self::BadDate(value) => (
                format!("«{value}» không phải là ngày: viết ngày/tháng/năm, ví dụ 01/07/2025."),
                format!("\"{value}\" is not a date: write day/month/year, such as 01/07/2025."),
            ),
            Self::BadFlag(value) => (
                format!("«{value}»: viết «có» hoặc «không»."),
                format!("\"{value}\": write \"yes\" or \"no\"."),
            ),
            Self::BadWord { value, allowed } => (
                format!("«{value}» không dùng được ở đây; dùng một trong: {allowed}."),
                format!("\"{value}\" cannot stand here; use one of: {allowed}."),
            ),
            Self::BadEmail => fixed(
                "Không phải là địa chỉ thư điện tử.",
                "Not an e-mail address.",
            ),
            Self::BadRatingId => fixed(
                "Không phải là mã lượt đánh giá: 26 ký tự a–z và 2–7.",
                "Not a rating's identifier: 26 of a-z and 2-7.",
            ),
            Self::OneNameOnly => fixed(
                "Hãy ghi đúng một trong ba cột: mã biên nhận, số điện thoại hoặc mã lượt đánh giá.",
                "Fill in exactly one of three columns: receipt code, phone or rating.",
            ),
            Self::NoSuchRating => fixed(
                "Không có lượt đánh giá này cho đơn vị hoặc công chức đã ghi, trong quý này và quý trước.",
                "There is no such rating of this unit or official in this quarter or the last.",
            ),
            Self::BadPhone => fixed("Không phải là số điện thoại.", "Not a telephone number."),
            Self::PhoneWithoutZero => fixed(
                "Số điện thoại thiếu số 0 ở đầu, có thể vì ô không ở định dạng văn bản. Hãy định dạng ô là «Văn bản» và nhập lại, ví dụ 0236 3881 888 hoặc +84 236 3881 888.",
                "The number lacks the zero it begins with, perhaps because the cell is not formatted as text. Format it as text and type it again, such as 0236 3881 888 or +84 236 3881 888.",
            ),
            Self::BadPhoto => fixed(
                "Không phải là địa chỉ ảnh trong trang: ví dụ /anh/nguyen-van-a.jpg.",
                "Not the address of a picture within the site, such as /anh/nguyen-van-a.jpg.",
            ),
            Self::BadIndicator(value) => (
                format!("«{value}» không phải là chỉ số: dùng cs1 đến cs11."),
                format!("\"{value}\" is not an indicator: use cs1 to cs11."),
            ),
            Self::BadReceiptCode => fixed(
                "Không phải là mã hồ sơ: ví dụ 000.00.20.H17-261012-0007.",
                "Not a receipt code, such as 000.00.20.H17-261012-0007.",
            ),
            Self::BadReceiptSecret => fixed(
                "Không phải là mã bí mật: mười ký tự và một ký tự kiểm tra đúng.",
                "Not a secret part: ten characters and a check character that agrees.",
            ),
            Self::Duplicate { value, row } => (
                format!("«{value}» đã có ở dòng {row}."),
                format!("\"{value}\" stands already in row {row}."),
            ),
            Self::Repeated(value) => (
                format!("«{value}» có hai lần trong ô này."),
                format!("\"{value}\" stands twice in this cell."),
            ),
            Self::Unknown { value, sheet } => (
                format!("Không có «{value}» trong trang «{sheet}»."),
                format!("There is no \"{value}\" in sheet \"{sheet}\"."),
            ),
            Self::UnknownSetting(key) => (
                format!("Không có cài đặt nào tên là «{key}»."),
                format!("There is no setting \"{key}\"."),
            ),
            Self::SettingMissing(key) => (
                format!("Thiếu cài đặt «{key}»."),
                format!("The setting \"{key}\" is missing."),
            ),
            Self::NotTranslated => fixed(
                "Cài đặt này không có bản tiếng Anh; hãy để trống.",
                "This setting has no English text; leave it empty.",
            ),
            Self::SuccessorLoop => fixed(
                "Đơn vị kế thừa quay vòng về chính đơn vị này.",
                "The successors lead back to this unit.",
            ),
            Self::EndsBeforeStart => fixed(
                "Ngày kết thúc trước ngày bắt đầu.",
                "The last day lies before the first.",
            ),
            Self::DiffersFromRow { row } => (
                format!("Khác với dòng {row} của cùng phiếu hoặc câu hỏi."),
                format!("Differs from row {row} of the same questionnaire or question."),
            ),
            Self::TooFewOptions { question } => (
                format!("Câu hỏi «{question}» cần ít nhất hai phương án."),
                format!("Question \"{question}\" needs at least two options."),
            ),
            Self::TooMany { max } => (
                format!("Nhiều hơn {max} trong một phiếu."),
                format!("More than {max} in one form."),
            ),
            Self::SameChannel { other } => (
                format!("Cùng kênh, cùng phiên bản và cùng thời gian với phiếu «{other}»."),
                format!("Same channel, version and time as questionnaire \"{other}\"."),
            ),
            Self::ItemTooLarge { kilobytes, max } => (
                format!(
                    "Chiếm {kilobytes} KB, nhiều hơn mức {max} KB lưu được. Hãy tách đơn vị hoặc rút gọn."
                ),
                format!(
                    "Takes {kilobytes} KB, more than the {max} KB that can be stored. Split the unit or shorten it."
                ),
            ),
            Self::NoCatalog => fixed(
                "Chưa có danh mục. Hãy nhập danh mục trước, sau đó tải lại tệp này.",
                "There is no catalog yet. Import one first, then upload this file again.",
            ),
            Self::NotOfUnit { official, unit } => (
                format!("«{official}» không thuộc đơn vị «{unit}» vào ngày nhận hồ sơ."),
                format!("\"{official}\" did not serve in unit \"{unit}\" on the day received."),
            ),
            Self::UnitNotInForce { unit } => (
                format!("Đơn vị «{unit}» không hoạt động vào ngày nhận hồ sơ."),
                format!("Unit \"{unit}\" was not in force on the day received."),
            ),
            Self::InFuture => fixed("Ngày này chưa đến.", "This day has not come yet."),
            Self::CodeOfAnotherDay { code, received } => {
                let shown = |day: &Date| day.strftime("%d/%m/%Y").to_string();
                let (code, received) = (shown(code), shown(received));
                (
                    format!(
                        "Mã hồ sơ ghi ngày {code}, ô này ghi ngày {received}. Hãy xem ngày và tháng có bị đổi chỗ không."
                    ),
                    format!(
                        "The code says {code}, this cell {received} (day/month/year). See whether day and month changed places."
                    ),
                )
            }
            Self::BeforeReceived => fixed(
                "Trước ngày nhận hồ sơ.",
                "Before the day the dossier was received.",
            ),
            Self::ReturnedWithoutDay => fixed(
                "Hồ sơ đã trả kết quả cần có ngày trả.",
                "A returned dossier needs the day it was returned.",
            ),
            Self::DayWithoutReturn => fixed(
                "Có ngày trả nhưng trạng thái không phải là đã trả hoặc từ chối.",
                "There is a day of return, but the status is neither returned nor refused.",
            ),
        }
    }
}
