//! Setting a rating aside: two people of two seats, one reason, and nothing deleted.
//!
//! A void adds to the void counters of the rating's cell; no number ever falls. Who may sit on a seat is the
//! deployment's to say, by who may write under the seat's prefix of the drop bucket.

use super::rating::RatingId;

code_enum!(
    /// Why a rating is set aside; counted publicly.
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
    /// One of the two who must agree.
    Seat {
        /// The first.
        First = "1",
        /// The second.
        Second = "2",
    }
);

/// One person's word that a rating is to be set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The rating.
    pub rating_id: RatingId,
    /// Where this person sits.
    pub seat: Seat,
    /// Who it is, as the file's event names them.
    pub approver: String,
    /// Why.
    pub reason: VoidReason,
}

/// Why a rating is to be set aside, once both seats agree; one person on both seats is not two.
#[must_use]
pub fn decided(approvals: &[Approval]) -> Option<VoidReason> {
    let of = |seat: Seat| approvals.iter().find(|approval| approval.seat == seat);
    let (first, second) = (of(Seat::First)?, of(Seat::Second)?);
    (first.reason == second.reason && first.approver != second.approver).then_some(first.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approval(seat: Seat, approver: &str, reason: VoidReason) -> Approval {
        Approval {
            rating_id: RatingId("r".into()),
            seat,
            approver: approver.into(),
            reason,
        }
    }

    #[test]
    fn it_takes_two_seats_two_people_and_one_reason() {
        use Seat::{First, Second};
        use VoidReason::{Fraud, Trial};
        let an = approval(First, "an", Fraud);

        for (other, reason) in [
            (None, None),
            (Some(approval(First, "binh", Fraud)), None),
            (Some(approval(Second, "an", Fraud)), None),
            (Some(approval(Second, "binh", Trial)), None),
            (Some(approval(Second, "binh", Fraud)), Some(Fraud)),
        ] {
            let mut approvals: Vec<_> = other.into_iter().collect();
            approvals.push(an.clone());
            assert_eq!(decided(&approvals), reason, "{approvals:?}");
        }
    }
}
