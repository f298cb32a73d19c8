//! Calendar periods in Việt Nam's time.

use std::fmt;

use jiff::{Timestamp, civil::Date, tz::Offset};

/// Asia/Ho_Chi_Minh has been UTC+7 without daylight saving since 1975.
const VIETNAM: Offset = Offset::constant(7);

/// The civil date in Asia/Ho_Chi_Minh at `now`.
#[must_use]
pub fn local_date(now: Timestamp) -> Date {
    VIETNAM.to_datetime(now).date()
}

/// The moment `date` begins in Asia/Ho_Chi_Minh.
#[must_use]
pub fn start_of_day(date: Date) -> Timestamp {
    let midnight = VIETNAM.to_timestamp(date.at(0, 0, 0, 0));
    midnight.unwrap_or(Timestamp::MIN)
}

/// A calendar month; `202611` in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Year, such as 2026.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl Month {
    /// The month that holds `date`.
    #[must_use]
    pub fn of(date: Date) -> Self {
        Self {
            year: date.year(),
            month: date.month(),
        }
    }

    /// Reads `yyyymm`; `None` for anything else.
    #[must_use]
    pub fn parse(input: &str) -> Option<Self> {
        if input.len() != 6 || !input.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (year, month) = (input[..4].parse().ok()?, input[4..].parse().ok()?);
        (1..=12).contains(&month).then_some(Self { year, month })
    }

    /// The month before this one.
    #[must_use]
    pub fn previous(self) -> Self {
        match self.month {
            1 => Self {
                year: self.year - 1,
                month: 12,
            },
            month => Self {
                year: self.year,
                month: month - 1,
            },
        }
    }

    /// The quarter that holds this month.
    #[must_use]
    pub fn quarter(self) -> Quarter {
        Quarter {
            year: self.year,
            quarter: (self.month - 1) / 3 + 1,
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}{:02}", self.year, self.month)
    }
}

/// A calendar quarter; `2026q4` in keys and addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quarter {
    /// Year, such as 2026.
    pub year: i16,
    /// 1 to 4.
    pub quarter: i8,
}

impl Quarter {
    /// Its three months.
    #[must_use]
    pub fn months(self) -> [Month; 3] {
        let first = (self.quarter - 1) * 3 + 1;
        [first, first + 1, first + 2].map(|month| Month {
            year: self.year,
            month,
        })
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> Date {
        let [first, ..] = self.months();
        Date::new(first.year, first.month, 1).unwrap_or(Date::MIN)
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> Date {
        let [_, _, last] = self.months();
        Date::new(last.year, last.month, 1).map_or(Date::MAX, Date::last_of_month)
    }

    /// Reads `yyyyqn`; `None` for anything else.
    #[must_use]
    pub fn parse(input: &str) -> Option<Self> {
        let (year, quarter) = input.split_once('q')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if year.len() != 4 || quarter.len() != 1 || !digits(year) || !digits(quarter) {
            return None;
        }
        let quarter = Self {
            year: year.parse().ok()?,
            quarter: quarter.parse().ok()?,
        };
        (1..=4).contains(&quarter.quarter).then_some(quarter)
    }

    /// The quarter before this one.
    #[must_use]
    pub fn previous(self) -> Self {
        match self.quarter {
            1 => Self {
                year: self.year - 1,
                quarter: 4,
            },
            quarter => Self {
                year: self.year,
                quarter: quarter - 1,
            },
        }
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}q{}", self.year, self.quarter)
    }
}

/// A span that results are published for.
///
/// Orders as results are listed: all time, then years, quarters and months, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// Since the first rating; `all`.
    All,
    /// A year; `2026`.
    Year(i16),
    /// A quarter; `2026q4`.
    Quarter(Quarter),
    /// A month; `202611`.
    Month(Month),
}

