//! The answer to a dropped file, in Vietnamese with English beside it.

use std::fmt::Write;

use crate::domain::import::{Finding, Findings};
use crate::domain::lang::Lang;

/// What stands behind the key of a file in the key of its report.
pub(super) const SUFFIX: &str = ".report.txt";

/// Rows or units named one by one; of more only the number is given.
const MAX_NAMED: usize = 30;

/// What became of one dropped file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// Key of the file.
    pub key: String,
    /// What came of it.
    pub outcome: ImportOutcome,
    /// What is to be put right; empty unless refused.
    pub findings: Findings,
}

/// What came of a dropped file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The catalog is now in force.
    CatalogReplaced {
        /// Its version.
        version: String,
        /// Units in it.
        units: usize,
        /// Officials in it.
        officials: usize,
        /// Units of the catalog before that are not in it.
        units_gone: Vec<String>,
        /// Officials of the catalog before that are not in it.
        officials_gone: usize,
    },
    /// The catalog was in force already.
    CatalogUnchanged {
        /// Its version.
        version: String,
    },
    /// The dossiers are known.
    Dossiers(DossierTotals),
    /// The approvals are on record.
    Voids(VoidTotals),
    /// Nothing was taken over.
    Refused,
}

impl ImportOutcome {
    /// Its spelling in logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::CatalogReplaced { .. } => "catalog_replaced",
            Self::CatalogUnchanged { .. } => "catalog_unchanged",
            Self::Dossiers(_) => "dossiers",
            Self::Voids(_) => "voids",
            Self::Refused => "refused",
        }
    }
}

/// What came of the rows of a void file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VoidTotals {
    /// Approved now.
    pub approved: u64,
    /// Approved by this seat before.
    pub before: u64,
    /// Rows this seat had given another reason for; that one stays.
    pub otherwise: Vec<u32>,
}

/// What came of the rows of a dossier file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DossierTotals {
    /// New.
    pub created: u64,
    /// Brought up to date.
    pub updated: u64,
    /// Known as they are.
    pub unchanged: u64,
    /// Received so long ago that their receipts have expired.
    pub expired: u64,
    /// Rows whose dossier is known with another unit, field or day received; left as it was.
    pub contradicted: Vec<u32>,
}

