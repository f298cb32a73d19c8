//! Figures, dates and periods as each language writes them.

use jiff::civil::Date;

use crate::domain::lang::Lang;
use crate::domain::period::Period;

/// Stands where a share of nothing would be.
pub const NO_FIGURE: &str = "–";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A count with its thousands apart: `1.240` in Vietnamese, `1,240` in English.
#[must_use]
pub fn number(count: u64, lang: Lang) -> String {
    let separator = match lang {
        Lang::Vi => '.',
        Lang::En => ',',
    };
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// Tenths of a percent that `part` is of `whole`, rounded half up; `None` when `whole` is 0.
#[must_use]
pub fn per_mille(part: u64, whole: u64) -> Option<u64> {
    let doubled = (u128::from(part) * 2_000 + u128::from(whole)).checked_div(u128::from(whole) * 2);
    doubled.and_then(|tenths| u64::try_from(tenths).ok())
}

/// Tenths of a percent as text: 974 is `97,4 %` in Vietnamese (no-break space), `97.4%` in English.
#[must_use]
pub fn tenths(per_mille: u64, lang: Lang) -> String {
    let whole = number(per_mille / 10, lang);
    let tenth = per_mille % 10;
    match lang {
        Lang::Vi => format!("{whole},{tenth}\u{a0}%"),
        Lang::En => format!("{whole}.{tenth}%"),
    }
}

/// `part` of `whole` with one decimal, rounded half up from the integers; [`NO_FIGURE`] when `whole` is 0.
#[must_use]
pub fn percent(part: u64, whole: u64, lang: Lang) -> String {
    match per_mille(part, whole) {
        Some(share) => tenths(share, lang),
        None => NO_FIGURE.to_owned(),
    }
}

/// A whole percentage: `63 %` in Vietnamese (no-break space), `63%` in English.
#[must_use]
pub fn whole_percent(percent: u8, lang: Lang) -> String {
    match lang {
        Lang::Vi => format!("{percent}\u{a0}%"),
        Lang::En => format!("{percent}%"),
    }
}

/// `21/11/2026` in Vietnamese, `21 November 2026` in English.
#[must_use]
pub fn date(date: Date, lang: Lang) -> String {
    match lang {
        Lang::Vi => format!("{:02}/{:02}/{}", date.day(), date.month(), date.year()),
        Lang::En => format!(
            "{} {} {}",
            date.day(),
            month_name(date.month()),
            date.year()
        ),
    }
}

/// A period within a sentence: `quý IV/2026`, `tháng 11/2026`, `năm 2026`, `tất cả`.
#[must_use]
pub fn period(period: Period, lang: Lang) -> String {
    match (period, lang) {
        (Period::All, Lang::Vi) => "tất cả".to_owned(),
        (Period::All, Lang::En) => "all time".to_owned(),
        (Period::Year(year), Lang::Vi) => format!("năm {year}"),
        (Period::Year(year), Lang::En) => year.to_string(),
        (Period::Quarter(quarter), Lang::Vi) => {
            format!("quý {}/{}", roman(quarter.quarter), quarter.year)
        }
        (Period::Quarter(quarter), Lang::En) => format!("Q{} {}", quarter.quarter, quarter.year),
        (Period::Month(month), Lang::Vi) => format!("tháng {}/{}", month.month, month.year),
        (Period::Month(month), Lang::En) => format!("{} {}", month_name(month.month), month.year),
    }
}

/// `text` with its first letter in upper case, for headings and the start of a sentence.
#[must_use]
pub fn capitalise(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    first.to_uppercase().chain(letters).collect()
}

fn roman(quarter: i8) -> &'static str {
    match quarter {
        1 => "I",
        2 => "II",
        3 => "III",
        _ => "IV",
    }
}

fn month_name(month: i8) -> &'static str {
    let index = usize::try_from(month).unwrap_or_default().wrapping_sub(1);
    MONTHS.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_240, "1.240"),
            (1_234_567, "1.234.567"),
        ] {
            assert_eq!(number(count, Lang::Vi), text);
        }
        assert_eq!(number(1_240, Lang::En), "1,240");
    }

    #[test]
    fn shares_are_rounded_half_up_from_integers() {
        assert_eq!(percent(974, 1_000, Lang::Vi), "97,4\u{a0}%");
        assert_eq!(percent(2, 3, Lang::En), "66.7%");
        assert_eq!(percent(1, 16, Lang::Vi), "6,3\u{a0}%");
        assert_eq!(percent(1, 1_999, Lang::Vi), "0,1\u{a0}%");
        assert_eq!(percent(9_995, 10_000, Lang::Vi), "100,0\u{a0}%");
        assert_eq!(percent(0, 0, Lang::Vi), NO_FIGURE);
        assert_eq!(percent(u64::MAX, u64::MAX, Lang::En), "100.0%");
    }

    #[test]
    fn periods_and_dates_read_as_people_write_them() {
        let vi = |text: &str| period(Period::parse(text).unwrap(), Lang::Vi);
        let en = |text: &str| period(Period::parse(text).unwrap(), Lang::En);

        assert_eq!(vi("2026q4"), "quý IV/2026");
        assert_eq!(vi("202611"), "tháng 11/2026");
        assert_eq!(vi("2026"), "năm 2026");
        assert_eq!(vi("all"), "tất cả");
        assert_eq!(en("2026q4"), "Q4 2026");
        assert_eq!(en("202611"), "November 2026");
        assert_eq!(date(jiff::civil::date(2026, 11, 5), Lang::Vi), "05/11/2026");
        assert_eq!(
            date(jiff::civil::date(2026, 11, 5), Lang::En),
            "5 November 2026"
        );
        assert_eq!(capitalise("đánh giá"), "Đánh giá");
    }
}
