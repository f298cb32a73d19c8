//! Rows of cells, read column by column with every fault noted.

use jiff::Timestamp;
use jiff::civil::Date;

use super::finding::{Cause, Findings, Place};
use crate::catalog::Validity;
use crate::id::IdError;
use crate::period::local_date;
use crate::text::{self, TextError};

/// What a cell holds, formulas already reduced to their last value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// Text as typed.
    Text(String),
    /// A number that is shown as it is.
    Number(f64),
    /// A number whose format shows something else, such as a unit behind it.
    Formatted(f64),
    /// True or false.
    Flag(bool),
    /// A date, its time of day dropped.
    Date(Date),
    /// A spreadsheet error, such as `#N/A`.
    Broken(String),
}

impl Cell {
    /// Whether nothing can be seen here.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text::shows_nothing(text),
            _ => false,
        }
    }

    /// The text a person would read; whole numbers without a decimal point.
    fn shown(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) | Self::Formatted(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Date(date) => date.to_string(),
            Self::Broken(error) => error.clone(),
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// As a spreadsheet numbers it: the first is 1.
    pub number: u32,
    /// From the first column on; columns behind the last cell are empty.
    pub cells: Vec<Cell>,
}

impl Row {
    /// Whether every cell is blank.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(Cell::is_blank)
    }
}

/// One sheet, blank rows left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sheet {
    /// File and sheet.
    pub place: Place,
    /// The first row that is not blank.
    pub header: Row,
    /// The rows below it.
    pub rows: Vec<Row>,
}

/// A column a sheet may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Heading in the documentation.
    pub name: &'static str,
    /// Other headings it goes by; accents, case, spaces and punctuation do not matter.
    pub synonyms: &'static [&'static str],
    /// Whether a sheet without it is refused.
    pub required: bool,
}