impl ImportReport {
    /// Whether the file was taken over.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.outcome != ImportOutcome::Refused
    }

    /// Key of the report itself.
    #[must_use]
    pub fn object_key(&self) -> String {
        format!("{}{SUFFIX}", self.key)
    }

    /// The report as a person reads it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.key);
        for line in self.summary() {
            text.push_str(&line);
            text.push('\n');
        }
        for (index, finding) in self.findings.list().iter().enumerate() {
            let Finding { place, cause } = finding;
            let at = where_found(finding);
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "\n{}. {}{at}\n   {}\n   {}\n",
                index + 1,
                place.file,
                cause.text(Lang::Vi),
                cause.text(Lang::En)
            );
        }
        let beyond = self.findings.count() - self.findings.list().len() as u64;
        if beyond > 0 {
            let _ = write!(text, "\n… và {beyond} lỗi nữa.\n… and {beyond} more.\n");
        }
        text
    }

    fn summary(&self) -> Vec<String> {
        match &self.outcome {
            ImportOutcome::Refused => {
                let count = self.findings.count();
                vec![
                    format!("KHÔNG NHẬP: {count} lỗi. Dữ liệu đang dùng giữ nguyên."),
                    format!("NOT IMPORTED: {count} to put right. The data in force stays."),
                ]
            }
            ImportOutcome::CatalogUnchanged { version } => vec![
                format!("KHÔNG THAY ĐỔI: danh mục này đang được dùng (phiên bản {version})."),
                format!("UNCHANGED: this catalog is in force already (version {version})."),
            ],
            ImportOutcome::CatalogReplaced {
                version,
                units,
                officials,
                units_gone,
                officials_gone,
            } => {
                let mut lines = vec![
                    format!(
                        "ĐÃ NHẬP danh mục: {units} đơn vị, {officials} cán bộ (phiên bản {version})."
                    ),
                    format!(
                        "IMPORTED catalog: {units} units, {officials} officials (version {version})."
                    ),
                ];
                if !units_gone.is_empty() {
                    let names = named(units_gone);
                    lines.push(format!(
                        "Lưu ý: không còn {} đơn vị của danh mục trước: {names}.",
                        units_gone.len()
                    ));
                    lines.push(format!(
                        "Note: {} units of the catalog before are gone: {names}.",
                        units_gone.len()
                    ));
                }
                if *officials_gone > 0 {
                    lines.push(format!(
                        "Lưu ý: không còn {officials_gone} cán bộ của danh mục trước."
                    ));
                    lines.push(format!(
                        "Note: {officials_gone} officials of the catalog before are gone."
                    ));
                }
                lines
            }
            ImportOutcome::Voids(totals) => {
                let VoidTotals {
                    approved,
                    before,
                    otherwise,
                } = totals;
                let mut lines = vec![
                    format!(
                        "ĐÃ GHI NHẬN: {approved} lượt đề nghị loại mới, {before} lượt đã đề nghị trước đó. Một lượt đánh giá chỉ bị loại khi hai người ở hai vị trí cùng đề nghị với cùng lí do."
                    ),
                    format!(
                        "RECORDED: {approved} new approvals, {before} given before. A rating is set aside only when two people on two seats agree on one reason."
                    ),
                ];
                if !otherwise.is_empty() {
                    let rows = named(otherwise);
                    lines.push(format!("Lưu ý: vị trí này đã đề nghị loại với lí do khác và lí do đó được giữ nguyên, ở các dòng: {rows}."));
                    lines.push(format!(
                        "Note: this seat had given another reason, which stays, in rows: {rows}."
                    ));
                }
                lines
            }
            ImportOutcome::Dossiers(totals) => {
                let DossierTotals {
                    created,
                    updated,
                    unchanged,
                    expired,
                    contradicted,
                } = totals;
                let mut lines = vec![
                    format!(
                        "ĐÃ NHẬP hồ sơ: {created} mới, {updated} cập nhật, {unchanged} không đổi."
                    ),
                    format!(
                        "IMPORTED dossiers: {created} new, {updated} updated, {unchanged} unchanged."
                    ),
                ];
                if *expired > 0 {
                    lines.push(format!(
                        "Bỏ qua {expired} hồ sơ đã nhận quá lâu để còn đánh giá."
                    ));
                    lines.push(format!(
                        "Left out {expired} dossiers received too long ago to be rated."
                    ));
                }
                if !contradicted.is_empty() {
                    let rows = named(contradicted);
                    lines.push(format!("Lưu ý: {} hồ sơ đã có với đơn vị, lĩnh vực hoặc ngày nhận khác và được giữ nguyên, ở các dòng: {rows}.", contradicted.len()));
                    lines.push(format!("Note: {} dossiers are known with another unit, field or day received and were left as they are, in rows: {rows}.", contradicted.len()));
                }
                lines
            }
        }
    }
}

/// « · trang units · dòng 14 · cột group»: what of the place is known.
fn where_found(finding: &Finding) -> String {
    let place = &finding.place;
    let mut at = String::new();
    if !place.sheet.is_empty() {
        let _ = write!(at, " · trang/sheet {}", place.sheet);
    }
    if let Some(row) = place.row {
        let _ = write!(at, " · dòng/row {row}");
    }
    if let Some(column) = &place.column {
        let _ = write!(at, " · cột/column {column}");
    }
    at
}

fn named<T: ToString>(list: &[T]) -> String {
    let mut names: Vec<String> = list.iter().take(MAX_NAMED).map(T::to_string).collect();
    if list.len() > MAX_NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}
