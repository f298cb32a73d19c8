//! The catalog: who can be rated, on what, and under which rules.
//!
//! A catalog is one document, imported whole and kept by version; its serde form is what the store keeps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::dossier::OfficialRole;
use super::id::{
    FieldId, GroupId, OfficialId, OptionCode, QuestionCode, QuestionnaireId, ReasonCode, UnitId,
};
use super::lang::Lang;
use super::rating::{Attestation, Channel, RaterKind};

/// A text in Vietnamese and, where the catalog gives one, in English.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Vietnamese, NFC.
    pub vi: String,
    /// English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
}

impl Text {
    /// The text in `lang`, in Vietnamese where there is no translation.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Vi => &self.vi,
            Lang::En => self.en.as_deref().unwrap_or(&self.vi),
        }
    }
}

/// First and last day something is in force; open where absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Validity {
    /// First day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
}

impl Validity {
    /// Whether `date` lies within.
    #[must_use]
    pub fn holds(&self, date: Date) -> bool {
        self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date <= to)
    }
}

/// A group of units (nhóm đơn vị), such as «Sở ban ngành».
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitGroup {
    /// Stable identifier, part of addresses.
    pub id: GroupId,
    /// Shown name.
    pub name: Text,
    /// When the group exists; districts ended on 30 June 2025.
    #[serde(default)]
    pub validity: Validity,
}

/// A unit (đơn vị, cơ quan) whose officials handle dossiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Stable identifier, part of addresses and table keys.
    pub id: UnitId,
    /// The group it is listed in.
    pub group_id: GroupId,
    /// Shown name.
    pub name: Text,
    /// When the unit exists.
    #[serde(default)]
    pub validity: Validity,
    /// The unit that took over its work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<UnitId>,
}

code_enum!(
    /// Cadre, civil servant, public employee or contract worker (S07).
    OfficialCategory {
        /// Cán bộ.
        Cadre = "cadre",
        /// Công chức.
        CivilServant = "civil_servant",
        /// Viên chức.
        PublicEmployee = "public_employee",
        /// Người lao động.
        ContractWorker = "contract_worker",
    }
);

/// Someone who can be rated: cadre, civil servant, public employee or contract worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Official {
    /// Stable identifier, unique in the whole catalog.
    pub id: OfficialId,
    /// The unit they serve.
    pub unit_id: UnitId,
    /// Full name.
    pub name: String,
    /// Title, such as «Chuyên viên»; always shown with the name.
    pub title: Text,
    /// Legal category.
    pub category: OfficialCategory,
    /// Usual role.
    pub role: OfficialRole,
    /// Address of a photo within the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<String>,
    /// When they serve there.
    #[serde(default)]
    pub validity: Validity,
}

/// A field of transaction (lĩnh vực giao dịch).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Stable identifier.
    pub id: FieldId,
    /// Shown name.
    pub name: Text,
}

/// A reason for dissatisfaction (lí do chưa hài lòng).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable code.
    pub code: ReasonCode,
    /// Shown text.
    pub text: Text,
    /// The official indicator it belongs to, such as `cs7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indicator: Option<QuestionCode>,
}

/// One coded answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerOption {
    /// Stable code.
    pub code: OptionCode,
    /// Shown text.
    pub text: Text,
    /// Points in the official scale, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<u8>,
}

/// A question with coded options; never free text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// `cs1` … `cs11` for the official indicators.
    pub code: QuestionCode,
    /// Shown text.
    pub text: Text,
    /// At least two.
    pub options: Vec<AnswerOption>,
}

/// A versioned set of questions for one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Questionnaire {
    /// Stable identifier.
    pub id: QuestionnaireId,
    /// Counts up with every change of a question or option.
    pub version: u32,
    /// Where it is asked.
    pub channel: Channel,
    /// Shown title.
    pub title: Text,
    /// When it is asked.
    #[serde(default)]
    pub validity: Validity,
    /// In the order asked.
    pub questions: Vec<Question>,
}

/// What a deployment calls the items of the menu; our own names where absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Menu {
    /// In place of «Đánh giá đơn vị».
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Text>,
    /// In place of «Đánh giá công chức».
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officials: Option<Text>,
    /// In place of «Xem kết quả đánh giá».
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<Text>,
}

