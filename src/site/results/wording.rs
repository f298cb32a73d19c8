//! Sentences of the result pages that take several values or a number.

use crate::domain::score::Tenths;
use crate::domain::score::satisfaction::Between;
use crate::site::context::SiteContext;
use crate::site::format;

/// The text of a locale key with every `%{name}` replaced by its value.
pub(super) fn fill(context: &SiteContext, key: &str, values: &[(&str, &str)]) -> String {
    let (names, values): (Vec<&str>, Vec<String>) = values
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .unzip();
    rust_i18n::replace_patterns(&context.text(key), &names, &values)
}

/// The text of `key` for `count`, or of `key_one` for exactly one.
pub(super) fn counted(context: &SiteContext, key: &str, count: u64) -> String {
    let key = if count == 1 {
        format!("{key}_one")
    } else {
        key.to_owned()
    };
    fill(context, &key, &[("count", &number(context, count))])
}

/// A count with its thousands apart.
pub(super) fn number(context: &SiteContext, count: u64) -> String {
    format::number(count, context.lang)
}

/// One number, or its two ends.
pub(super) fn count_between(context: &SiteContext, range: Between<u64>) -> String {
    if range.least == range.most {
        return number(context, range.least);
    }
    let (least, most) = (number(context, range.least), number(context, range.most));
    fill(
        context,
        "results.dossiers.between",
        &[("least", &least), ("most", &most)],
    )
}

/// One percentage, or its two ends.
pub(super) fn percent_between(context: &SiteContext, range: Between<Tenths>) -> String {
    let percent = |tenths: Tenths| format::tenths(tenths.0, context.lang);
    if range.least == range.most {
        return percent(range.least);
    }
    let (least, most) = (percent(range.least), percent(range.most));
    fill(
        context,
        "results.dossiers.range",
        &[("least", &least), ("most", &most)],
    )
}

/// A number with one decimal place, without a unit: `8,7` in Vietnamese.
pub(super) fn decimal(context: &SiteContext, tenths: Tenths) -> String {
    let percent = format::tenths(tenths.0, context.lang);
    percent.trim_end_matches(['%', '\u{a0}']).to_owned()
}

/// The attestations figures and rankings count, as a list.
pub(super) fn ranking_strata(context: &SiteContext) -> String {
    let strata = context.head.settings.counted_strata();
    let names = strata.iter().map(|stratum| {
        let key = format!("results.attestation.{}", stratum.code());
        context.text(&key).into_owned()
    });
    names.collect::<Vec<_>>().join("; ")
}
