//! A small province: two units that take ratings, one that is closed, and dossiers to rate with.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use thuocdo::domain::catalog::*;
use thuocdo::domain::dossier::{DossierStatus, OfficialRole, Receipt};
use thuocdo::domain::id::{
    FieldId, GroupId, OfficialId, OptionCode, QuestionCode, QuestionnaireId, ReasonCode, UnitId,
};
use thuocdo::domain::period::local_date;
use thuocdo::domain::rating::{Attestation, Channel};
use thuocdo::domain::receipt::{ReceiptCode, ReceiptSecret};
use thuocdo::keyring::Keyring;
use thuocdo::store::dossier::NewReceipt;

/// The unit most tests rate.
pub(crate) const UNIT: &str = "hai-chau";
/// An official of [`UNIT`].
pub(crate) const OFFICIAL: &str = "hc-01";
/// Another official of [`UNIT`].
pub(crate) const OTHER_OFFICIAL: &str = "hc-02";
/// Days for which a passer-by's name and phone are kept.
pub(crate) const RETENTION_DAYS: u32 = 90;
/// A unit that closed in 2025.
pub(crate) const CLOSED_UNIT: &str = "quan-hai-chau";

fn text(vi: &str, en: &str) -> Text {
    Text {
        vi: vi.to_owned(),
        en: Some(en.to_owned()),
    }
}

/// The catalog, with the given thresholds.
pub(crate) fn catalog(min_new_ratings: u32, min_official_ratings: u32) -> Catalog {
    let reason = |code: &str, vi: &str, en: &str| Reason {
        code: ReasonCode::parse(code).unwrap(),
        text: text(vi, en),
        indicator: None,
    };
    let option = |code: &str, vi: &str, en: &str, points| AnswerOption {
        code: OptionCode::parse(code).unwrap(),
        text: text(vi, en),
        points: Some(points),
    };
    let question = Question {
        code: QuestionCode::parse("cs1").unwrap(),
        text: text(
            "Tổng thời gian giải quyết so với quy định",
            "Total time against the rules",
        ),
        options: vec![
            option("shorter", "Ngắn hơn so với quy định", "Shorter", 2),
            option("equal", "Bằng thời gian quy định", "Equal", 1),
            option("longer", "Dài hơn so với quy định", "Longer", 0),
        ],
    };
    let questionnaire = Questionnaire {
        id: QuestionnaireId::parse("web").unwrap(),
        version: 1,
        channel: Channel::Web,
        title: text("Khảo sát", "Survey"),
        validity: Validity::default(),
        questions: vec![question],
    };
    let head = CatalogHead {
        settings: Settings {
            province_name: text("Thành phố Đà Nẵng", "Da Nang City"),
            agency_name: text(
                "Ủy ban nhân dân thành phố Đà Nẵng",
                "Da Nang People's Committee",
            ),
            hotline: "(0236) 1022".into(),
            email: "gopy@danang.gov.vn".into(),
            min_new_ratings,
            min_official_ratings,
            ranking_strata: vec![Attestation::DossierVerified, Attestation::DeviceSession],
            legal_basis: text("Nghị định 61/2018/NĐ-CP", "Decree 61/2018/ND-CP"),
            consent_text: text(
                "Tôi đồng ý cho dùng số điện thoại để chống đánh giá trùng.",
                "I agree.",
            ),
            retention_days: RETENTION_DAYS,
            unverified_per_day: 20,
            menu: Menu::default(),
            opens: None,
            sample: min_new_ratings == 1,
        },
        groups: vec![
            UnitGroup {
                id: GroupId::parse("xa-phuong").unwrap(),
                name: text("Xã/ phường", "Communes and wards"),
                validity: Validity::default(),
            },
            UnitGroup {
                id: GroupId::parse("huyen-thi-thanh").unwrap(),
                name: text("Huyện thị thành", "Districts"),
                validity: Validity {
                    from: None,
                    to: Some(date(2025, 6, 30)),
                },
            },
        ],
        fields: vec![
            Field {
                id: FieldId::parse("dat-dai").unwrap(),
                name: text("Đất đai", "Land"),
            },
            Field {
                id: FieldId::parse("ho-tich").unwrap(),
                name: text("Hộ tịch", "Civil status"),
            },
        ],
        reasons: vec![
            reason(
                "tre-hen",
                "Giải quyết chậm hơn giấy hẹn",
                "Later than the slip said",
            ),
            reason("thai-do", "Thái độ phục vụ chưa tốt", "Attitude"),
        ],
        questionnaires: vec![questionnaire],
    };
    let entries = [
        entry(
            UNIT,
            "UBND Phường Hải Châu",
            "xa-phuong",
            &[
                (OFFICIAL, "Trần Thị Minh Họa"),
                (OTHER_OFFICIAL, "Lê Văn Thử"),
                ("hc-03", "Võ Thị Mẫu"),
            ],
        ),
        entry(
            "son-tra",
            "UBND Phường Sơn Trà",
            "xa-phuong",
            &[("st-01", "Phạm Văn Ví Dụ")],
        ),
        entry(
            CLOSED_UNIT,
            "UBND Quận Hải Châu",
            "huyen-thi-thanh",
            &[("qhc-01", "Đỗ Thị Cũ")],
        ),
    ];
    let mut units: BTreeMap<UnitId, UnitEntry> = entries
        .into_iter()
        .map(|entry| (entry.unit.id.clone(), entry))
        .collect();
    let closed = units.get_mut(&UnitId::parse(CLOSED_UNIT).unwrap()).unwrap();
    closed.unit.validity.to = Some(date(2025, 6, 30));
    closed.unit.successor = Some(UnitId::parse(UNIT).unwrap());
    Catalog { head, units }
}