/// Which cell of a row belongs to which column.
#[derive(Debug, Clone)]
pub struct Columns {
    known: Vec<(&'static Column, Option<(usize, String)>)>,
    width: usize,
}

impl Columns {
    /// Matches headings with `columns`; `None` when a column is missing, unknown or there twice.
    pub fn resolve(
        columns: &'static [Column],
        header: &Row,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<Self> {
        let before = findings.count();
        let at = |column: &str| Place {
            row: Some(header.number),
            column: Some(column.to_owned()),
            ..place.clone()
        };
        let mut known: Vec<(&'static Column, Option<(usize, String)>)> =
            columns.iter().map(|column| (column, None)).collect();
        for (index, cell) in header.cells.iter().enumerate() {
            if cell.is_blank() {
                continue;
            }
            let heading: String = cell.shown().trim().chars().take(60).collect();
            let key = heading_key(&heading);
            let found = known.iter_mut().find(|(column, _)| {
                let mut names = std::iter::once(&column.name).chain(column.synonyms);
                names.any(|name| heading_key(name) == key)
            });
            match found {
                None => findings.push(at(&heading), Cause::ColumnUnknown),
                Some((_, Some(_))) => findings.push(at(&heading), Cause::ColumnTwice),
                Some((_, place)) => *place = Some((index, heading)),
            }
        }
        for (column, found) in &known {
            if column.required && found.is_none() {
                findings.push(at(column.name), Cause::ColumnMissing);
            }
        }
        let width = header.cells.len();
        (findings.count() == before).then_some(Self { known, width })
    }

    /// The heading over column `name` as its author wrote it, or the name itself.
    #[must_use]
    pub fn heading(&self, name: &str) -> String {
        let found = self.find(name);
        found.map_or_else(|| name.to_owned(), |(_, heading)| heading.clone())
    }

    fn find(&self, name: &str) -> Option<&(usize, String)> {
        let column = self.known.iter().find(|(column, _)| column.name == name);
        debug_assert!(column.is_some(), "no column {name}");
        column?.1.as_ref()
    }
}

/// A heading without what people vary: case, accents, spaces, punctuation.
pub(super) fn heading_key(heading: &str) -> String {
    let folded = text::fold(heading);
    folded.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Reads one row; every fault becomes a finding and a `None`.
#[derive(Debug)]
pub struct RowReader<'a> {
    place: &'a Place,
    columns: &'a Columns,
    row: &'a Row,
    findings: &'a mut Findings,
    before: u64,
}

impl<'a> RowReader<'a> {
    /// A reader of `row`; notes filled cells that no heading stands over.
    pub fn new(
        place: &'a Place,
        columns: &'a Columns,
        row: &'a Row,
        findings: &'a mut Findings,
    ) -> Self {
        let before = findings.count();
        let reader = Self {
            place,
            columns,
            row,
            findings,
            before,
        };
        let beyond = row.cells.iter().skip(columns.width);
        if beyond.clone().any(|cell| !cell.is_blank()) {
            let place = reader.at(None);
            reader.findings.push(place, Cause::CellOutside);
        }
        reader
    }

    /// Whether nothing has been found in this row so far.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.findings.count() == self.before
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.row.number
    }

    /// Whether nothing stands in column `name`.
    #[must_use]
    pub fn is_blank(&self, name: &str) -> bool {
        self.cell(name).is_blank()
    }

    /// Notes a fault in column `name`.
    pub fn fault(&mut self, name: &str, cause: Cause) {
        self.findings.push(self.place(name), cause);
    }

    /// Where column `name` is.
    #[must_use]
    pub fn place(&self, name: &str) -> Place {
        self.at(Some(self.columns.heading(name)))
    }

    /// The text of column `name` on one line, normalised, at most `max` characters.
    pub fn text(&mut self, name: &str, max: usize) -> Option<String> {
        let raw = self.raw(name)?;
        self.normalised(name, &raw.replace(['\n', '\r'], " "), max)
    }

    /// As [`Self::text`], line breaks kept.
    pub fn lines(&mut self, name: &str, max: usize) -> Option<String> {
        let raw = self.raw(name)?;
        self.normalised(name, &raw, max)
    }

    /// As [`Self::text`], and a fault when empty.
    pub fn required_text(&mut self, name: &str, max: usize) -> Option<String> {
        if self.is_blank(name) {
            self.fault(name, Cause::Missing);
            return None;
        }
        self.text(name, max)
    }

    /// An identifier in column `name`.
    pub fn id<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, IdError>) -> Option<T> {
        let raw = self.raw(name)?;
        let visible: String = raw.chars().filter(|c| !text::is_invisible(*c)).collect();
        match parse(visible.trim()) {
            Ok(id) => Some(id),
            Err(IdError) => {
                self.fault(name, Cause::BadId(excerpt(&raw)));
                None
            }
        }
    }

    /// As [`Self::id`], and a fault when empty.
    pub fn required_id<T>(
        &mut self,
        name: &str,
        parse: fn(&str) -> Result<T, IdError>,
    ) -> Option<T> {
        if self.is_blank(name) {
            self.fault(name, Cause::Missing);
            return None;
        }
        self.id(name, parse)
    }

    /// A whole number from `min` to `max`.
    pub fn number_in(&mut self, name: &str, min: u32, max: u32) -> Option<u32> {
        let number = match self.cell(name) {
            cell if cell.is_blank() => return None,
            Cell::Number(number) | Cell::Formatted(number)
                if number.fract() == 0.0 && *number >= 0.0 =>
            {
                // Saturates far above any `max`.
                Some(*number as u32)
            }
            Cell::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| (min..=max).contains(number));
        if number.is_none() {
            self.fault(name, Cause::BadNumber { min, max });
        }
        number
    }

    /// A date: a real one, `dd/mm/yyyy` or `yyyy-mm-dd`; a time of day behind it is left out.
    pub fn date(&mut self, name: &str) -> Option<Date> {
        let cell = self.cell(name);
        let date = match cell {
            cell if cell.is_blank() => return None,
            Cell::Date(date) => Some(*date),
            Cell::Text(text) => parse_date(text),
            _ => None,
        };
        let date = date.filter(|date| (1945..2200).contains(&date.year()));
        if date.is_none() {
            let shown = excerpt(&cell.shown());
            self.fault(name, Cause::BadDate(shown));
        }
        date
    }

