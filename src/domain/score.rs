//! Wilson intervals, tiers and the official scale.
