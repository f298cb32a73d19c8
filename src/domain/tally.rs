//! Cells: the smallest sums, one per rating, that every published figure adds up from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::AddAssign;

use jiff::civil::Date;

use super::id::{FieldId, OfficialId, OptionCode, QuestionCode, ReasonCode, UnitId};
use super::period::Month;
use super::rating::{Answer, Attestation, Channel, RaterKind, Rating, Satisfaction};
use super::void::VoidReason;

/// Which leaf cell a rating falls into; exactly one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey {
    /// The unit.
    pub unit_id: UnitId,
    /// The month.
    pub month: Month,
    /// How sure we are.
    pub attestation: Attestation,
    /// The official, unless the unit itself was rated.
    pub official_id: Option<OfficialId>,
    /// The dossier's field, where there was a dossier.
    pub field_id: Option<FieldId>,
    /// Where it was given.
    pub channel: Channel,
    /// Day of the month, 1 to 31.
    pub day: i8,
}

/// A cell's sort key does not have five parts of the right kind.
#[derive(Debug, thiserror::Error)]
#[error("a cell's sort key reads attestation#official#field#channel#dd")]
pub struct CellKeyError;

impl CellKey {
    /// The leaf cell of `rating`.
    #[must_use]
    pub fn of(rating: &Rating) -> Self {
        Self {
            unit_id: rating.subject.unit_id.clone(),
            month: Month::of(rating.date),
            attestation: rating.attestation,
            official_id: rating.subject.official_id.clone(),
            field_id: rating.field_id.clone(),
            channel: rating.channel,
            day: rating.date.day(),
        }
    }

    /// `<attestation>#<official>#<field>#<channel>#<dd>`, an absent part empty.
    #[must_use]
    pub fn sort_key(&self) -> String {
        let official = self.official_id.as_ref().map_or("", OfficialId::as_str);
        let field = self.field_id.as_ref().map_or("", FieldId::as_str);
        format!(
            "{}#{official}#{field}#{}#{:02}",
            self.attestation.code(),
            self.channel.code(),
            self.day
        )
    }

    /// Reads [`Self::sort_key`] back.
    ///
    /// # Errors
    /// [`CellKeyError`] for any other text.
    pub fn parse(unit_id: UnitId, month: Month, sort_key: &str) -> Result<Self, CellKeyError> {
        let parts: Vec<&str> = sort_key.split('#').collect();
        let [attestation, official, field, channel, day] = parts[..] else {
            return Err(CellKeyError);
        };
        let optional = |part: &str| (!part.is_empty()).then(|| part.to_owned());
        let key = Self {
            unit_id,
            month,
            attestation: Attestation::parse(attestation).ok_or(CellKeyError)?,
            official_id: optional(official)
                .map(OfficialId::try_from)
                .transpose()
                .map_err(|_| CellKeyError)?,
            field_id: optional(field)
                .map(FieldId::try_from)
                .transpose()
                .map_err(|_| CellKeyError)?,
            channel: Channel::parse(channel).ok_or(CellKeyError)?,
            day: day
                .parse()
                .ok()
                .filter(|day| (1..=31).contains(day))
                .ok_or(CellKeyError)?,
        };
        // One cell has one spelling: `+3` and `3` are not `03`.
        if key.sort_key() == sort_key {
            Ok(key)
        } else {
            Err(CellKeyError)
        }
    }

    /// The day; `None` where its month has no such day.
    #[must_use]
    pub fn date(&self) -> Option<Date> {
        Date::new(self.month.year, self.month.month, self.day).ok()
    }

    /// The stratum results are kept apart by.
    #[must_use]
    pub fn rater_kind(&self) -> RaterKind {
        self.attestation.rater_kind()
    }
}

