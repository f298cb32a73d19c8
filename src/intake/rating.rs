//! Taking a rating in: checked, attested, and saved in one transaction, whichever door it comes through.

pub mod form;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use self::form::{Checked, Rater, RatingForm};
use super::Intake;
use super::security_code::{CodeRefused, Presence};
use crate::challenge::Nonce;
use crate::domain::catalog::{CatalogHead, UnitEntry};
use crate::domain::dossier::Receipt;
use crate::domain::form::FieldError;
use crate::domain::period::{Month, local_date, start_of_day};
use crate::domain::phone::Phone;
use crate::domain::proof::Tracker;
use crate::domain::rating::{
    Answer, Attestation, Channel, Rating, RatingId, SUGGESTION_DAYS, Subject,
};
use crate::domain::receipt::{ReceiptCode, ReceiptSecret};
use crate::store::StoreError;
use crate::store::receipt::{LookUp, Spent, StoredReceipt};
use crate::store::submit::{Claim, Submission, Submitted, Suggestion, suggestion_key};

/// When it is forgotten that a phone has rated: a month after the quarter it rates once in, and never before the catalog's
/// retention is over.
///
/// By the day, for a time to the second would tell when it rated.
fn guard_expires(today: Date, retention_days: u32) -> Timestamp {
    let after_quarter = Month::of(today).quarter().last_day();
    let after_quarter = after_quarter.saturating_add(1.month());
    let retained = today.saturating_add(i64::from(retention_days).days());
    start_of_day(after_quarter.max(retained).saturating_add(1.day()))
}

/// One attempt at rating: what was filled in, where, and by whom as far as we can tell.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The form as filled in.
    pub form: RatingForm<'a>,
    /// Where it was filled in.
    pub channel: Channel,
    /// What shows that a person is there.
    pub presence: Presence<'a>,
    /// When it arrived.
    pub now: Timestamp,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum RatingOutcome {
    /// The rating is durably saved.
    Saved(Saved),
    /// Nothing was saved.
    Refused(RatingRefused),
}

/// A rating that is saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Who was rated.
    pub subject: Subject,
    /// What the rater finds the rating by.
    pub tracker: Tracker,
    /// Whether an earlier try of the same attempt had saved it.
    pub again: bool,
    /// Write units consumed, where the table reports them.
    pub write_units: f64,
}

/// Why a rating was not saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RatingRefused {
    /// The unit is not in the catalog.
    UnknownUnit,
    /// The unit is in the catalog, and the official is not or no longer in office there.
    UnknownOfficial,
    /// The unit takes no ratings today.
    ClosedSubject,
    /// Values are missing or wrong.
    Invalid(Vec<FieldError>),
    /// The security code was not accepted.
    SecurityCode(CodeRefused),
    /// The receipt is unknown, expired, used or wrong; one outcome for all, so that a bare code tells nothing.
    Receipt,
    /// The dossier was rated already; only for those who hold the secret part of its slip.
    AlreadyRated,
    /// The phone rated this subject already in the quarter.
    PhoneUsed,
}

impl From<RatingRefused> for RatingOutcome {
    fn from(refused: RatingRefused) -> Self {
        Self::Refused(refused)
    }
}

/// An attempt whose every value is in order and whose security code was accepted.
struct Accepted<'a> {
    subject: &'a Subject,
    checked: &'a Checked,
    channel: Channel,
    nonce: &'a Nonce,
    now: Timestamp,
    today: Date,
}

impl Accepted<'_> {
    /// The rating; its field comes from the receipt, where there is one.
    ///
    /// What the official did for the dossier and whether it was late stay out of it: no figure needs them, and with them
    /// a rating could be told from others of its day.
    fn rating(&self, id: RatingId, attestation: Attestation, receipt: Option<&Receipt>) -> Rating {
        Rating {
            id,
            subject: self.subject.clone(),
            role: None,
            attestation,
            channel: self.channel,
            field_id: receipt.map(|receipt| receipt.field_id.clone()),
            satisfaction: self.checked.satisfaction,
            reasons: self.checked.reasons.clone(),
            questionnaire: self.checked.questionnaire.clone(),
            answers: self.checked.answers.clone(),
            date: self.today,
            late: None,
        }
    }
}

