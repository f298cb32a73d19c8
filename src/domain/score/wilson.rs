//! The Wilson score interval: how far a share may be trusted, given how many were asked.

/// Standard normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % Wilson interval of a share, both ends between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end; what fair ranking orders by.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The interval for `satisfied` of `rated`; from 0 to 1 when nothing is rated (Wilson 1927).
    ///
    /// Equal counts give equal ends bit for bit on every machine: only operations that IEEE 754 rounds exactly are used.
    #[must_use]
    pub fn of(satisfied: u64, rated: u64) -> Self {
        let satisfied = satisfied.min(rated);
        if rated == 0 {
            return Self {
                low: 0.0,
                high: 1.0,
            };
        }
        let (n, share) = (rated as f64, satisfied as f64 / rated as f64);
        let z2 = Z * Z;
        let centre = share + z2 / (2.0 * n);
        let spread = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z2 / n;
        // At the two ends the formula is exactly 0 or 1, which rounding would miss.
        let low = if satisfied == 0 {
            0.0
        } else {
            ((centre - spread) / scale).clamp(0.0, 1.0)
        };
        let high = if satisfied == rated {
            1.0
        } else {
            ((centre + spread) / scale).clamp(0.0, 1.0)
        };
        Self { low, high }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_lower_bound_matches_the_worked_cases() {
        for (satisfied, rated, expected) in [
            (2, 2, 0.342),
            (20, 20, 0.839),
            (95, 100, 0.888),
            (100, 101, 0.946),
            (980, 1000, 0.969),
        ] {
            let low = Interval::of(satisfied, rated).low;
            assert!(
                (low - expected).abs() < 0.0005,
                "{satisfied}/{rated} gave {low}"
            );
        }
    }

    #[test]
    fn the_upper_bound_is_the_lower_one_of_the_others() {
        for (satisfied, rated) in [(1, 2), (8, 10), (95, 100), (3, 1000)] {
            let high = Interval::of(satisfied, rated).high;
            let mirrored = 1.0 - Interval::of(rated - satisfied, rated).low;
            assert!((high - mirrored).abs() < 1e-12, "{satisfied}/{rated}");
        }
    }

    #[test]
    fn nothing_rated_says_nothing() {
        let interval = Interval::of(0, 0);

        assert_eq!((interval.low, interval.high), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_share(rated in 1_u64..=1_000_000, satisfied in 0_u64..=1_000_000) {
            let satisfied = satisfied.min(rated);
            let share = satisfied as f64 / rated as f64;

            let interval = Interval::of(satisfied, rated);

            prop_assert!((0.0..=1.0).contains(&interval.low) && (0.0..=1.0).contains(&interval.high));
            prop_assert!(interval.low <= share && share <= interval.high);
        }

        #[test]
        fn one_more_satisfied_never_lowers_the_bound(rated in 1_u64..=100_000, satisfied in 0_u64..100_000) {
            let satisfied = satisfied.min(rated - 1);

            prop_assert!(Interval::of(satisfied, rated).low < Interval::of(satisfied + 1, rated).low);
            prop_assert!(Interval::of(satisfied, rated).low < Interval::of(satisfied + 1, rated + 1).low);
            prop_assert!(Interval::of(satisfied, rated + 1).low <= Interval::of(satisfied, rated).low);
        }

        #[test]
        fn the_same_share_of_more_ratings_is_surer(rated in 1_u64..=10_000, satisfied in 1_u64..=10_000, times in 2_u64..=50) {
            let satisfied = satisfied.min(rated);

            let (few, many) = (Interval::of(satisfied, rated), Interval::of(satisfied * times, rated * times));

            prop_assert!(few.low < many.low && many.high - many.low < few.high - few.low);
        }
    }
}