/// One counter of a cell; its text is the attribute's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Ratings; `n`.
    Rated,
    /// Satisfied; `sat`.
    Satisfied,
    /// Not satisfied; `dis`.
    NotSatisfied,
    /// Gave a reason; `r:<reason>`.
    Reason(ReasonCode),
    /// Gave an answer; `q:<code>:<option>`, the option empty when asked and left open.
    Answer(QuestionCode, Answer),
    /// What was set aside of another counter, never of one of its own kind; `void:<counter>`.
    Voided(Box<Counter>),
    /// Ratings set aside for this; `void_for:<reason>`.
    VoidedFor(VoidReason),
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rated => f.write_str("n"),
            Self::Satisfied => f.write_str("sat"),
            Self::NotSatisfied => f.write_str("dis"),
            Self::Reason(reason) => write!(f, "r:{reason}"),
            Self::Answer(question, Answer::Option(option)) => write!(f, "q:{question}:{option}"),
            Self::Answer(question, Answer::Unanswered) => write!(f, "q:{question}:"),
            Self::Voided(counter) => write!(f, "void:{counter}"),
            Self::VoidedFor(reason) => write!(f, "void_for:{}", reason.code()),
        }
    }
}

impl Counter {
    /// Reads an attribute's name; `None` for one that is no counter.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "n" => return Some(Self::Rated),
            "sat" => return Some(Self::Satisfied),
            "dis" => return Some(Self::NotSatisfied),
            _ => {}
        }
        if let Some(reason) = name.strip_prefix("void_for:") {
            return VoidReason::parse(reason).map(Self::VoidedFor);
        }
        if let Some(counter) = name.strip_prefix("void:") {
            return Self::parse(counter)
                .filter(|counter| !counter.is_of_voids())
                .map(|counter| Self::Voided(Box::new(counter)));
        }
        if let Some(reason) = name.strip_prefix("r:") {
            return ReasonCode::parse(reason).ok().map(Self::Reason);
        }
        let (question, option) = name.strip_prefix("q:")?.split_once(':')?;
        let answer = match option {
            "" => Answer::Unanswered,
            option => Answer::Option(OptionCode::parse(option).ok()?),
        };
        Some(Self::Answer(QuestionCode::parse(question).ok()?, answer))
    }

    /// Whether it counts ratings, or those of one verdict.
    #[must_use]
    pub fn is_verdict(&self) -> bool {
        matches!(self, Self::Rated | Self::Satisfied | Self::NotSatisfied)
    }

    /// Whether it counts answers to a question.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Answer(..))
    }

    fn is_of_voids(&self) -> bool {
        matches!(self, Self::Voided(_) | Self::VoidedFor(_))
    }
}

/// Sums by counter; zeros are not kept, so equal tallies compare equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally(BTreeMap<Counter, u64>);

impl Tally {
    /// The sum under `counter`.
    #[must_use]
    pub fn get(&self, counter: &Counter) -> u64 {
        self.0.get(counter).copied().unwrap_or(0)
    }

    /// Ratings, those set aside later among them.
    #[must_use]
    pub fn rated(&self) -> u64 {
        self.get(&Counter::Rated)
    }

    /// Ratings set aside.
    #[must_use]
    pub fn voided(&self) -> u64 {
        self.get(&Counter::Voided(Box::new(Counter::Rated)))
    }

    /// Ratings that stand: all but those set aside.
    #[must_use]
    pub fn standing(&self) -> u64 {
        self.rated().saturating_sub(self.voided())
    }

    /// The counters that `are_kept`, and no other.
    #[must_use]
    pub fn only(&self, are_kept: impl Fn(&Counter) -> bool) -> Self {
        let kept = self.0.iter().filter(|(counter, _)| are_kept(counter));
        kept.map(|(counter, amount)| (counter.clone(), *amount))
            .collect()
    }

    /// What the ratings that stand add up to, without a word of the others.
    #[must_use]
    pub fn net(&self) -> Self {
        let counters = self.0.iter().filter(|(counter, _)| !counter.is_of_voids());
        let net = counters.map(|(counter, amount)| {
            let voided = self.get(&Counter::Voided(Box::new(counter.clone())));
            (counter.clone(), amount.saturating_sub(voided))
        });
        net.collect()
    }

    /// Satisfied ratings.
    #[must_use]
    pub fn satisfied(&self) -> u64 {
        self.get(&Counter::Satisfied)
    }

    /// Ratings that are not satisfied.
    #[must_use]
    pub fn not_satisfied(&self) -> u64 {
        self.get(&Counter::NotSatisfied)
    }

    /// Adds `amount` under `counter`.
    pub fn add(&mut self, counter: Counter, amount: u64) {
        if amount > 0 {
            *self.0.entry(counter).or_default() += amount;
        }
    }