fn entry(id: &str, name: &str, group: &str, officials: &[(&str, &str)]) -> UnitEntry {
    let official = |(official, name): &(&str, &str)| Official {
        id: OfficialId::parse(official).unwrap(),
        unit_id: UnitId::parse(id).unwrap(),
        name: (*name).to_owned(),
        title: text("Chuyên viên", "Specialist"),
        category: OfficialCategory::CivilServant,
        role: OfficialRole::Desk,
        photo: None,
        validity: Validity::default(),
    };
    UnitEntry {
        unit: Unit {
            id: UnitId::parse(id).unwrap(),
            group_id: GroupId::parse(group).unwrap(),
            name: text(name, name),
            validity: Validity::default(),
            successor: None,
        },
        officials: officials.iter().map(official).collect(),
    }
}

/// What a citizen reads on her slip.
#[derive(Debug, Clone)]
pub(crate) struct Slip {
    pub(crate) code: String,
    pub(crate) secret: Option<String>,
}

/// The `serial`-th dossier of [`UNIT`], received ten days before `now`, handled by both officials; with a secret part or
/// without.
pub(crate) fn dossier(
    keyring: &Keyring,
    serial: u32,
    with_secret: bool,
    now: Timestamp,
) -> (Slip, NewReceipt) {
    let received = local_date(now).checked_sub(10.days()).unwrap();
    dossier_of(keyring, serial, with_secret, received)
}

/// The `serial`-th dossier of [`UNIT`] received on a given day.
pub(crate) fn dossier_of(
    keyring: &Keyring,
    serial: u32,
    with_secret: bool,
    received: Date,
) -> (Slip, NewReceipt) {
    let code = format!("000.00.20.H17-{}-{serial:04}", received.strftime("%y%m%d"));
    let parsed = ReceiptCode::parse(&code).unwrap();
    let secret = with_secret.then(|| {
        ReceiptSecret::from_bits(u64::from(serial).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 14)
    });
    let official = |id: &str| (OfficialId::parse(id).unwrap(), OfficialRole::Desk);
    let receipt = NewReceipt {
        keys: keyring.receipt_keys(&parsed),
        secret: secret
            .as_ref()
            .map(|secret| keyring.secret_hash(&parsed, secret)),
        receipt: Receipt {
            unit_id: UnitId::parse(UNIT).unwrap(),
            officials: vec![official(OFFICIAL), official(OTHER_OFFICIAL)],
            field_id: FieldId::parse("dat-dai").unwrap(),
            procedure: None,
            status: DossierStatus::Returned,
            received,
            due: Some(received.checked_add(5.days()).unwrap()),
            returned: Some(received.checked_add(4.days()).unwrap()),
        },
    };
    (
        Slip {
            code,
            secret: secret.as_ref().map(ReceiptSecret::printed),
        },
        receipt,
    )
}
