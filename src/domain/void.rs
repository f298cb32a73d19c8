//! Voiding a rating: two people of two groups, one reason, and nothing deleted.
//!
//! A void adds to the void counters of the rating's cell; no number ever falls. The deployment decides who belongs to
//! each group, by who may write under the group's prefix of the drop bucket.

use jiff::civil::Date;

use super::rating::{RatingId, Subject};

code_enum!(
    /// Why a rating is voided; counted publicly.
    VoidReason {
        /// Somebody else used the receipt or the phone.
        NotTheRater = "not_the_rater",
        /// The rater was pressed.
        UnderPressure = "under_pressure",
        /// Ratings were bought, or made up.
        Fraud = "fraud",
        /// A trial, not an opinion.
        Trial = "trial",
    }
);

code_enum!(
    /// One of the two groups that must agree.
    Seat {
        /// The first.
        First = "1",
        /// The second.
        Second = "2",
    }
);

/// One person's request that a rating be voided.
///
/// It is recorded whether or not there is such a rating, so that filing one does not tell who has rated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The rating.
    pub rating_id: RatingId,
    /// Whom the rating must be of; approvals of earlier versions do not say.
    pub subject: Option<Subject>,
    /// The group this person belongs to.
    pub seat: Seat,
    /// Who it is, as the file's event names them.
    pub approver: String,
    /// Why.
    pub reason: VoidReason,
    /// The day it was filed; ratings of a later day are not meant.
    pub day: Date,
}

/// What both groups agree on for one rating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Why the rating is voided.
    pub reason: VoidReason,
    /// Whom the rating must be of, where an approval says so.
    pub subject: Option<Subject>,
    /// The last day the rating may be of: the day of the earlier approval.
    pub until: Date,
}

/// What `approvals` of one rating decide, once both groups agree; one person in both groups is not two.
///
/// The first approval of a group counts, so the approvals come in the order they were filed.
#[must_use]
pub fn decided(approvals: &[Approval]) -> Option<Decision> {
    let of = |seat: Seat| approvals.iter().find(|approval| approval.seat == seat);
    let (first, second) = (of(Seat::First)?, of(Seat::Second)?);
    let subjects = first.subject.as_ref().zip(second.subject.as_ref());
    let agree = first.reason == second.reason
        && first.approver != second.approver
        && subjects.is_none_or(|(first, second)| first == second);
    agree.then(|| Decision {
        reason: first.reason,
        subject: first.subject.clone().or_else(|| second.subject.clone()),
        until: first.day.min(second.day),
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn approval(seat: Seat, approver: &str, reason: VoidReason) -> Approval {
        Approval {
            rating_id: RatingId("r".into()),
            subject: Subject::parse("u-1/o-1").ok(),
            seat,
            approver: approver.into(),
            reason,
            day: date(2026, 11, 20),
        }
    }

    #[test]
    fn it_takes_two_groups_two_people_one_reason_and_one_subject() {
        use Seat::{First, Second};
        use VoidReason::{Fraud, Trial};
        let an = approval(First, "an", Fraud);
        let of_the_unit = Approval {
            subject: Subject::parse("u-1").ok(),
            ..approval(Second, "binh", Fraud)
        };
        let of_an_earlier_version = Approval {
            subject: None,
            ..approval(Second, "binh", Fraud)
        };

        for (other, reason) in [
            (None, None),
            (Some(approval(First, "binh", Fraud)), None),
            (Some(approval(Second, "an", Fraud)), None),
            (Some(approval(Second, "binh", Trial)), None),
            (Some(of_the_unit), None),
            (Some(of_an_earlier_version), Some(Fraud)),
            (Some(approval(Second, "binh", Fraud)), Some(Fraud)),
        ] {
            let mut approvals: Vec<_> = other.into_iter().collect();
            approvals.push(an.clone());

            let decision = decided(&approvals);

            assert_eq!(
                decision.as_ref().map(|decision| decision.reason),
                reason,
                "{approvals:?}"
            );
            let subject = decision.map(|decision| decision.subject);
            assert!(subject.is_none_or(|subject| subject == an.subject));
        }
    }

    #[test]
    fn the_first_approval_of_a_group_counts_and_ratings_after_it_are_not_meant() {
        let mut approvals = vec![
            approval(Seat::First, "an", VoidReason::Fraud),
            approval(Seat::Second, "binh", VoidReason::Fraud),
            approval(Seat::First, "an", VoidReason::Trial),
        ];
        approvals[1].day = date(2026, 12, 2);

        let decision = decided(&approvals).unwrap();

        assert_eq!(decision.reason, VoidReason::Fraud);
        assert_eq!(decision.until, date(2026, 11, 20));
    }
}
