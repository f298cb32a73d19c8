//! What a person does with a page, by the words on it.

use std::fmt::Write as _;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::prelude::*;
use thirtyfour::{BrowserLogEntry, LoggingPrefsLogLevel};

use super::{axe, driver};

/// How long a page may take to show what is expected of it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where pictures go.
const SHOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/shots");

/// Frames the box and tells where it lies, what it reads, and the heading of its page.
const FRAME: &str = "
    const box = document.querySelector(arguments[0]);
    document.activeElement.blur();
    box.style.outline = '4px solid #d00';
    box.style.outlineOffset = '1px';
    const reads = (element) => element.textContent.replace(/\\s+/g, ' ').trim();
    const { top, bottom } = box.getBoundingClientRect();
    return {
        top: top + scrollY, bottom: bottom + scrollY, height: document.documentElement.scrollHeight,
        marked: reads(box.querySelector('legend, label, a') ?? box),
        heading: reads(document.querySelector('main h1')),
    };";

/// A part of a page, photographed.
pub(crate) struct Photo {
    /// Heading of the page.
    pub(crate) heading: String,
    /// What the framed box reads.
    pub(crate) marked: String,
    /// WebP.
    pub(crate) picture: Vec<u8>,
}

/// Width and height of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// 390 × 844.
    Phone,
    /// 1280 × 900.
    Desktop,
    /// 320 × 640: the narrowest that pages are made for.
    Narrow,
}

impl Size {
    /// What most people have.
    pub(crate) const ALL: [Self; 2] = [Self::Phone, Self::Desktop];

    fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Desktop => "desktop",
            Self::Narrow => "narrow",
        }
    }
}

/// A browser on one site.
pub(crate) struct Browser {
    driver: WebDriver,
    site: String,
    name: String,
    /// Removed with the browser.
    _profile: TempDir,
}

/// Runs `scenario` in a browser of `size` on the site at address `site`.
///
/// Whatever happens, the browser is closed; when it fails, a picture and the console stay behind. A scenario that passes
/// must leave the console without a warning, which is also where a breach of the content security policy shows.
pub(crate) async fn visit<F, Fut>(name: &str, site: &str, size: Size, scenario: F)
where
    F: FnOnce(Arc<Browser>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    run(Browser::start(name, site, size, true), scenario).await;
}

/// [`visit`] with JavaScript switched off.
pub(crate) async fn visit_without_scripts<F, Fut>(name: &str, site: &str, size: Size, scenario: F)
where
    F: FnOnce(Arc<Browser>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    run(Browser::start(name, site, size, false), scenario).await;
}

async fn run<F, Fut>(browser: impl Future<Output = Browser>, scenario: F)
where
    F: FnOnce(Arc<Browser>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let _seat = driver::SEATS.acquire().await.expect("never closed");
    let browser = Arc::new(browser.await);
    let outcome = tokio::spawn(scenario(Arc::clone(&browser))).await;
    if outcome.is_err() {
        browser.shoot("failed").await;
    }
    let complaints = browser.complaints().await;
    let quit = browser.driver.clone().quit().await;
    match outcome {
        Err(error) if error.is_panic() => {
            if !complaints.is_empty() {
                eprintln!("console of `{}`:\n{}", browser.name, complaints.join("\n"));
            }
            std::panic::resume_unwind(error.into_panic())
        }
        outcome => outcome.expect("nobody cancels a scenario"),
    }
    assert!(complaints.is_empty(), "console:\n{}", complaints.join("\n"));
    quit.expect("chromedriver closes the browser");
}