impl Intake {
    /// Takes a rating in: the outcome is [`RatingOutcome::Saved`] only once it is durably saved.
    ///
    /// # Errors
    /// [`StoreError`] when it is not known whether the rating was saved; the same attempt may be sent again.
    pub async fn take_rating(&self, attempt: &Attempt<'_>) -> Result<RatingOutcome, StoreError> {
        self.in_time(self.take(attempt)).await
    }

    async fn take(&self, attempt: &Attempt<'_>) -> Result<RatingOutcome, StoreError> {
        let Attempt {
            form, channel, now, ..
        } = *attempt;
        let today = local_date(now);
        let head = self.catalog.head(now).await?;
        let subject = form.subject();
        if let Ok(subject) = &subject {
            let entry = self.catalog.unit(&subject.unit_id, now).await?;
            if let Err(refused) = check_subject(subject, entry.as_deref(), &head, today) {
                return Ok(refused.into());
            }
        }
        let (subject, checked) = match (subject, form::check(&form, &head, channel, today)) {
            (Ok(subject), Ok(checked)) => (subject, checked),
            (subject, checked) => {
                let errors = subject.err().into_iter();
                let errors = errors.chain(checked.err().unwrap_or_default()).collect();
                return Ok(RatingRefused::Invalid(errors).into());
            }
        };
        let scope = form.scope();
        let present = self.check_presence(&attempt.presence, &scope, now);
        let nonce = match present.await? {
            Ok(nonce) => nonce,
            Err(refused) => return Ok(RatingRefused::SecurityCode(refused).into()),
        };
        let accepted = Accepted {
            subject: &subject,
            checked: &checked,
            channel,
            nonce: &nonce,
            now,
            today,
        };
        match &checked.rater {
            Rater::Participant { code, secret } => {
                self.take_from_participant(&accepted, code, secret.as_ref())
                    .await
            }
            Rater::NonParticipant { phone } => {
                self.take_from_passer_by(&accepted, phone, &head).await
            }
        }
    }

    async fn take_from_participant(
        &self,
        accepted: &Accepted<'_>,
        code: &ReceiptCode,
        secret: Option<&ReceiptSecret>,
    ) -> Result<RatingOutcome, StoreError> {
        let subject = accepted.subject;
        let keys = self.keyring.receipt_keys(code);
        let found = self.store.look_up(&keys, accepted.today).await?;
        let usable = self.usable(accepted, &found, code, secret);
        let mut id = self.keyring.receipt_rating_id(code, subject);
        let mut mark = keys.mark(subject, false);
        let is_free = usable.is_some_and(|(stored, _)| !stored.has_rated(subject, &mark));
        // Read for every receipt that cannot be used at once, whatever is wrong with it.
        if !is_free && self.store.is_given_back(&id).await? {
            id = self.keyring.second_rating_id(code, subject);
            mark = keys.mark(subject, true);
        }
        // Behind a right secret, the transaction tells a retry from a second opinion.
        let usable = usable.filter(|(stored, attestation)| {
            *attestation == Attestation::DossierVerified || !stored.has_rated(subject, &mark)
        });
        let Some((stored, attestation)) = usable else {
            let rating = accepted.rating(id, Attestation::DossierClaimed, None);
            return self
                .refuse_receipt(accepted, &rating, &keys.hash, found.tries)
                .await;
        };
        let rating = accepted.rating(id, attestation, Some(&stored.receipt));
        let claim = Claim::Receipt {
            hash: &keys.hash,
            mark: &mark,
        };
        self.commit(accepted, &rating, claim).await
    }

