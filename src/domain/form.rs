//! What can be wrong with a form that citizens fill in.

/// What is wrong with one value; the text stands under `error.<field>.<code>` in the locale files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldError {
    /// Name of the value in the body.
    pub field: &'static str,
    /// What is wrong with it.
    pub code: &'static str,
}