impl Browser {
    async fn start(name: &str, site: &str, size: Size, scripts: bool) -> Self {
        let profile = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut chromium = DesiredCapabilities::chrome();
        let profile_flag = format!("--user-data-dir={}", profile.path().display());
        for flag in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
            "--lang=vi",
            &profile_flag,
        ] {
            chromium.add_arg(flag).unwrap();
        }
        let screen = match size {
            Size::Desktop => None,
            Size::Phone => Some((390, 844)),
            Size::Narrow => Some((320, 640)),
        };
        if let Some((width, height)) = screen {
            // With touch, chromedriver taps, and a tap on a page without scripts never returns.
            let metrics =
                json!({"width": width, "height": height, "pixelRatio": 1, "touch": false});
            let emulation = json!({"deviceMetrics": metrics});
            chromium
                .add_experimental_option("mobileEmulation", emulation)
                .unwrap();
        }
        let mut preferences = json!({"intl.accept_languages": "vi,en"});
        if !scripts {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        chromium
            .add_experimental_option("prefs", preferences)
            .unwrap();
        chromium
            .set_browser_log_level(LoggingPrefsLogLevel::All)
            .unwrap();
        let driver = WebDriver::new(driver::address(), chromium)
            .await
            .expect("chromium (`make tools` installs it)");
        Self {
            driver,
            site: site.trim_end_matches('/').to_owned(),
            name: format!("{name}-{}", size.name()),
            _profile: profile,
        }
    }

    /// Opens an address of the site.
    pub(crate) async fn open(&self, path: &str) {
        let address = format!("{}{path}", self.site);
        self.driver.goto(address).await.unwrap();
    }

    /// The address within the site that is open now, with query and fragment.
    pub(crate) async fn path(&self) -> String {
        let address = self.driver.current_url().await.unwrap();
        address
            .as_str()
            .strip_prefix(&self.site)
            .unwrap_or(address.as_str())
            .to_owned()
    }

    /// Title of the page.
    pub(crate) async fn title(&self) -> String {
        self.driver.title().await.unwrap()
    }

    /// Waits until `text` can be seen.
    pub(crate) async fn see(&self, text: &str) {
        self.first(
            &format!("//body//*[contains(normalize-space(), {})]", quoted(text)),
            text,
        )
        .await;
    }

    /// Whether `text` can be seen now.
    pub(crate) async fn sees(&self, text: &str) -> bool {
        let xpath = format!("//body//*[contains(normalize-space(), {})]", quoted(text));
        let query = self.driver.query(By::XPath(xpath)).nowait().and_displayed();
        query.exists().await.unwrap()
    }

    /// Clicks the link, button or disclosure that reads `text`; the page's own before those of its frame.
    pub(crate) async fn click(&self, text: &str) {
        let reads = reads(text);
        let xpath = |root: &str| {
            ["a", "button", "summary"]
                .map(|tag| format!("{root}//{tag}[{reads}]"))
                .join(" | ")
        };
        let anywhere = self.first(&xpath(""), text).await;
        let own = self.driver.query(By::XPath(xpath("//main"))).nowait();
        let own = own.and_displayed().first_opt().await.unwrap();
        own.unwrap_or(anywhere).click().await.unwrap();
    }

    /// Chooses the radio button or box labelled `label`.
    pub(crate) async fn choose(&self, label: &str) {
        self.choose_under("//body", label).await;
    }

    /// Chooses `label` within the group of choices whose legend holds `legend`.
    pub(crate) async fn choose_in(&self, legend: &str, label: &str) {
        let legend = quoted(legend);
        let group = format!("//fieldset[legend[contains(normalize-space(), {legend})]]");
        self.choose_under(&group, label).await;
    }

    async fn choose_under(&self, root: &str, label: &str) {
        let found = self
            .first(&format!("{root}//label[{}]", reads(label)), label)
            .await;
        found.click().await.unwrap();
        let input = self.labelled(&found).await;
        assert!(
            input.is_selected().await.unwrap(),
            "«{label}» is not chosen"
        );
    }

    /// Ticks the box `name`, whose label is a text of the deployment's own.
    pub(crate) async fn tick(&self, name: &str) {
        let selector = format!("input[type=checkbox][name='{name}']");
        let input = self.driver.find(By::Css(selector)).await.unwrap();
        input.click().await.unwrap();
        assert!(input.is_selected().await.unwrap(), "{name} is not ticked");
    }

    /// Types `value` into the field labelled `label`, in place of what was there.
    pub(crate) async fn fill(&self, label: &str, value: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(value).await.unwrap();
    }

    /// What stands in the field labelled `label`.
    pub(crate) async fn value(&self, label: &str) -> String {
        let value = self.field(label).await.prop("value").await.unwrap();
        value.unwrap_or_default()
    }

