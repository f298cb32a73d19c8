//! Renders pages and files, and keeps the bucket in step with them.

pub mod assets;
#[cfg(feature = "server")]
pub mod bucket;
pub mod collation;
pub mod context;
#[cfg(test)]
pub(crate) mod fixture;
pub mod format;
pub mod guide;
pub mod layout;
pub mod package;
pub mod rating_form;
pub mod rating_pages;
pub mod results;

/// How long browsers and the CDN may keep a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// Content-addressed assets.
    Forever,
    /// Pages and data files: short, and revalidated.
    Page,
}

impl Cache {
    /// Value of `Cache-Control`.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::Forever => "public, max-age=31536000, immutable",
            Self::Page => "public, max-age=60, stale-while-revalidate=600",
        }
    }
}

/// One file of the published site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteFile {
    /// Address within the site: `/ket-qua/` for a page, `/static/site.css` for a file.
    pub path: String,
    /// Media type with charset.
    pub content_type: &'static str,
    /// How long it may be kept.
    pub cache: Cache,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl SiteFile {
    /// Its key in the bucket: no leading slash, `index.html` behind a trailing one.
    #[must_use]
    pub fn key(&self) -> String {
        package::key(&self.path)
    }
}