    async fn take_from_passer_by(
        &self,
        accepted: &Accepted<'_>,
        phone: &Phone,
        head: &CatalogHead,
    ) -> Result<RatingOutcome, StoreError> {
        let quarter = Month::of(accepted.today).quarter();
        let subject = accepted.subject;
        let hash = self.keyring.phone_hash(phone.as_str(), subject, quarter);
        let id = self
            .keyring
            .phone_rating_id(phone.as_str(), subject, quarter);
        let claim = Claim::Guard {
            hash: &hash,
            expires: guard_expires(accepted.today, head.settings.retention_days),
        };
        let rating = accepted.rating(id, Attestation::PhoneDeclared, None);
        self.commit(accepted, &rating, claim).await
    }

    /// The receipt and how sure it makes us, if it is about the subject; one answer for every reason it is not.
    ///
    /// A receipt that carries a secret part is never claimed by its bare code: codes can be counted through, and a stranger
    /// who did so would use up other people's receipts.
    fn usable<'a>(
        &self,
        accepted: &Accepted<'_>,
        found: &'a LookUp,
        code: &ReceiptCode,
        secret: Option<&ReceiptSecret>,
    ) -> Option<(&'a StoredReceipt, Attestation)> {
        let stored = found.receipt.as_ref();
        let secret_hash = stored.and_then(|stored| stored.secret_hash.as_deref());
        let attestation = self.attest(secret_hash, code, secret);
        let stored = stored.filter(|stored| stored.expires > accepted.now.as_second())?;
        let receipt = &stored.receipt;
        let official = accepted.subject.official_id.as_ref();
        let is_about_subject = receipt.unit_id == accepted.subject.unit_id
            && official.is_none_or(|official| receipt.role(official).is_some());
        Some((stored, attestation?)).filter(|_| is_about_subject)
    }

    /// Answers for a receipt that is unknown, expired, used or wrong: the same reads, the same writes, the same bytes.
    ///
    /// A bare code whose rating came from this very attempt is the one exception: that is its rater, asking again.
    async fn refuse_receipt(
        &self,
        accepted: &Accepted<'_>,
        rating: &Rating,
        hash: &str,
        tries: u32,
    ) -> Result<RatingOutcome, StoreError> {
        let saved = self.store.saved_digest(rating).await?;
        let digest = self.content_digest(rating, accepted.checked);
        if saved.is_some_and(|saved| saved == digest) {
            return Ok(self.saved(rating, true, 0.0));
        }
        let spent = self.count_try(accepted, hash).await?;
        if spent == Spent::Now {
            super::receipt::report_guessing(tries);
        }
        Ok(paid_for(spent, RatingRefused::Receipt))
    }

    async fn commit(
        &self,
        accepted: &Accepted<'_>,
        rating: &Rating,
        claim: Claim<'_>,
    ) -> Result<RatingOutcome, StoreError> {
        let digest = self.content_digest(rating, accepted.checked);
        let suggestion = accepted.checked.suggestion.as_deref();
        let key = suggestion.map(|_| suggestion_key()).transpose()?;
        let key = key.unwrap_or_default();
        let suggestion = suggestion.map(|text| Suggestion {
            key: &key,
            text,
            expires: start_of_day(accepted.today.saturating_add((SUGGESTION_DAYS + 1).days())),
        });
        let submission = Submission {
            rating,
            digest: &digest,
            claim,
            suggestion,
        };
        let refused = match self.store.submit(&submission, accepted.now).await? {
            Submitted::Saved { write_units } => return Ok(self.saved(rating, false, write_units)),
            Submitted::SavedBefore => return Ok(self.saved(rating, true, 0.0)),
            Submitted::AlreadyRated => match rating.attestation {
                // A bare code is not told that it was used.
                Attestation::DossierClaimed => RatingRefused::Receipt,
                Attestation::PhoneDeclared => RatingRefused::PhoneUsed,
                _ => RatingRefused::AlreadyRated,
            },
            Submitted::Unclaimable => RatingRefused::Receipt,
        };
        let spent = match (&refused, submission.claim) {
            (RatingRefused::Receipt, Claim::Receipt { hash, .. }) => {
                self.count_try(accepted, hash).await?
            }
            _ => self.store.spend(accepted.nonce).await?,
        };
        Ok(paid_for(spent, refused))
    }

    async fn count_try(&self, accepted: &Accepted<'_>, hash: &str) -> Result<Spent, StoreError> {
        self.store
            .count_try(hash, accepted.today, Some(accepted.nonce))
            .await
    }

    fn saved(&self, rating: &Rating, again: bool, write_units: f64) -> RatingOutcome {
        RatingOutcome::Saved(Saved {
            subject: rating.subject.clone(),
            tracker: self.keyring.proof_key().tracker(&rating.id),
            again,
            write_units,
        })
    }

    /// Fingerprint of all a rater decides, and of the attempt it came in; the day is left out, so that a retry after midnight
    /// is still a retry.
    ///
    /// The attempt is known to the rater's page alone. Without it, a stranger who knows a bare code or a phone could learn how
    /// it rated by sending every possible opinion and watching for «saved».
    fn content_digest(&self, rating: &Rating, checked: &Checked) -> String {
        let mut parts = vec![
            rating.attestation.code().to_owned(),
            rating.satisfaction.code().to_owned(),
        ];
        let reasons = rating.reasons.iter();
        parts.extend(reasons.map(|reason| format!("reason:{reason}")));
        for (question, answer) in &rating.answers {
            if let Answer::Option(option) = answer {
                parts.push(format!("answer:{question}:{option}"));
            }
        }
        let suggestion = checked.suggestion.iter();
        parts.extend(suggestion.map(|suggestion| format!("suggestion:{suggestion}")));
        parts.push(format!("attempt:{}", checked.attempt));
        let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        self.keyring.content_digest(&parts)
    }
}

