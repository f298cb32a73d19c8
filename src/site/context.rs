//! What every page of one tree knows: the catalog's head, the language and the day.

use std::borrow::Cow;

use jiff::civil::Date;
use rust_i18n::t;

use super::layout::Section;
use crate::domain::catalog::CatalogHead;
use crate::domain::lang::Lang;

/// The deployment, the tree and the day a page is rendered for.
#[derive(Debug, Clone, Copy)]
pub struct SiteContext<'a> {
    /// Settings, groups, fields, reasons and questionnaires.
    pub head: &'a CatalogHead,
    /// The tree.
    pub lang: Lang,
    /// The day in Asia/Ho_Chi_Minh; decides what is open, and is never printed.
    pub today: Date,
}

impl SiteContext<'_> {
    /// The text of a locale key.
    #[must_use]
    pub fn text<'k>(&self, key: &'k str) -> Cow<'k, str> {
        t!(key, locale = self.lang.code())
    }

    /// The text of a locale key with `%{name}` replaced by `value`.
    #[must_use]
    pub fn text_with(&self, key: &str, name: &str, value: &str) -> String {
        rust_i18n::replace_patterns(&self.text(key), &[name], &[value.to_owned()])
    }

    /// What the deployment calls an item of the menu.
    #[must_use]
    pub fn menu(&self, item: Section) -> Cow<'_, str> {
        let menu = &self.head.settings.menu;
        let (own, key) = match item {
            Section::Units => (&menu.units, "menu.units"),
            Section::Officials => (&menu.officials, "menu.officials"),
            Section::Results => (&menu.results, "menu.results"),
            Section::Other => (&None, "layout.home"),
        };
        match own {
            Some(name) => Cow::Borrowed(name.get(self.lang)),
            None => self.text(key),
        }
    }

    /// The address of `path` (such as `/ket-qua/`) in this tree.
    #[must_use]
    pub fn href(&self, path: &str) -> String {
        format!("{}{path}", self.lang.prefix())
    }

    /// Whether ratings are taken on the day the page is rendered for (S56).
    #[must_use]
    pub fn takes_ratings(&self) -> bool {
        self.head
            .settings
            .opens
            .is_none_or(|opens| opens <= self.today)
    }
}