impl Menu {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a deployment decides for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// «Thành phố Đà Nẵng».
    pub province_name: Text,
    /// The agency that runs the system.
    pub agency_name: Text,
    /// Support telephone (S18).
    pub hotline: String,
    /// Support e-mail (S18).
    pub email: String,
    /// New ratings a published result waits for: [`Settings::LEAST_NEW_RATINGS`] by default, and less of sample data only.
    #[serde(alias = "threshold_k")]
    pub min_new_ratings: u32,
    /// Ratings from which an official's figures appear: [`Settings::LEAST_OFFICIAL_RATINGS`] by default, and less of sample
    /// data only.
    #[serde(alias = "threshold_n")]
    pub min_official_ratings: u32,
    /// Attestations that figures and rankings count; read through [`Settings::counted_strata`].
    pub ranking_strata: Vec<Attestation>,
    /// Decision the survey rests on.
    pub legal_basis: Text,
    /// Consent to use name and phone, with purpose and retention.
    pub consent_text: Text,
    /// Days a name and phone are kept, sealed; 90 by default.
    pub retention_days: u32,
    /// Ratings of one unverified stratum that a subject may get on a day before all of that day are flagged.
    #[serde(default = "Settings::default_unverified_per_day")]
    pub unverified_per_day: u32,
    /// Names of the menu's items, where they differ from ours (S34).
    #[serde(default, skip_serializing_if = "Menu::is_default")]
    pub menu: Menu,
    /// First day ratings are taken (S56).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<Date>,
    /// Sample data: said on every page.
    #[serde(default)]
    pub sample: bool,
}

impl Settings {
    /// Smallest [`Settings::min_new_ratings`] that protects a rater.
    pub const LEAST_NEW_RATINGS: u32 = 5;
    /// Smallest [`Settings::min_official_ratings`] that protects an official.
    pub const LEAST_OFFICIAL_RATINGS: u32 = 10;
    /// Smallest values by the key of a setting, of catalogs that are no sample.
    pub const FLOORS: [(&str, u32); 2] = [
        ("min_new_ratings", Self::LEAST_NEW_RATINGS),
        ("min_official_ratings", Self::LEAST_OFFICIAL_RATINGS),
    ];

    /// The same with thresholds that protect raters, which catalogs stored before there were floors may lack.
    #[must_use]
    pub fn raised_to_floors(mut self) -> Self {
        let floors = match self.sample {
            true => (1, 1),
            false => (Self::LEAST_NEW_RATINGS, Self::LEAST_OFFICIAL_RATINGS),
        };
        self.min_new_ratings = self.min_new_ratings.max(floors.0);
        self.min_official_ratings = self.min_official_ratings.max(floors.1);
        self
    }

    /// Attestations every figure counts: those the deployment names, but for ratings of people who took no part in a
    /// procedure, which whoever can invent a phone number can invent too.
    #[must_use]
    pub fn counted_strata(&self) -> BTreeSet<Attestation> {
        let named = self.ranking_strata.iter().copied();
        named
            .filter(|attestation| attestation.rater_kind() == RaterKind::Participant)
            .collect()
    }

    /// A subject seldom has that many visitors without a slip on one day.
    #[must_use]
    pub fn default_unverified_per_day() -> u32 {
        50
    }
}

/// A unit with its officials: what a rating form needs to know. Published as it is (`site::package`): nothing private
/// belongs here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitEntry {
    /// The unit.
    pub unit: Unit,
    /// Its officials, in the order of the file.
    pub officials: Vec<Official>,
}

impl UnitEntry {
    /// The official `id` of this unit, if they serve on `date`.
    #[must_use]
    pub fn official(&self, id: &OfficialId, date: Date) -> Option<&Official> {
        self.officials
            .iter()
            .find(|official| official.id == *id && official.validity.holds(date))
    }
}

/// Everything but the units: small enough to be read with one item. Published as it is (`site::package`): nothing private
/// belongs here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogHead {
    /// The deployment's settings.
    pub settings: Settings,
    /// In the order shown.
    pub groups: Vec<UnitGroup>,
    /// In the order shown.
    pub fields: Vec<Field>,
    /// In the order shown.
    pub reasons: Vec<Reason>,
    /// Every version still of interest.
    pub questionnaires: Vec<Questionnaire>,
}

impl CatalogHead {
    /// The newest questionnaire asked on `channel` at `date`.
    #[must_use]
    pub fn questionnaire(&self, channel: Channel, date: Date) -> Option<&Questionnaire> {
        let open = self
            .questionnaires
            .iter()
            .filter(|q| q.channel == channel && q.validity.holds(date));
        open.max_by_key(|q| q.version)
    }

    /// The field `id`.
    #[must_use]
    pub fn field(&self, id: &FieldId) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == *id)
    }
}

