//! Looking a receipt up: whom its dossier is about.

use std::sync::Arc;

use jiff::Timestamp;
use subtle::ConstantTimeEq;

use super::Intake;
use super::security_code::{CodeRefused, Presence};
use crate::challenge::{Purpose, Scope};
use crate::domain::catalog::UnitEntry;
use crate::domain::dossier::Receipt;
use crate::domain::form::{Fault, FieldError, FormField};
use crate::domain::period::local_date;
use crate::domain::rating::{Attestation, Subject};
use crate::domain::receipt::{ReceiptCode, ReceiptSecret};
use crate::keyring::ReceiptKey;
use crate::metric;
use crate::store::StoreError;
use crate::store::receipt::{SUSPICIOUS_TRIES, Spent, StoredReceipt};

/// A receipt to look up, as typed.
#[derive(Debug, Clone, Copy)]
pub struct ReceiptQuery<'a> {
    /// Its code.
    pub code: Option<&'a str>,
    /// The secret part of the slip.
    pub secret: Option<&'a str>,
    /// What shows that a person is there.
    pub presence: Presence<'a>,
    /// When it arrived.
    pub now: Timestamp,
}

impl<'a> ReceiptQuery<'a> {
    /// What the security code of this look-up is bound to.
    #[must_use]
    pub fn scope(&self) -> Scope<'a> {
        Scope {
            purpose: Purpose::Validate,
            subject: "",
            receipt_code: self.code.unwrap_or_default(),
            receipt_secret: self.secret.unwrap_or_default(),
            phone: "",
        }
    }
}

/// How a look-up ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// The receipt names whom its holder may rate.
    Found(FoundReceipt),
    /// Nothing is told of it.
    Refused(ReceiptRefused),
}

/// A receipt that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// Those the dossier is about: the officials in office who handled it, then the unit.
    pub subjects: Vec<Subject>,
    /// The unit in the catalog in force.
    pub entry: Arc<UnitEntry>,
}

/// Why a receipt was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptRefused {
    /// Values are missing or wrong.
    Invalid(Vec<FieldError>),
    /// The security code was not accepted.
    SecurityCode(CodeRefused),
    /// The receipt is unknown, expired or wrong; one outcome for all.
    Receipt,
}

impl From<ReceiptRefused> for ReceiptOutcome {
    fn from(refused: ReceiptRefused) -> Self {
        Self::Refused(refused)
    }
}

impl<K: AsRef<ReceiptKey>> Intake<K> {
    /// Looks a receipt up; unknown, expired and wrong cost the same work and give the same outcome.
    ///
    /// The outcome comes from the dossier alone. It does not tell who was rated: an official knows the codes of their own
    /// dossiers, and could otherwise see which of them rated, and when. Only saving a rating tells, and only behind a right
    /// secret part. The security code is spent where the look-up is refused; repeating one that succeeds tells nothing new.
    ///
    /// # Errors
    /// [`StoreError`] when a table fails.
    pub async fn look_up_receipt(
        &self,
        query: &ReceiptQuery<'_>,
    ) -> Result<ReceiptOutcome, StoreError> {
        self.in_time(self.find(query)).await
    }

    async fn find(&self, query: &ReceiptQuery<'_>) -> Result<ReceiptOutcome, StoreError> {
        let (code, secret) = match check_receipt(query.code, query.secret) {
            Ok(receipt) => receipt,
            Err(errors) => return Ok(ReceiptRefused::Invalid(errors).into()),
        };
        let scope = query.scope();
        let present = self.check_presence(&query.presence, &scope, query.now);
        let nonce = match present.await? {
            Ok(nonce) => nonce,
            Err(refused) => return Ok(ReceiptRefused::SecurityCode(refused).into()),
        };
        let (now, today) = (query.now, local_date(query.now));
        let keys = self.keyring.as_ref().receipt_keys(&code);
        let found = self.store.look_up(&keys, today).await?;
        let receipt = self.known(found.receipt, &code, secret.as_ref(), now);
        let entry = match &receipt {
            Some(receipt) => self.catalog.unit(&receipt.unit_id, now).await?,
            None => None,
        };
        if let Some((receipt, entry)) = receipt.zip(entry) {
            // An official who has left since is no longer in the catalog in force, and cannot be rated.
            let in_office = |subject: &Subject| {
                let official = subject.official_id.as_ref();
                official.is_none_or(|official| entry.official(official, today).is_some())
            };
            let subjects = subjects(&receipt).into_iter().filter(in_office).collect();
            return Ok(ReceiptOutcome::Found(FoundReceipt {
                receipt,
                subjects,
                entry,
            }));
        }
        let spent = self
            .store
            .count_try(&keys.hash, today, Some(&nonce))
            .await?;
        Ok(match spent {
            Spent::Now => {
                report_guessing(found.tries);
                ReceiptRefused::Receipt.into()
            }
            Spent::Before => ReceiptRefused::SecurityCode(CodeRefused::Wrong).into(),
        })
    }