    /// Chooses `option` from the list labelled `label`.
    pub(crate) async fn select(&self, label: &str, option: &str) {
        let list = self.field(label).await;
        let xpath = format!(".//option[normalize-space()={}]", quoted(option));
        let option = list.find(By::XPath(xpath)).await.unwrap();
        option.click().await.unwrap();
    }

    /// What the element that `selector` finds first shows.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let query = self.driver.query(By::Css(selector));
        let query = query.wait(PATIENCE, Duration::from_millis(50));
        query.first().await.unwrap().text().await.unwrap()
    }

    /// Value of the hidden field `name`.
    pub(crate) async fn hidden(&self, name: &str) -> String {
        let selector = format!("input[name='{name}']");
        let query = self.driver.query(By::Css(selector));
        let query = query.wait(PATIENCE, Duration::from_millis(50));
        let input = query.first().await.unwrap();
        let value = input.attr("value").await.unwrap();
        value.unwrap_or_default()
    }

    async fn field(&self, label: &str) -> WebElement {
        let xpath = format!(
            "//label[{} or starts-with(normalize-space(), {})]",
            reads(label),
            quoted(label)
        );
        let found = self.first(&xpath, label).await;
        self.labelled(&found).await
    }

    async fn labelled(&self, label: &WebElement) -> WebElement {
        match label.attr("for").await.unwrap() {
            Some(id) => self.driver.find(By::Id(id)).await.unwrap(),
            None => {
                let inside = By::Css("input, select, textarea");
                label.find(inside).await.unwrap()
            }
        }
    }

    async fn first(&self, xpath: &str, what: &str) -> WebElement {
        let query = self.driver.query(By::XPath(xpath));
        let query = query.wait(PATIENCE, Duration::from_millis(50));
        match query.and_displayed().first().await {
            Ok(element) => element,
            Err(_) => {
                let path = self.path().await;
                panic!(
                    "«{what}» is not to be seen at {path}, «{}»",
                    self.title().await
                )
            }
        }
    }

    /// Presses keys as a keyboard sends them: to whatever has the focus.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        let chain = self.driver.action_chain().send_keys(keys);
        chain.perform().await.unwrap();
    }

    /// Presses Tab until the focus is on what reads or is labelled `name`.
    pub(crate) async fn tab_to(&self, name: &str) {
        let mut passed = String::new();
        for _ in 0..150 {
            self.press(Key::Tab + "").await;
            let focused = self.focused().await;
            if focused.contains(name) {
                return;
            }
            writeln!(passed, "{focused}").expect("a string takes every text");
        }
        panic!("Tab does not lead to «{name}» but to:\n{passed}");
    }

    /// Tag and name of what has the focus: `input Mã biên nhận`, `button Gửi đánh giá`. Needs JavaScript.
    pub(crate) async fn focused(&self) -> String {
        let script = "
            const e = document.activeElement;
            const by = (e.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id));
            const labels = by.some(Boolean) ? by.filter(Boolean) : [...(e.labels ?? [])];
            const name = e.getAttribute('aria-label') ?? (labels.map((l) => l.textContent).join(' ') || e.textContent);
            return e.tagName.toLowerCase() + ' ' + name.replace(/\\s+/g, ' ').trim();";
        let answer = self.driver.execute(script, vec![]).await.unwrap();
        answer.convert().unwrap()
    }

    /// Posts the form marked `data-rating-form` as a browser without JavaScript would. Needs JavaScript itself.
    pub(crate) async fn post_natively(&self) {
        let script =
            "HTMLFormElement.prototype.submit.call(document.querySelector('[data-rating-form]'))";
        self.driver.execute(script, vec![]).await.unwrap();
    }

    /// Fails with what axe-core finds wrong with the page, or where it scrolls sideways. Needs JavaScript.
    pub(crate) async fn assert_accessible(&self) {
        let path = self.path().await;
        let violations = axe::violations(&self.driver).await;
        assert!(
            violations.is_empty(),
            "axe at {path}:\n{}",
            violations.join("\n")
        );
        let script =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let answer = self.driver.execute(script, vec![]).await.unwrap();
        let overflow: i64 = answer.convert().unwrap();
        assert!(
            overflow <= 0,
            "{path} is {overflow} px wider than the screen"
        );
    }

    /// Photographs `height` pixels of the page, as wide as a phone, with the box that `selector` finds framed.
    pub(crate) async fn photograph(&self, selector: &str, width: u32, height: u32) -> Photo {
        let answer = self.driver.execute(FRAME, vec![json!(selector)]).await;
        let framed = answer.unwrap().json().clone();
        let at = |name: &str| framed[name].as_f64().unwrap();
        let (top, bottom, shown) = (at("top"), at("bottom"), f64::from(height));
        let middle = ((top + bottom - shown) / 2.0).clamp(0.0, (at("height") - shown).max(0.0));
        let y = if bottom + 12.0 < shown {
            0.0
        } else {
            middle.round()
        };
        let parameters = json!({
            "format": "webp", "quality": 30, "captureBeyondViewport": true,
            "clip": {"x": 0, "y": y, "width": width, "height": height, "scale": 1},
        });
        let tools = self.driver.cdp();
        let answer = tools.send_raw("Page.captureScreenshot", parameters);
        let data = answer.await.unwrap()["data"].as_str().unwrap().to_owned();
        let text = |name: &str| framed[name].as_str().unwrap().to_owned();
        Photo {
            heading: text("heading"),
            marked: text("marked"),
            picture: data_encoding::BASE64.decode(data.as_bytes()).unwrap(),
        }
    }

    /// Clicks what `selector` finds first.
    pub(crate) async fn click_on(&self, selector: &str) {
        self.wait_for(selector).await;
        let found = self.driver.find(By::Css(selector)).await.unwrap();
        found.click().await.unwrap();
    }

    /// Types into what `selector` finds first, in place of what was there.
    pub(crate) async fn fill_in(&self, selector: &str, value: &str) {
        let field = self.driver.find(By::Css(selector)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(value).await.unwrap();
    }

    /// Waits until something that `selector` finds can be seen.
    pub(crate) async fn wait_for(&self, selector: &str) {
        let query = self.driver.query(By::Css(selector));
        let query = query.wait(PATIENCE, Duration::from_millis(50));
        query.and_displayed().first().await.unwrap();
    }

    /// Whether the radio button or box `name` with `value` is chosen.
    pub(crate) async fn is_chosen(&self, name: &str, value: &str) -> bool {
        let selector = format!("input[name='{name}'][value='{value}']");
        let input = self.driver.find(By::Css(selector)).await.unwrap();
        input.is_selected().await.unwrap()
    }

    /// What a script returns. Needs JavaScript.
    pub(crate) async fn evaluate(&self, script: &str) -> serde_json::Value {
        let answer = self.driver.execute(script, vec![]).await.unwrap();
        answer.json().clone()
    }

    pub(crate) async fn reload(&self) {
        self.driver.refresh().await.unwrap();
    }

    pub(crate) async fn go_back(&self) {
        self.driver.back().await.unwrap();
    }

    /// Leaves a picture of the screen in `tests/browser/shots/`.
    pub(crate) async fn shoot(&self, what: &str) {
        let path = Path::new(SHOTS).join(format!("{}-{what}.png", self.name));
        std::fs::create_dir_all(SHOTS).unwrap();
        if let Err(error) = self.driver.screenshot(&path).await {
            eprintln!("no picture of `{}`: {error}", self.name);
        }
    }

    /// Warnings and errors of the console since it was last asked.
    ///
    /// Chromium also notes each answer of 400 or above there; from the API those are answers, not faults.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let is_refusal = |entry: &BrowserLogEntry| {
            entry.message.contains("/api/")
                && entry
                    .message
                    .contains("the server responded with a status of 4")
        };
        let log = self.driver.browser_log().await.unwrap_or_default();
        let bad = log
            .into_iter()
            .filter(|entry| matches!(entry.level.as_str(), "WARNING" | "SEVERE"))
            .filter(|entry| !is_refusal(entry));
        bad.map(|entry| format!("{}: {}", entry.level, entry.message))
            .collect()
    }
}

/// XPath condition: the element, or one text in it, reads `text`.
fn reads(text: &str) -> String {
    let text = quoted(text);
    format!("normalize-space()={text} or .//text()[normalize-space()={text}]")
}

/// An XPath string literal; XPath has no escapes.
fn quoted(text: &str) -> String {
    assert!(!text.contains('"'), "{text}");
    format!("\"{text}\"")
}