    /// First and last day in columns `valid_from` and `valid_to`.
    pub fn validity(&mut self) -> Validity {
        let (from, to) = (self.date("valid_from"), self.date("valid_to"));
        if let (Some(first), Some(last)) = (from, to)
            && last < first
        {
            self.fault("valid_to", Cause::EndsBeforeStart);
        }
        Validity { from, to }
    }

    /// One of a few words, each with the other words it goes by.
    pub fn word<T: Copy>(&mut self, name: &str, words: &[(&str, &[&str], T)]) -> Option<T> {
        let raw = self.raw(name)?;
        let key = heading_key(&raw);
        let found = words.iter().find(|(word, synonyms, _)| {
            let mut names = std::iter::once(word).chain(synonyms.iter());
            names.any(|name| heading_key(name) == key)
        });
        if let Some((_, _, value)) = found {
            return Some(*value);
        }
        let allowed: Vec<&str> = words.iter().map(|(word, _, _)| *word).collect();
        let cause = Cause::BadWord {
            value: excerpt(&raw),
            allowed: allowed.join(", "),
        };
        self.fault(name, cause);
        None
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        if let Cell::Flag(flag) = self.cell(name) {
            return Some(*flag);
        }
        let raw = self.raw(name)?;
        match heading_key(&raw).as_str() {
            "co" | "yes" | "true" | "1" | "x" => Some(true),
            "khong" | "no" | "false" | "0" => Some(false),
            _ => {
                self.fault(name, Cause::BadFlag(excerpt(&raw)));
                None
            }
        }
    }

    /// The trimmed text of column `name`; `None` when blank or broken.
    pub fn raw(&mut self, name: &str) -> Option<String> {
        let cell = self.cell(name);
        match cell {
            Cell::Broken(error) => {
                let error = error.clone();
                self.fault(name, Cause::Broken(error));
                None
            }
            Cell::Date(_) | Cell::Flag(_) | Cell::Formatted(_) => {
                self.fault(name, Cause::NotText);
                None
            }
            Cell::Empty => None,
            Cell::Text(_) | Cell::Number(_) => {
                Some(cell.shown().trim().to_owned()).filter(|text| !text::shows_nothing(text))
            }
        }
    }

    fn cell(&self, name: &str) -> &'a Cell {
        const EMPTY: &Cell = &Cell::Empty;
        let index = self.columns.find(name).map(|(index, _)| *index);
        let cell = index.and_then(|index| self.row.cells.get(index));
        cell.unwrap_or(EMPTY)
    }

    fn normalised(&mut self, name: &str, raw: &str, max: usize) -> Option<String> {
        let cause = match text::normalise(raw, max) {
            Ok(text) => return Some(text),
            Err(TextError::Empty) => return None,
            Err(TextError::TooLong { max }) => Cause::TooLong { max },
        };
        self.fault(name, cause);
        None
    }

    fn at(&self, column: Option<String>) -> Place {
        Place {
            row: Some(self.row.number),
            column,
            ..self.place.clone()
        }
    }
}

/// The start of a value, short enough to quote in a report.
pub(super) fn excerpt(value: &str) -> String {
    let mut short: String = value.chars().filter(|c| !c.is_control()).take(40).collect();
    if value.chars().count() > 40 {
        short.push('…');
    }
    short
}

/// The day `typed` names; a moment with an offset names the day it has in Việt Nam.
fn parse_date(typed: &str) -> Option<Date> {
    let visible: String = typed.chars().filter(|c| !text::is_invisible(*c)).collect();
    let text = visible.trim();
    let (day, time) = match text.find([' ', '\u{a0}', 'T']) {
        None => (text, None),
        Some(end) => {
            let (day, time) = text.split_at(end);
            (day, Some(time.trim_start_matches(['T', ' ', '\u{a0}'])))
        }
    };
    let day = parse_day(day)?;
    let Some(time) = time else { return Some(day) };
    // « SA » and « CH » are the forenoon and the afternoon of a Vietnamese spreadsheet.
    let halves = ["AM", "PM", "SA", "CH"];
    let half = halves.iter().find_map(|half| time.strip_suffix(half));
    if let Some(clock) = half {
        return is_clock(clock.trim_end()).then_some(day);
    }
    match time.find(['Z', '+', '-']) {
        None => is_clock(time).then_some(day),
        Some(end) if is_clock(&time[..end]) => {
            let moment = format!("{day}T{time}").parse::<Timestamp>().ok()?;
            Some(local_date(moment))
        }
        Some(_) => None,
    }
}