    /// Every counter above zero, in order.
    pub fn counters(&self) -> impl Iterator<Item = (&Counter, u64)> {
        self.0.iter().map(|(counter, amount)| (counter, *amount))
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `self` less `earlier`, counter by counter; `None` if any would fall below zero.
    #[must_use]
    pub fn checked_sub(&self, earlier: &Self) -> Option<Self> {
        let mut rest = self.clone();
        for (counter, amount) in earlier.counters() {
            let left = rest.get(counter).checked_sub(amount)?;
            if left == 0 {
                rest.0.remove(counter)
            } else {
                rest.0.insert(counter.clone(), left)
            };
        }
        Some(rest)
    }
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        for (counter, amount) in other.counters() {
            self.add(counter.clone(), amount);
        }
    }
}

impl FromIterator<(Counter, u64)> for Tally {
    fn from_iter<I: IntoIterator<Item = (Counter, u64)>>(counters: I) -> Self {
        let mut tally = Self::default();
        for (counter, amount) in counters {
            tally.add(counter, amount);
        }
        tally
    }
}

/// What one rating adds to its cell.
#[must_use]
pub fn leaf_delta(rating: &Rating) -> Tally {
    let mut delta = Tally::default();
    delta.add(Counter::Rated, 1);
    match rating.satisfaction {
        Satisfaction::Satisfied => delta.add(Counter::Satisfied, 1),
        Satisfaction::NotSatisfied => delta.add(Counter::NotSatisfied, 1),
    }
    for reason in &rating.reasons {
        delta.add(Counter::Reason(reason.clone()), 1);
    }
    for (question, answer) in &rating.answers {
        delta.add(Counter::Answer(question.clone(), answer.clone()), 1);
    }
    delta
}

/// What setting a rating aside adds to its cell.
#[must_use]
pub fn void_delta(rating: &Rating, reason: VoidReason) -> Tally {
    let counted = leaf_delta(rating);
    let voided =
        |(counter, amount): (&Counter, u64)| (Counter::Voided(Box::new(counter.clone())), amount);
    let mut delta: Tally = counted.counters().map(voided).collect();
    delta.add(Counter::VoidedFor(reason), 1);
    delta
}

/// Tallies by leaf cell.
pub type Cells = BTreeMap<CellKey, Tally>;

/// The cells that `ratings` add up to.
#[must_use]
pub fn fold<'a>(ratings: impl IntoIterator<Item = &'a Rating>) -> Cells {
    let mut cells = Cells::new();
    for rating in ratings {
        *cells.entry(CellKey::of(rating)).or_default() += &leaf_delta(rating);
    }
    cells
}

/// The cells that counted ratings add up to, each with why it was set aside if it was.
#[must_use]
pub fn fold_counted<'a>(
    counted: impl IntoIterator<Item = (&'a Rating, Option<VoidReason>)>,
) -> Cells {
    let mut cells = Cells::new();
    for (rating, void) in counted {
        let cell = cells.entry(CellKey::of(rating)).or_default();
        *cell += &leaf_delta(rating);
        if let Some(reason) = void {
            *cell += &void_delta(rating, reason);
        }
    }
    cells
}

/// A cell whose sums differ from its ratings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The cell.
    pub cell: CellKey,
    /// What the cell says.
    pub cell_tally: Tally,
    /// What the counted ratings add up to.
    pub rating_tally: Tally,
}

/// Where `cells` differ from what the ratings are `expected` to add up to; a cell with nothing in it is as good as none.
#[must_use]
pub fn mismatches(cells: &Cells, expected: &Cells) -> Vec<Mismatch> {
    let nothing = Tally::default();
    let keys: BTreeSet<&CellKey> = cells.keys().chain(expected.keys()).collect();
    let differing = keys.into_iter().filter_map(|cell| {
        let (cell_tally, rating_tally) = (
            cells.get(cell).unwrap_or(&nothing),
            expected.get(cell).unwrap_or(&nothing),
        );
        (cell_tally != rating_tally).then(|| Mismatch {
            cell: cell.clone(),
            cell_tally: cell_tally.clone(),
            rating_tally: rating_tally.clone(),
        })
    });
    differing.collect()
}

#[cfg(test)]
mod tests;