/// A whole catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Everything but the units.
    pub head: CatalogHead,
    /// By unit.
    pub units: BTreeMap<UnitId, UnitEntry>,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_without_translation_is_read_in_vietnamese() {
        let mut text = Text {
            vi: "Đất đai".into(),
            en: Some("Land".into()),
        };

        assert_eq!(
            (text.get(Lang::Vi), text.get(Lang::En)),
            ("Đất đai", "Land")
        );
        text.en = None;
        assert_eq!(text.get(Lang::En), "Đất đai");
    }

    #[test]
    fn both_ends_of_a_validity_belong_to_it() {
        let day = |day| date(2026, 11, day);
        let between = Validity {
            from: Some(day(10)),
            to: Some(day(20)),
        };

        let holds = [9, 10, 15, 20, 21].map(|at| between.holds(day(at)));

        assert_eq!(holds, [false, true, true, true, false]);
        assert!(Validity::default().holds(day(1)));
    }

    #[test]
    fn settings_stored_under_the_old_names_are_read() {
        let text = json!({ "vi": "x" });
        let stored = json!({
            "province_name": text, "agency_name": text, "hotline": "", "email": "", "threshold_k": 7, "threshold_n": 12,
            "ranking_strata": [], "legal_basis": text, "consent_text": text, "retention_days": 90,
        });

        let settings: Settings = serde_json::from_value(stored).unwrap();

        assert_eq!(
            (settings.min_new_ratings, settings.min_official_ratings),
            (7, 12)
        );
    }

    #[test]
    fn settings_stored_below_the_floors_are_read_as_the_floors_unless_they_are_a_sample() {
        let text = json!({ "vi": "x" });
        let read = |k: u32, n: u32, sample: bool| {
            let stored = json!({
                "province_name": text, "agency_name": text, "hotline": "", "email": "", "min_new_ratings": k,
                "min_official_ratings": n, "ranking_strata": [], "legal_basis": text, "consent_text": text,
                "retention_days": 90, "sample": sample,
            });
            let settings: Settings = serde_json::from_value(stored).unwrap();
            let settings = settings.raised_to_floors();
            (settings.min_new_ratings, settings.min_official_ratings)
        };

        assert_eq!(read(1, 1, false), (5, 10));
        assert_eq!(read(6, 9, false), (6, 10));
        assert_eq!(read(8, 12, false), (8, 12));
        assert_eq!(read(1, 2, true), (1, 2));
        assert_eq!(read(0, 0, true), (1, 1));
    }

    #[test]
    fn an_official_is_found_by_identifier_while_they_serve() {
        let official = |id: &str, to: &str| {
            json!({ "id": id, "unit_id": "a", "name": id, "title": { "vi": "Chuyên viên" }, "category": "civil_servant",
                "role": "desk", "validity": { "to": to } })
        };
        let entry = json!({
            "unit": { "id": "a", "group_id": "g", "name": { "vi": "A" } },
            "officials": [official("a-1", "2026-12-31"), official("a-2", "2026-10-31")],
        });
        let entry: UnitEntry = serde_json::from_value(entry).unwrap();
        let find = |id| {
            let found = entry.official(&OfficialId::parse(id).unwrap(), date(2026, 11, 21));
            found.map(|official| official.id.as_str())
        };

        assert_eq!(
            (find("a-1"), find("a-2"), find("a-3")),
            (Some("a-1"), None, None)
        );
    }

    #[test]
    fn the_newest_open_questionnaire_of_the_channel_is_asked() {
        let text = json!({ "vi": "x" });
        let questionnaire = |version: u32, channel: &str, to: &str| json!({ "id": "q", "version": version, "channel": channel, "title": text, "questions": [], "validity": { "to": to } });
        let head = json!({
            "settings": {
                "province_name": text, "agency_name": text, "hotline": "", "email": "", "min_new_ratings": 5, "min_official_ratings": 10,
                "ranking_strata": [], "legal_basis": text, "consent_text": text, "retention_days": 90,
            },
            "groups": [], "reasons": [],
            "fields": [{ "id": "dat-dai", "name": text }, { "id": "ho-tich", "name": text }],
            "questionnaires": [
                questionnaire(1, "web", "2026-12-31"), questionnaire(2, "web", "2026-12-31"),
                questionnaire(3, "web", "2026-10-31"), questionnaire(4, "kiosk", "2026-12-31"),
            ],
        });
        let head: CatalogHead = serde_json::from_value(head).unwrap();
        let asked = |channel| {
            head.questionnaire(channel, date(2026, 11, 21))
                .map(|q| q.version)
        };

        assert_eq!(
            (
                asked(Channel::Web),
                asked(Channel::Kiosk),
                asked(Channel::Paper)
            ),
            (Some(2), Some(4), None)
        );
        let field = |id| {
            head.field(&FieldId::parse(id).unwrap())
                .map(|field| field.id.to_string())
        };
        assert_eq!(
            (field("ho-tich").as_deref(), field("y-te")),
            (Some("ho-tich"), None)
        );
    }
}