/// Whether `text` is hours and minutes, with or without seconds and their fraction.
fn is_clock(text: &str) -> bool {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let below = |part: &str, limit: u8, shortest: usize| {
        let long = (shortest..=2).contains(&part.len()) && digits(part);
        long && part.parse::<u8>().is_ok_and(|number| number < limit)
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let shaped = match parts[..] {
        [hours, minutes] => fraction.is_none() && below(hours, 24, 1) && below(minutes, 60, 2),
        [hours, minutes, seconds] => {
            below(hours, 24, 1) && below(minutes, 60, 2) && below(seconds, 60, 2)
        }
        _ => false,
    };
    shaped && fraction.is_none_or(|fraction| fraction.len() <= 9 && digits(fraction))
}

fn parse_day(text: &str) -> Option<Date> {
    let number = |part: &str, lengths: std::ops::RangeInclusive<usize>| -> Option<i16> {
        let digits = lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let date = |year: &str, month: &str, day: &str, short: usize| {
        let month = i8::try_from(number(month, short..=2)?).ok()?;
        let day = i8::try_from(number(day, short..=2)?).ok()?;
        Date::new(number(year, 4..=4)?, month, day).ok()
    };
    if let [day, month, year] = text.split('/').collect::<Vec<_>>()[..] {
        return date(year, month, day, 1);
    }
    match text.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => date(year, month, day, 2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn dates_are_read_as_people_here_write_them() {
        for (text, expected) in [
            ("01/07/2025", Some(date(2025, 7, 1))),
            ("1/7/2025", Some(date(2025, 7, 1))),
            (" 2025-07-01 ", Some(date(2025, 7, 1))),
            ("29/02/2025", None),
            ("07/13/2025", None),
            ("01/07/25", None),
            ("2025-7-1", None),
            ("1.7.2025", None),
            ("+1/7/2025", None),
            ("hôm nay", None),
        ] {
            assert_eq!(parse_date(text), expected, "{text}");
        }
    }

    #[test]
    fn a_time_of_day_behind_a_date_is_left_out() {
        for (text, expected) in [
            ("20/11/2026 08:30", Some(date(2026, 11, 20))),
            ("20/11/2026 8:30:15", Some(date(2026, 11, 20))),
            ("20/11/2026  8:30:15 CH", Some(date(2026, 11, 20))),
            ("20/11/2026 8:30 AM", Some(date(2026, 11, 20))),
            ("2026-11-20 00:00:00.000", Some(date(2026, 11, 20))),
            ("2026-11-20T08:30", Some(date(2026, 11, 20))),
            ("2026-11-20T08:30:00+07:00", Some(date(2026, 11, 20))),
            (
                "2026-11-20T08:30:00.123456789+07:00",
                Some(date(2026, 11, 20)),
            ),
            // The day begins seven hours earlier in Việt Nam.
            ("2026-11-20T16:59:59Z", Some(date(2026, 11, 20))),
            ("2026-11-20T17:00:00Z", Some(date(2026, 11, 21))),
            ("2026-11-20 23:00:00-05:00", Some(date(2026, 11, 21))),
            ("20/11/2026 25:00", None),
            ("20/11/2026 08:60", None),
            ("20/11/2026 sáng", None),
            ("20/11/2026 8", None),
            ("20/11/2026 08:30 30", None),
            ("20/11/2026T", None),
            ("2026-11-20T08:30:00+", None),
            ("2026-11-20TZ", None),
            ("T08:30", None),
        ] {
            assert_eq!(parse_date(text), expected, "{text}");
        }
    }

    #[test]
    fn a_heading_matches_without_accents_case_or_punctuation() {
        assert_eq!(heading_key("Mã đơn vị *"), heading_key("ma_don_vi"));
        assert_ne!(heading_key("name"), heading_key("name_en"));
    }
}
