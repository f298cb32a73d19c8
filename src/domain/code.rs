//! Enums with one spelling everywhere.

/// Declares a fieldless enum with one spelling for JSON, tables, logs and pages.
macro_rules! code_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its spelling in JSON, tables and logs.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// Reads [`Self::code`]; `None` for anything else.
            #[must_use]
            pub fn parse(input: &str) -> Option<Self> {
                match input { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