impl Period {
    /// Reads `all`, `yyyy`, `yyyyqn` or `yyyymm`; `None` for anything else.
    #[must_use]
    pub fn parse(input: &str) -> Option<Self> {
        if input == "all" {
            return Some(Self::All);
        }
        if input.len() == 4 && input.bytes().all(|byte| byte.is_ascii_digit()) {
            return input.parse().ok().map(Self::Year);
        }
        Quarter::parse(input)
            .map(Self::Quarter)
            .or_else(|| Month::parse(input).map(Self::Month))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Year(year) => write!(f, "{year:04}"),
            Self::Quarter(quarter) => quarter.fmt(f),
            Self::Month(month) => month.fmt(f),
        }
    }
}

/// The months whose figures may still move on `today`: of this quarter and the last, oldest first.
#[must_use]
pub fn open_months(today: Date) -> Vec<Month> {
    let this = Month::of(today);
    let quarters = [this.quarter().previous(), this.quarter()];
    let months = quarters.into_iter().flat_map(|quarter| quarter.months());
    months.filter(|month| *month <= this).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_day_turns_at_midnight_in_vietnam() {
        let before: Timestamp = "2026-12-31T16:59:59Z".parse().unwrap();
        let after: Timestamp = "2026-12-31T17:00:00Z".parse().unwrap();

        assert_eq!(local_date(before), date(2026, 12, 31));
        assert_eq!(local_date(after), date(2027, 1, 1));
        assert_eq!(
            Month::of(local_date(after)).quarter(),
            Quarter {
                year: 2027,
                quarter: 1
            }
        );
    }

    #[test]
    fn a_day_starts_seven_hours_before_it_does_in_greenwich() {
        let start = start_of_day(date(2028, 2, 29));

        assert_eq!(start, "2028-02-28T17:00:00Z".parse().unwrap());
        assert_eq!(local_date(start), date(2028, 2, 29));
        assert_eq!(start_of_day(Date::MIN), Timestamp::MIN);
    }

    #[test]
    fn a_period_reads_back_as_written() {
        for text in ["all", "2026", "2026q4", "202611"] {
            assert_eq!(Period::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "20a6",
            "2026q5",
            "202613",
            "2026Q4",
            "２０２６",
            "2026q",
            "2026q04",
            "26q4",
            "+026q4",
            "2026q+",
            "999999999",
        ] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_months_of_this_quarter_and_the_last_are_open() {
        let open = open_months(date(2027, 2, 9));
        let open: Vec<String> = open.iter().map(Month::to_string).collect();

        assert_eq!(open, ["202610", "202611", "202612", "202701", "202702"]);
    }

    #[test]
    fn months_and_quarters_follow_one_another_across_the_years() {
        let month = |text| Month::parse(text).unwrap();
        let quarter = |text| Quarter::parse(text).unwrap();
        for (before, after) in [
            ("202610", "202611"),
            ("202601", "202602"),
            ("202512", "202601"),
        ] {
            assert_eq!(month(after).previous(), month(before));
        }
        for (before, after) in [
            ("2026q3", "2026q4"),
            ("2026q1", "2026q2"),
            ("2025q4", "2026q1"),
        ] {
            assert_eq!(quarter(after).previous(), quarter(before));
        }
    }

    #[test]
    fn a_quarter_is_the_three_months_that_lie_in_it() {
        for (quarter, months) in [
            ("2026q1", ["202601", "202602", "202603"]),
            ("2026q2", ["202604", "202605", "202606"]),
            ("2026q3", ["202607", "202608", "202609"]),
            ("2026q4", ["202610", "202611", "202612"]),
        ] {
            let quarter = Quarter::parse(quarter).unwrap();
            let months = months.map(|month| Month::parse(month).unwrap());

            assert_eq!(quarter.months(), months);
            assert_eq!(Month::of(quarter.last_day()), months[2]);
            assert_eq!(
                Month::of(quarter.last_day().tomorrow().unwrap()).previous(),
                months[2]
            );
            assert_eq!(months.map(Month::quarter), [quarter; 3]);
        }
    }
}
