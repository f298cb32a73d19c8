//! A small made-up catalog that has one of everything pages must show.

use serde_json::json;

use crate::domain::catalog::{CatalogHead, UnitEntry};

/// Settings, four groups (one of them ended), fields, reasons and the web questionnaire.
pub(crate) fn head() -> CatalogHead {
    let text = |vi: &str, en: &str| json!({ "vi": vi, "en": en });
    let fields = [
        ("ho-tich", "Hộ tịch", "Civil status"),
        ("chung-thuc", "Chứng thực", "Certification"),
        ("dat-dai", "Đất đai", "Land"),
        ("xay-dung", "Xây dựng", "Construction"),
        ("kinh-doanh", "Đăng ký kinh doanh", "Business registration"),
        ("y-te", "Y tế", "Health"),
    ];
    let reasons = [
        (
            "late",
            "Thời gian giải quyết dài hơn quy định",
            "Took longer than the rules say",
        ),
        (
            "contacts",
            "Phải liên hệ nhiều lần để hoàn thiện hồ sơ",
            "Had to get in touch several times",
        ),
        (
            "attitude",
            "Thái độ phục vụ chưa đúng mực",
            "Attitude was not proper",
        ),
    ];
    let options = json!([
        { "code": "shorter", "text": text("Ngắn hơn so với quy định", "Shorter than the rules"), "points": 2 },
        { "code": "equal", "text": text("Bằng thời gian quy định", "As the rules say"), "points": 1 },
        { "code": "longer", "text": text("Dài hơn so với quy định", "Longer than the rules"), "points": 0 },
    ]);
    let head = json!({
        "settings": {
            "province_name": text("Thành phố Mẫu", "Sample City"),
            "agency_name": text("Văn phòng UBND Thành phố Mẫu", "Office of the People's Committee"),
            "hotline": "(0236) 1022",
            "email": "gopy@example.vn",
            "min_new_ratings": 5,
            "min_official_ratings": 10,
            "ranking_strata": ["dossier_verified", "device_session"],
            "legal_basis": text("Thông tư 01/2018/TT-VPCP", "Circular 01/2018/TT-VPCP"),
            "consent_text": text(
                "Tôi đồng ý cho dùng số điện thoại để chống đánh giá trùng.",
                "I agree that my phone number is used to prevent double ratings."
            ),
            "retention_days": 90,
            "sample": true,
        },
        "groups": [
            { "id": "so", "name": text("Sở ban ngành", "Departments") },
            { "id": "huyen", "name": text("Huyện thị thành", "Districts"), "validity": { "to": "2025-06-30" } },
            { "id": "xa", "name": text("Xã/ phường", "Communes and wards") },
        ],
        "fields": fields.map(|(id, vi, en)| json!({ "id": id, "name": text(vi, en) })),
        "reasons": reasons.map(|(code, vi, en)| json!({ "code": code, "text": text(vi, en) })),
        "questionnaires": [{
            "id": "web",
            "version": 2,
            "channel": "web",
            "title": text("Câu hỏi về hồ sơ", "Questions about the dossier"),
            "questions": [
                { "code": "cs1", "text": text("Tổng thời gian giải quyết so với quy định", "Total time"), "options": options },
                { "code": "cs3", "text": text("Số lần phải liên hệ để hoàn thiện hồ sơ", "Contacts"), "options": options },
            ],
        }],
    });
    serde_json::from_value(head).expect("the fixture is a catalog's head")
}

/// A department with officials, a ward without, and a district that ended with a successor.
pub(crate) fn units() -> Vec<UnitEntry> {
    let names = [
        ("o-1", "Vũ Thị Hương Quỳnh", "Chuyên viên"),
        ("o-2", "Nguyễn Văn Ánh", "Phó Trưởng phòng"),
        ("o-3", "Lê Đức An", "Chuyên viên"),
        ("o-4", "Trần Thị Bích", "Nhân viên một cửa"),
    ];
    let officials = names.map(|(id, name, title)| {
        json!({
            "id": id, "unit_id": "so-y-te", "name": name, "title": { "vi": title },
            "category": "civil_servant", "role": "desk",
            "validity": if id == "o-4" { json!({ "to": "2026-01-31" }) } else { json!({}) },
        })
    });
    let units = json!([
        {
            "unit": { "id": "so-y-te", "group_id": "so", "name": { "vi": "Sở Y tế", "en": "Department of Health" } },
            "officials": officials,
        },
        {
            "unit": { "id": "phuong-hai-chau", "group_id": "xa", "name": { "vi": "Phường Hải Châu" } },
            "officials": [],
        },
        {
            "unit": {
                "id": "quan-hai-chau", "group_id": "huyen", "name": { "vi": "Quận Hải Châu" },
                "validity": { "to": "2025-06-30" }, "successor": "phuong-hai-chau",
            },
            "officials": [],
        },
    ]);
    serde_json::from_value(units).expect("the fixture is a list of units")
}
