//! What the sums are worth: shares with their certainty, fair ranks, and the official scoring rules.
//!
//! Only sums are kept anywhere. Percentages are derived in tenths with integer arithmetic, bounds of intervals in floats
//! at the very edge.

pub mod indicator;
pub mod ranking;
pub mod ruleset;
pub mod satisfaction;
pub mod wilson;

use std::fmt;

/// A number with one decimal place, kept in tenths: a percentage, an average of points, a total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tenths(pub u64);

impl Tenths {
    /// `dividend ÷ divisor`, rounded half up to one decimal place; `None` when the divisor is zero.
    #[must_use]
    pub fn of_ratio(dividend: u64, divisor: u64) -> Option<Self> {
        if divisor == 0 {
            return None;
        }
        let (dividend, divisor) = (u128::from(dividend), u128::from(divisor));
        let tenths = (20 * dividend + divisor) / (2 * divisor);
        Some(Self(u64::try_from(tenths).unwrap_or(u64::MAX)))
    }

    /// `part` of `whole` in percent, rounded half up to one decimal place; `None` when the whole is zero.
    #[must_use]
    pub fn percent(part: u64, whole: u64) -> Option<Self> {
        Self::of_ratio(part.saturating_mul(100), whole)
    }

    /// A share between 0 and 1 in percent, to one decimal place.
    #[must_use]
    pub fn of_share(share: f64) -> Self {
        // The cast saturates, and a share is never negative.
        Self((share * 1000.0).round() as u64)
    }

    /// The number as a float, for typed spreadsheet cells and JSON.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 10.0
    }
}

/// With a decimal point, as files write it: `97.4`.
impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ratio_is_rounded_half_up_not_floored() {
        assert_eq!(Tenths::of_ratio(7, 4), Some(Tenths(18)));
        assert_eq!(Tenths::of_ratio(5, 3), Some(Tenths(17)));
        assert_eq!(Tenths::of_ratio(29, 20), Some(Tenths(15)));
        assert_eq!(Tenths::of_ratio(1, 0), None);
        assert_eq!(Tenths::percent(2, 3).unwrap().to_string(), "66.7");
        assert_eq!(Tenths::percent(1, 1).unwrap().to_string(), "100.0");
    }

    #[test]
    fn a_share_is_rounded_to_one_decimal_place() {
        assert_eq!(Tenths::of_share(0.0), Tenths(0));
        assert_eq!(Tenths::of_share(0.342_4), Tenths(342));
        assert_eq!(Tenths::of_share(0.888_6), Tenths(889));
        assert_eq!(Tenths::of_share(1.0), Tenths(1000));
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        assert_eq!(Tenths::of_ratio(u64::MAX, u64::MAX), Some(Tenths(10)));
        assert!(Tenths::of_ratio(u64::MAX, 1).is_some());
        assert!(Tenths::percent(u64::MAX, u64::MAX).is_some());
    }

    proptest! {
        #[test]
        fn a_percentage_lies_between_0_and_100(whole in 1_u64..=10_000_000, part in 0_u64..=10_000_000) {
            let part = part.min(whole);

            let percent = Tenths::percent(part, whole).unwrap();

            prop_assert!(percent <= Tenths(1000));
            prop_assert!((percent.to_f64() - part as f64 * 100.0 / whole as f64).abs() <= 0.050_001);
        }
    }
}
