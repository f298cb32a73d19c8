//! The frame of every page: band, menu, breadcrumbs, footer.
//!
//! A page's struct has a field `layout: Layout<'a>` and its template begins `{% extends "layout.html" %}` and fills
//! `{% block main %}`; texts come from `{{ layout.text("layout.home") }}`, addresses from `{{ layout.href("/some/path/") }}`.

use std::borrow::Cow;

use jiff::civil::Date;

use super::context::SiteContext;
use super::{Cache, SiteFile, assets, format};
use crate::domain::catalog::Settings;
use crate::domain::lang::Lang;
use crate::domain::phone;

/// A page above this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// Its name.
    pub name: String,
    /// Its path without the tree's prefix: `/danh-gia/don-vi/`.
    pub path: String,
}

/// The item of the menu a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Đánh giá đơn vị.
    Units,
    /// Đánh giá công chức.
    Officials,
    /// Xem kết quả đánh giá.
    Results,
    /// None of them.
    Other,
}

/// What the frame needs of a page.
#[derive(Debug, Clone)]
pub struct Layout<'a> {
    /// The deployment, the tree and the day.
    pub context: SiteContext<'a>,
    /// Path of the page without the tree's prefix, for the switch to the other language.
    pub path: String,
    /// Name of the page; the service's name follows it in the browser's tab.
    pub title: String,
    /// Item of the menu.
    pub section: Section,
    /// Pages above this one below the home page, outermost first; empty on the home page.
    pub breadcrumbs: Vec<Crumb>,
    /// Last day of the figures on the page, printed at its foot; the page itself shows [`Self::as_of`] where it fits.
    pub data_date: Option<Date>,
    /// Whether these figures rest until somebody has looked into a difference.
    pub is_frozen: bool,
    /// Modules to load, by asset name: `js/list-filter.js`.
    pub scripts: &'static [&'static str],
    /// Whether the page reports errors, said first in the title.
    pub errors: bool,
    /// Whether search engines may list the page.
    pub indexed: bool,
}

impl<'a> Layout<'a> {
    /// The frame of the page at `path`, with no breadcrumbs, figures or scripts.
    #[must_use]
    pub fn new(
        context: &SiteContext<'a>,
        path: impl Into<String>,
        title: impl Into<String>,
    ) -> Self {
        Self {
            context: *context,
            path: path.into(),
            title: title.into(),
            section: Section::Other,
            breadcrumbs: Vec::new(),
            data_date: None,
            is_frozen: false,
            scripts: &[],
            errors: false,
            indexed: true,
        }
    }

    /// Puts the page under an item of the menu.
    #[must_use]
    pub fn section(mut self, section: Section) -> Self {
        self.section = section;
        self
    }

    /// Adds a page above this one, innermost last.
    #[must_use]
    pub fn below(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.breadcrumbs.push(Crumb {
            name: name.into(),
            path: path.into(),
        });
        self
    }

    /// Loads modules.
    #[must_use]
    pub fn scripts(mut self, scripts: &'static [&'static str]) -> Self {
        self.scripts = scripts;
        self
    }

    /// The language of the page.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.context.lang
    }

    /// The deployment's settings.
    #[must_use]
    pub fn settings(&self) -> &'a Settings {
        &self.context.head.settings
    }

    /// The text of a locale key.
    #[must_use]
    pub fn text<'k>(&self, key: &'k str) -> Cow<'k, str> {
        self.context.text(key)
    }

    /// The text of a locale key with `%{name}` replaced by `value`.
    #[must_use]
    pub fn text_with(&self, key: &str, name: &str, value: &str) -> String {
        self.context.text_with(key, name, value)
    }

    /// What the menu calls the rating of units.
    #[must_use]
    pub fn menu_units(&self) -> Cow<'_, str> {
        self.context.menu(Section::Units)
    }

    /// What the menu calls the rating of officials.
    #[must_use]
    pub fn menu_officials(&self) -> Cow<'_, str> {
        self.context.menu(Section::Officials)
    }

    /// What the menu calls the results.
    #[must_use]
    pub fn menu_results(&self) -> Cow<'_, str> {
        self.context.menu(Section::Results)
    }

    /// The address of `path` in this tree.
    #[must_use]
    pub fn href(&self, path: &str) -> String {
        self.context.href(path)
    }

    /// The address of a static file.
    #[must_use]
    pub fn asset(&self, name: &str) -> &'static str {
        assets::path(name)
    }

    /// The other language.
    #[must_use]
    pub fn other_lang(&self) -> Lang {
        match self.context.lang {
            Lang::Vi => Lang::En,
            Lang::En => Lang::Vi,
        }
    }

    /// This page in the other tree.
    #[must_use]
    pub fn other_href(&self) -> String {
        format!("{}{}", self.other_lang().prefix(), self.path)
    }

    /// Whether the page lies under «Đánh giá đơn vị».
    #[must_use]
    pub fn in_units(&self) -> bool {
        self.section == Section::Units
    }

    /// Whether the page lies under «Đánh giá công chức».
    #[must_use]
    pub fn in_officials(&self) -> bool {
        self.section == Section::Officials
    }

    /// Whether the page lies under «Xem kết quả đánh giá».
    #[must_use]
    pub fn in_results(&self) -> bool {
        self.section == Section::Results
    }

    /// «Số liệu đến hết ngày …», where the page has figures.
    #[must_use]
    pub fn as_of(&self) -> Option<String> {
        let date = self.data_date?;
        Some(self.text_with(
            "layout.as_of",
            "date",
            &format::date(date, self.context.lang),
        ))
    }

    /// The hotline as a `tel:` address dials it.
    #[must_use]
    pub fn tel(&self) -> String {
        phone::dialled(&self.settings().hotline)
    }

    /// The page's file, from its rendered text.
    #[must_use]
    pub fn file(&self, html: String) -> SiteFile {
        SiteFile {
            path: self.href(&self.path),
            content_type: "text/html; charset=utf-8",
            cache: Cache::Page,
            bytes: html.into_bytes(),
        }
    }
}