    /// The receipt, if it has not expired and the secret part is its own; whether it was used makes no difference.
    fn known(
        &self,
        stored: Option<StoredReceipt>,
        code: &ReceiptCode,
        secret: Option<&ReceiptSecret>,
        now: Timestamp,
    ) -> Option<Receipt> {
        let secret_hash = stored
            .as_ref()
            .and_then(|stored| stored.secret_hash.as_deref());
        let attestation = self.attest(secret_hash, code, secret);
        let stored = stored.filter(|stored| stored.expires > now.as_second());
        attestation.and(stored).map(|stored| stored.receipt)
    }

    /// Compares a secret part in constant time, also where there is nothing to compare with.
    pub(super) fn attest(
        &self,
        secret_hash: Option<&str>,
        code: &ReceiptCode,
        secret: Option<&ReceiptSecret>,
    ) -> Option<Attestation> {
        let given = secret.map(|secret| self.keyring.as_ref().secret_hash(code, secret));
        let expected = secret_hash.unwrap_or_default();
        let equal: bool = given
            .as_deref()
            .unwrap_or_default()
            .as_bytes()
            .ct_eq(expected.as_bytes())
            .into();
        match (secret_hash, given) {
            (Some(_), Some(_)) if equal => Some(Attestation::DossierVerified),
            (None, None) => Some(Attestation::DossierClaimed),
            _ => None,
        }
    }
}

/// The receipt code and secret of a form.
///
/// # Errors
/// A [`FieldError`] for each at fault.
pub fn check_receipt(
    code: Option<&str>,
    secret: Option<&str>,
) -> Result<(ReceiptCode, Option<ReceiptSecret>), Vec<FieldError>> {
    let mut errors = Vec::new();
    let code = match code.map(ReceiptCode::parse) {
        Some(Ok(code)) => Some(code),
        given => {
            errors.push(FieldError {
                field: FormField::ReceiptCode,
                fault: if given.is_none() {
                    Fault::Missing
                } else {
                    Fault::Malformed
                },
            });
            None
        }
    };
    let secret = match secret
        .filter(|secret| !secret.trim().is_empty())
        .map(ReceiptSecret::parse)
    {
        None => Some(None),
        Some(Ok(secret)) => Some(Some(secret)),
        Some(Err(_)) => {
            errors.push(FieldError {
                field: FormField::ReceiptSecret,
                fault: Fault::Malformed,
            });
            None
        }
    };
    match (code, secret) {
        (Some(code), Some(secret)) => Ok((code, secret)),
        _ => Err(errors),
    }
}

/// Everybody a dossier is about: the officials who handled it, then the unit.
fn subjects(receipt: &Receipt) -> Vec<Subject> {
    let officials = receipt.officials.iter();
    let officials = officials.map(|(official, _)| Some(official.clone()));
    let subject = |official_id| Subject {
        unit_id: receipt.unit_id.clone(),
        official_id,
    };
    officials.chain([None]).map(subject).collect()
}

/// Tells the operator, once per try, that secret parts are being tried.
pub(super) fn report_guessing(tries: u32) {
    if tries >= SUSPICIOUS_TRIES {
        metric::count("GuessedReceipts", 1);
    }
}
