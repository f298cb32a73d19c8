//! The pages as people meet them: in Chromium, at the size of a phone and of a desk, with and without JavaScript.
//!
//! One chromedriver serves the whole run and ends with it, however the run ends (see [`driver`]). A scenario that fails
//! leaves a picture in `tests/browser/shots/`.

mod axe;
mod draft;
mod driver;
mod guide;
mod harness;
mod hostile;
mod names;
mod page;
mod pages;
mod rate;
mod recount;

pub(crate) use page::{Browser, Size, visit, visit_without_scripts};
