//! The values that forms and queries carry, and what can be wrong with one.

code_enum!(
    /// A value of a form or of a query.
    FormField {
        /// Who is rated.
        Subject = "subject",
        /// Whether the rater took part in a procedure.
        RaterKind = "rater_kind",
        /// Field of transaction.
        FieldId = "field_id",
        /// Receipt code.
        ReceiptCode = "receipt_code",
        /// Secret part of the slip.
        ReceiptSecret = "receipt_secret",
        /// Full name.
        FullName = "full_name",
        /// Telephone number.
        Phone = "phone",
        /// Consent to keeping name and phone.
        Consent = "consent",
        /// The verdict.
        Satisfaction = "satisfaction",
        /// Reasons for dissatisfaction.
        Reasons = "reasons",
        /// Answers to the questionnaire.
        Answers = "answers",
        /// Free suggestion.
        Suggestion = "suggestion",
        /// Security code.
        SecurityCode = "security_code",
        /// A unit, in a query.
        UnitId = "unit_id",
        /// A period, in a query.
        Period = "period",
        /// The query as a whole.
        Query = "query",
    }
);

code_enum!(
    /// What is wrong with a value.
    Fault {
        /// There is none.
        Missing = "missing",
        /// It is not of the right shape.
        Malformed = "malformed",
        /// It names nothing that there is.
        Unknown = "unknown",
        /// It is longer than allowed.
        TooLong = "too_long",
        /// It names what takes no ratings.
        Closed = "closed",
        /// It is not the right one, or was used before.
        Wrong = "wrong",
        /// It was right once.
        Expired = "expired",
        /// A query holds a name that is no parameter.
        UnknownName = "unknown_name",
    }
);

/// What is wrong with one value; the text stands under `error.<field>.<fault>` in the locale files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldError {
    /// The value.
    pub field: FormField,
    /// What is wrong with it.
    pub fault: Fault,
}