/// Checks that the subject is in the catalog and takes ratings today.
///
/// # Errors
/// [`RatingRefused::UnknownUnit`], [`RatingRefused::UnknownOfficial`] or [`RatingRefused::ClosedSubject`].
pub fn check_subject(
    subject: &Subject,
    entry: Option<&UnitEntry>,
    head: &CatalogHead,
    today: Date,
) -> Result<(), RatingRefused> {
    let entry = entry.ok_or(RatingRefused::UnknownUnit)?;
    let mut groups = head.groups.iter();
    let group = groups.find(|group| group.id == entry.unit.group_id);
    let group_open = group.is_none_or(|group| group.validity.holds(today));
    if !entry.unit.validity.holds(today)
        || !group_open
        || head.settings.opens.is_some_and(|opens| today < opens)
    {
        return Err(RatingRefused::ClosedSubject);
    }
    match &subject.official_id {
        Some(official) if entry.official(official, today).is_none() => {
            Err(RatingRefused::UnknownOfficial)
        }
        _ => Ok(()),
    }
}

/// The refusal that a security code pays for, once; used again, the code itself is refused.
fn paid_for(spent: Spent, refused: RatingRefused) -> RatingOutcome {
    RatingOutcome::Refused(match spent {
        Spent::Now => refused,
        Spent::Before => RatingRefused::SecurityCode(CodeRefused::Wrong),
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_guard_outlives_its_quarter_and_the_retention_of_the_catalog() {
        let end = |text: &str| text.parse::<Timestamp>().unwrap();
        for (today, retention_days, expires) in [
            (date(2026, 10, 1), 90, "2027-01-31T17:00:00Z"),
            (date(2026, 12, 31), 90, "2027-03-31T17:00:00Z"),
            (date(2026, 10, 1), 1, "2027-01-31T17:00:00Z"),
            (date(2027, 3, 31), 1, "2027-04-30T17:00:00Z"),
            (date(2026, 10, 1), 365, "2027-10-01T17:00:00Z"),
        ] {
            assert_eq!(
                guard_expires(today, retention_days),
                end(expires),
                "{today}"
            );
        }
    }
}
