#!/usr/bin/env python3
"""Makes the sample: Đà Nẵng after the reform of 1 July 2025, with invented officials, dossiers and ratings.

    python3 sample/make-sample.py [--last-day 2026-11-20]

Reads don-vi-hanh-chinh-2025.csv beside it and writes catalog/, dossiers/, ratings.csv and slips.csv. The same last day gives the
same bytes. Units are real; people, dossiers, secrets and opinions are drawn from a seeded generator.
"""

import argparse
import csv
import datetime as dt
import random
import unicodedata
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEED = 48
DAYS = 200  # how far back dossiers go
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U"

GROUPS = [
    ("so-ban-nganh", "Sở ban ngành", "City departments", "", ""),
    ("xa-phuong", "Xã/ phường", "Communes and wards", "2025-07-01", ""),
    ("huyen-thi-thanh", "Huyện thị thành", "Districts and towns", "", "2025-06-30"),
]

# The departments of the merged city, the hand-over desk among them.
DEPARTMENTS = [
    ("tt-hanh-chinh-cong", "Trung tâm Phục vụ hành chính công thành phố Đà Nẵng", "Da Nang Public Administration Service Centre", "2025-07-01",
     ["ho-tich", "chung-thuc", "dat-dai", "dang-ky-kinh-doanh", "xay-dung", "lao-dong"]),
    ("van-phong-ubnd", "Văn phòng UBND thành phố Đà Nẵng", "Office of the Da Nang People's Committee", "", ["tiep-cong-dan"]),
    ("so-noi-vu", "Sở Nội vụ", "Department of Home Affairs", "2025-03-01", ["lao-dong", "nguoi-co-cong"]),
    ("so-tai-chinh", "Sở Tài chính", "Department of Finance", "2025-03-01", ["dang-ky-kinh-doanh", "dau-tu"]),
    ("so-xay-dung", "Sở Xây dựng", "Department of Construction", "2025-03-01", ["xay-dung", "giao-thong"]),
    ("so-nong-nghiep", "Sở Nông nghiệp và Môi trường", "Department of Agriculture and Environment", "2025-03-01", ["dat-dai", "moi-truong"]),
    ("so-khoa-hoc", "Sở Khoa học và Công nghệ", "Department of Science and Technology", "2025-03-01", ["dau-tu"]),
    ("so-van-hoa", "Sở Văn hóa, Thể thao và Du lịch", "Department of Culture, Sports and Tourism", "2025-07-01", ["van-hoa-du-lich"]),
    ("so-cong-thuong", "Sở Công Thương", "Department of Industry and Trade", "", ["cong-thuong"]),
    ("so-giao-duc", "Sở Giáo dục và Đào tạo", "Department of Education and Training", "", ["giao-duc"]),
    ("so-y-te", "Sở Y tế", "Department of Health", "", ["y-te", "bao-tro-xa-hoi"]),
    ("so-tu-phap", "Sở Tư pháp", "Department of Justice", "", ["ho-tich", "chung-thuc"]),
    ("so-ngoai-vu", "Sở Ngoại vụ", "Department of Foreign Affairs", "", ["chung-thuc"]),
    ("so-dan-toc-ton-giao", "Sở Dân tộc và Tôn giáo", "Department of Ethnic and Religious Affairs", "2025-03-01", ["tiep-cong-dan"]),
    ("thanh-tra", "Thanh tra thành phố", "City Inspectorate", "", ["tiep-cong-dan"]),
    ("bql-khu-cong-nghe-cao", "Ban Quản lý Khu công nghệ cao và các khu công nghiệp Đà Nẵng",
     "Da Nang Hi-tech Park and Industrial Zones Authority", "", ["dau-tu", "moi-truong"]),
]

# Abolished on 1 July 2025, with the ward that now stands at their seat.
DISTRICTS = [
    ("quan-hai-chau", "UBND Quận Hải Châu", "Hai Chau District People's Committee", "phuong-hai-chau"),
    ("quan-thanh-khe", "UBND Quận Thanh Khê", "Thanh Khe District People's Committee", "phuong-thanh-khe"),
    ("quan-son-tra", "UBND Quận Sơn Trà", "Son Tra District People's Committee", "phuong-son-tra"),
    ("quan-ngu-hanh-son", "UBND Quận Ngũ Hành Sơn", "Ngu Hanh Son District People's Committee", "phuong-ngu-hanh-son"),
    ("quan-lien-chieu", "UBND Quận Liên Chiểu", "Lien Chieu District People's Committee", "phuong-lien-chieu"),
    ("quan-cam-le", "UBND Quận Cẩm Lệ", "Cam Le District People's Committee", "phuong-cam-le"),
    ("huyen-hoa-vang", "UBND Huyện Hòa Vang", "Hoa Vang District People's Committee", "xa-hoa-vang"),
    ("thanh-pho-tam-ky", "UBND Thành phố Tam Kỳ", "Tam Ky City People's Committee", "phuong-tam-ky"),
    ("thanh-pho-hoi-an", "UBND Thành phố Hội An", "Hoi An City People's Committee", "phuong-hoi-an"),
    ("thi-xa-dien-ban", "UBND Thị xã Điện Bàn", "Dien Ban Town People's Committee", "phuong-dien-ban"),
]

# id, name, English, procedures, working days
FIELDS = [
    ("ho-tich", "Hộ tịch", "Civil status", ["Đăng ký khai sinh", "Đăng ký kết hôn", "Đăng ký khai tử", "Xác nhận tình trạng hôn nhân"], 3),
    ("chung-thuc", "Chứng thực", "Certification", ["Chứng thực bản sao từ bản chính", "Chứng thực chữ ký"], 2),
    ("dat-dai", "Đất đai", "Land", ["Đăng ký biến động đất đai", "Cấp đổi Giấy chứng nhận quyền sử dụng đất"], 10),
    ("xay-dung", "Xây dựng", "Construction", ["Cấp giấy phép xây dựng nhà ở riêng lẻ", "Điều chỉnh giấy phép xây dựng"], 15),
    ("dang-ky-kinh-doanh", "Đăng ký kinh doanh", "Business registration", ["Đăng ký thành lập hộ kinh doanh", "Đăng ký thay đổi nội dung kinh doanh"], 3),
    ("dau-tu", "Đầu tư", "Investment", ["Cấp Giấy chứng nhận đăng ký đầu tư"], 15),
    ("bao-tro-xa-hoi", "Bảo trợ xã hội", "Social assistance", ["Hưởng trợ cấp xã hội hằng tháng", "Hỗ trợ chi phí mai táng"], 7),
    ("nguoi-co-cong", "Người có công", "People with meritorious services", ["Cấp lại Bằng Tổ quốc ghi công", "Hưởng trợ cấp một lần"], 12),
    ("lao-dong", "Lao động, việc làm", "Labour and employment", ["Cấp giấy phép lao động", "Đăng ký nội quy lao động"], 5),
    ("giao-duc", "Giáo dục và đào tạo", "Education and training", ["Cấp bản sao văn bằng từ sổ gốc", "Chuyển trường"], 3),
    ("y-te", "Y tế", "Health", ["Cấp giấy phép hành nghề khám bệnh, chữa bệnh"], 15),
    ("moi-truong", "Môi trường", "Environment", ["Đăng ký môi trường", "Cấp giấy phép môi trường"], 15),
    ("giao-thong", "Giao thông vận tải", "Transport", ["Cấp phù hiệu xe", "Cấp giấy phép thi công trên đường bộ"], 5),
    ("van-hoa-du-lich", "Văn hóa, thể thao và du lịch", "Culture, sports and tourism", ["Cấp thẻ hướng dẫn viên du lịch nội địa", "Thông báo tổ chức biểu diễn"], 7),
    ("cong-thuong", "Công Thương", "Industry and trade", ["Cấp giấy phép bán lẻ rượu", "Đăng ký hoạt động khuyến mại"], 5),
    ("tiep-cong-dan", "Tiếp công dân, giải quyết đơn thư", "Citizen reception and petitions", ["Tiếp nhận đơn kiến nghị"], 10),
]
COMMUNE_FIELDS = ["ho-tich", "ho-tich", "chung-thuc", "chung-thuc", "dat-dai", "xay-dung", "dang-ky-kinh-doanh", "bao-tro-xa-hoi", "nguoi-co-cong", "tiep-cong-dan"]

REASONS = [
    ("cham-han", "Thời gian giải quyết lâu hơn quy định", "It took longer than the rules allow", "cs1"),
    ("phoi-hop-cham", "Cơ quan, đơn vị phối hợp xử lý chậm", "Another unit that took part was slow", "cs2"),
    ("di-lai-nhieu-lan", "Phải bổ sung hồ sơ, đi lại nhiều lần", "I had to come back or add papers several times", "cs3"),
    ("nhieu-noi", "Phải liên hệ nhiều cơ quan, đơn vị", "I had to contact several offices", "cs4"),
    ("ngoai-mot-cua", "Không được tiếp nhận hoặc trả kết quả tại Bộ phận Một cửa", "It was not handled at the one-stop desk", "cs5"),
    ("thieu-cong-khai", "Thủ tục, phí, lệ phí chưa được công khai rõ ràng", "The procedure or its fees were not made clear", "cs6"),
    ("thai-do", "Thái độ phục vụ chưa đúng mực", "The way I was treated", "cs7"),
    ("khong-tra-loi", "Phản ánh, kiến nghị chưa được trả lời", "My complaint was not answered", "cs8"),
    ("truc-tuyen", "Dịch vụ công trực tuyến khó dùng hoặc bị lỗi", "The online service was hard to use or failed", "cs9"),
    ("khac", "Lí do khác", "Another reason", ""),
]

FASTER = [("ngan-hon", "Ngắn hơn so với quy định", "Shorter than required", 2),
          ("bang", "Bằng thời gian quy định", "Equal to the required time", 1),
          ("dai-hon", "Dài hơn so với quy định", "Longer than required", 0)]
CONTACTS = [("khong-lan-nao", "Không lần nào", "Not once", 2),
            ("mot-lan", "Một lần liên hệ", "Once", 1),
            ("hai-lan", "Hai lần liên hệ trở lên (trừ trường hợp nguyên nhân do lỗi của người nộp hồ sơ)",
             "Twice or more (unless the applicant was at fault)", 0)]
QUESTIONNAIRES = [
    ("kiosk", 1, "kiosk", "KHẢO SÁT VỀ THỰC HIỆN THỦ TỤC HÀNH CHÍNH", "Survey on administrative procedures", [
        ("cs1", "Câu 1. TỔNG THỜI GIAN GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH SO VỚI QUY ĐỊNH:",
         "Question 1. Total time taken by the procedure, compared with the rules:", FASTER),
        ("cs3", "Câu 2. SỐ LẦN PHẢI LIÊN HỆ VỚI NƠI TIẾP NHẬN HỒ SƠ ĐỂ HOÀN THIỆN HỒ SƠ THỦ TỤC HÀNH CHÍNH (KẾ CẢ LIÊN HỆ THEO HÌNH THỨC TRỰC TUYẾN) :",
         "Question 2. Times you had to contact the place that received your dossier in order to complete it (online contacts included):", CONTACTS),
    ]),
    ("web", 1, "web", "Đánh giá việc giải quyết thủ tục hành chính", "How the procedure was handled", [
        ("cs1", "Thời gian giải quyết so với quy định", "Time taken, compared with the rules", FASTER),
        ("cs3", "Số lần phải liên hệ để hoàn thiện hồ sơ", "Times you had to make contact to complete the dossier", CONTACTS),
        ("cs4", "Số cơ quan, đơn vị phải liên hệ để hoàn thiện hồ sơ", "Offices you had to contact to complete the dossier", [
            ("khong", "Không phải liên hệ thêm nơi nào", "None", 2),
            ("mot-cua", "Một nơi (Bộ phận Một cửa)", "One (the one-stop desk)", 1),
            ("nhieu", "Nhiều hơn một nơi", "More than one", 0)]),
        ("cs7", "Thái độ của cán bộ, công chức, viên chức", "Attitude of the officials", [
            ("tan-tinh", "Lịch sự, tận tình", "Polite and helpful", 2),
            ("dung-muc", "Đúng mực", "Correct", 1),
            ("chua-dung-muc", "Chưa đúng mực", "Not correct", 0)]),
        ("cs11", "Nhìn chung, Ông/Bà hài lòng ở mức nào?", "All in all, how satisfied are you?", [
            ("rat-hai-long", "Rất hài lòng", "Very satisfied", 2),
            ("hai-long", "Hài lòng", "Satisfied", 1),
            ("khong-hai-long", "Không hài lòng", "Dissatisfied", 0)]),
    ]),
]

CONSENT = (
    "Tôi đồng ý để hệ thống dùng số điện thoại của tôi chỉ nhằm ngăn đánh giá trùng trong một quý. Họ tên và số điện thoại không được lưu lại; "
    "chỉ có dấu vân tay có khóa của số điện thoại được giữ đến một tháng sau khi hết quý, rồi tự động bị xóa, và không xuất hiện trên bất kỳ "
    "trang công khai nào.",
    "I agree that my phone number is used only to prevent double ratings within a quarter. My name and number are not kept; a keyed fingerprint "
    "of the number is kept until a month after the quarter, then deleted automatically, and appears on no public page.",
)
LEGAL = (
    "Nghị định số 118/2025/NĐ-CP ngày 09/6/2025 về thực hiện thủ tục hành chính theo cơ chế một cửa, một cửa liên thông tại Bộ phận Một cửa và Cổng Dịch vụ "
    "công quốc gia; các chỉ số đánh giá theo Nghị định số 61/2018/NĐ-CP và Thông tư số 01/2018/TT-VPCP.",
    "Decree 118/2025/NĐ-CP of 9 June 2025 on administrative procedures under the one-stop mechanism; indicators of Decree 61/2018/NĐ-CP and Circular 01/2018/TT-VPCP.",
)


def settings(first_day):
    return [
        ("province_name", "Thành phố Đà Nẵng", "Da Nang City"),
        ("agency_name", "UBND thành phố Đà Nẵng", "People's Committee of Da Nang City"),
        ("hotline", "(0236) 1022", ""),
        ("email", "gopy@danang.gov.vn", ""),
        ("menu_units", "Đánh giá cung ứng DVC", "Rate service delivery"),
        ("min_new_ratings", "1", ""),
        ("min_official_ratings", "1", ""),
        ("ranking_strata", "dossier_verified device_session", ""),
        ("legal_basis", *LEGAL),
        ("consent_text", *CONSENT),
        ("retention_days", "90", ""),
        ("opens", first_day.isoformat(), ""),
        ("sample", "có", ""),
    ]


# title, English, category, role
COMMUNE_POSTS = [
    ("Chuyên viên Trung tâm Phục vụ hành chính công", "Service centre specialist", "civil_servant", "desk"),
    ("Công chức Tư pháp – Hộ tịch", "Justice and civil status officer", "civil_servant", "settle"),
    ("Công chức Địa chính – Xây dựng", "Land and construction officer", "civil_servant", "settle"),
    ("Công chức Văn phòng – Thống kê", "Office and statistics officer", "civil_servant", "receive"),
    ("Công chức Văn hóa – Xã hội", "Culture and social affairs officer", "civil_servant", "settle"),
    ("Phó Chủ tịch UBND", "Vice Chair of the People's Committee", "cadre", "settle"),
    ("Viên chức trả kết quả", "Result desk employee", "public_employee", "return"),
    ("Nhân viên hướng dẫn", "Guide", "contract_worker", "guide"),
    ("Công chức Tài chính – Kế toán", "Finance and accounting officer", "civil_servant", "settle"),
    ("Chuyên viên", "Specialist", "civil_servant", "desk"),
]
DEPARTMENT_POSTS = [
    ("Chuyên viên Bộ phận Một cửa", "One-stop desk specialist", "civil_servant", "desk"),
    ("Chuyên viên", "Specialist", "civil_servant", "settle"),
    ("Chuyên viên chính", "Principal specialist", "civil_servant", "settle"),
    ("Phó Trưởng phòng", "Deputy head of division", "civil_servant", "settle"),
    ("Viên chức tiếp nhận hồ sơ", "Dossier intake employee", "public_employee", "receive"),
    ("Chuyên viên", "Specialist", "civil_servant", "settle"),
    ("Nhân viên trả kết quả", "Result desk worker", "contract_worker", "return"),
    ("Chuyên viên", "Specialist", "civil_servant", "settle"),
    ("Nhân viên hướng dẫn", "Guide", "contract_worker", "guide"),
    ("Chuyên viên Bộ phận Một cửa", "One-stop desk specialist", "civil_servant", "desk"),
    ("Trưởng phòng", "Head of division", "civil_servant", "settle"),
    ("Chuyên viên", "Specialist", "civil_servant", "settle"),
]

SURNAMES = ["Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Phan", "Trương", "Mai", "Đinh", "Tạ", "Lương", "Cao", "Thái"]
# Nobody is called these: so that no official of the sample is taken for a person who serves there.
GIVEN = ["Mây Trắng", "Gió Nồm", "Sóng Bạc", "Cát Vàng", "Nắng Mai", "Lá Thông", "Hạt Sen", "Cánh Buồm", "Mưa Rào", "Đá Cuội", "Bến Xưa", "Đò Ngang", "Trăng Rằm",
         "Suối Khe", "Rừng Thông", "Lúa Chín", "Hải Đăng Cũ", "Sao Biển", "Vỏ Ốc", "Cầu Tre", "Diều Giấy", "Mái Chèo", "Sương Sớm", "Hoa Muống", "Tre Ngà", "Đồi Chè"]

# Units where most of the ratings fall, so that rankings and quarters have something to show.
BUSY = {
    "phuong-hai-chau": 150, "phuong-thanh-khe": 100, "tt-hanh-chinh-cong": 160, "phuong-son-tra": 80, "phuong-tam-ky": 90, "phuong-hoi-an": 80,
    "phuong-hoa-khanh": 60, "xa-hoa-vang": 50, "so-xay-dung": 70, "so-tai-chinh": 60, "phuong-dien-ban": 40, "so-tu-phap": 40,
}
# Opinions by name and phone per rated dossier of the busy units: nothing proves them, and most ratings are proven.
UNVERIFIED = {"phuong-hai-chau": 0.5, "tt-hanh-chinh-cong": 0.5}
UNVERIFIED_ELSEWHERE = 0.15

# Units whose every official stands on a slip that has not been used yet.
SLIP_UNITS = list(BUSY) + ["phuong-cam-le", "phuong-ngu-hanh-son", "xa-nui-thanh", "so-y-te"]

SUGGESTIONS = {
    True: ["Cảm ơn cán bộ đã hướng dẫn tận tình.", "Trả kết quả sớm hơn giấy hẹn, rất tốt.", "Nên đặt thêm ghế chờ.", "Nhanh, gọn, lịch sự."],
    False: ["Nên nhắn tin khi hồ sơ trễ hẹn.", "Đề nghị hướng dẫn đủ giấy tờ ngay từ đầu.", "Cổng trực tuyến hay báo lỗi lúc nộp tệp.", "Chờ lâu mà không được giải thích."],
}


def fold(text):
    text = unicodedata.normalize("NFD", text.replace("Đ", "D").replace("đ", "d"))
    return "".join(c for c in text if not unicodedata.combining(c))


def slug(text):
    return "".join(c if c.isalnum() else "-" for c in fold(text).lower())


def secret(random_):
    value = random_.getrandbits(50)
    body = "".join(CROCKFORD[value >> 5 * shift & 31] for shift in reversed(range(10)))
    return body + CROCKFORD[value % 37]


def working_days(first, last):
    span = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    holidays = {(4, 30), (5, 1), (9, 1), (9, 2)}
    return [day for day in span if day.weekday() < 5 and (day.month, day.day) not in holidays]


class Sample:
    def __init__(self, last_day):
        self.random = random.Random(SEED)
        self.last_day = last_day
        self.days = working_days(last_day - dt.timedelta(days=DAYS), last_day)
        self.fields = {field[0]: field for field in FIELDS}
        self.serials = {}
        self.units = self.make_units()
        self.officials = {unit["id"]: self.make_officials(unit) for unit in self.units if not unit["to"]}
        self.quality = {o["id"]: self.random.betavariate(14, 2) for group in self.officials.values() for o in group}
        self.dossiers = []
        self.slips = []
        self.ratings = []

    def make_units(self):
        with (HERE / "don-vi-hanh-chinh-2025.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["province_code"] == "48"]
        units = []
        for number, (id_, name, english, since, fields) in enumerate(DEPARTMENTS, 1):
            units.append({"id": id_, "group": "so-ban-nganh", "name": name, "name_en": english, "from": since, "to": "", "successor": "",
                          "fields": fields, "prefixes": [f"000.00.{number:02}.H17"], "posts": DEPARTMENT_POSTS})
        kinds = {"phường": "Ward", "xã": "Commune", "đặc khu": "Special Zone"}
        former_quang_nam = False
        for number, row in enumerate(rows, 1):
            name = unicodedata.normalize("NFC", row["name"])
            proper = name[len(row["kind"]) + 1:]
            former_quang_nam = former_quang_nam or proper == "Núi Thành"
            prefixes = [f"000.{number:02}.40.H17"]
            if former_quang_nam:
                prefixes.append(f"000.{number:02}.41.H47")  # the province's number before the merger, still printed in places
            units.append({"id": slug(name), "group": "xa-phuong", "name": f"UBND {name}",
                          "name_en": f"{fold(proper)} {kinds[row['kind']]} People's Committee", "from": "2025-07-01", "to": "", "successor": "",
                          "fields": COMMUNE_FIELDS, "prefixes": prefixes, "posts": COMMUNE_POSTS})
        for id_, name, english, successor in DISTRICTS:
            units.append({"id": id_, "group": "huyen-thi-thanh", "name": name, "name_en": english, "from": "", "to": "2025-06-30",
                          "successor": successor, "fields": [], "prefixes": [], "posts": []})
        return units

    def make_officials(self, unit):
        count = self.random.randint(8, 12) if unit["id"] in BUSY else self.random.randint(3, 7)
        officials, names = [], set()
        for number, (title, english, category, role) in enumerate(unit["posts"][:count], 1):
            while True:
                name = f"{self.random.choice(SURNAMES)} {self.random.choice(GIVEN)}"
                if name not in names:
                    break
            names.add(name)
            officials.append({"id": f"{unit['id']}-{number:02}", "unit": unit["id"], "name": name, "title": title, "title_en": english,
                              "category": category, "role": role})
        return officials

    def make_dossier(self, unit, received, handlers=None):
        random_ = self.random
        officials = self.officials[unit["id"]]
        if handlers is None:
            front = [o for o in officials if o["role"] in ("desk", "receive", "guide", "return")]
            back = [o for o in officials if o["role"] == "settle"]
            # Some windows are busier than others.
            handlers = [front[min(int(random_.expovariate(0.9)), len(front) - 1)]]
            if back and random_.random() < 0.75:
                handlers.append(back[min(int(random_.expovariate(0.7)), len(back) - 1)])
        field = self.fields[random_.choice(unit["fields"])]
        prefix = unit["prefixes"][-1] if random_.random() < 0.2 else unit["prefixes"][0]
        serial = self.serials.get((prefix, received), random_.randint(0, 20)) + random_.randint(1, 4)
        self.serials[prefix, received] = serial
        later = [day for day in self.days if day >= received]
        due = self.workday_after(received, field[4])
        late = random_.random() < 0.08
        took = field[4] + random_.randint(1, 6) if late else max(0, field[4] - random_.choice([0, 0, 0, 1, 1, 2]))
        returned = self.workday_after(received, took)
        status = "returned"
        if returned not in later:
            returned, status = None, "open"
        if random_.random() < 0.02:
            returned, status = None, "supplement"
        elif status == "returned" and random_.random() < 0.015:
            status = "refused"
        dossier = {
            "code": f"{prefix}-{received:%y%m%d}-{serial:04}",
            "secret": secret(random_) if random_.random() < 0.88 else "",
            "unit": unit["id"],
            "handlers": handlers,
            "field": field[0],
            "procedure": random_.choice(field[3]),
            "received": received,
            "due": due,
            "returned": returned,
            "status": status,
        }
        self.dossiers.append(dossier)
        return dossier

    @staticmethod
    def workday_after(day, count):
        while count > 0:
            day += dt.timedelta(days=1)
            count -= day.weekday() < 5
        return day

    def make_rated(self):
        for unit in self.units:
            if unit["to"]:
                continue
            count = BUSY.get(unit["id"], self.random.randint(2, 8))
            if unit["id"] == "dac-khu-hoang-sa":
                count = 1
            for _ in range(count):
                dossier = self.make_dossier(unit, self.random.choice(self.days))
                if self.random.random() < 0.88:
                    self.rate(dossier)

    def rate(self, dossier):
        random_ = self.random
        subjects = [(official["id"], f"{dossier['unit']}/{official['id']}") for official in dossier["handlers"] if random_.random() < 0.62]
        if not subjects or random_.random() < 0.45:
            subjects.insert(0, (None, dossier["unit"]))
        day = dossier["returned"] or dossier["received"]
        if random_.random() < 0.3:
            day = min(self.last_day, day + dt.timedelta(days=random_.randint(1, 9)))
        overdue = bool(dossier["returned"]) and dossier["returned"] > dossier["due"]
        for official, subject in subjects:
            chance = self.quality[official] if official else 0.9
            satisfied = random_.random() < chance * (0.45 if overdue else 1)
            reasons = []
            if not satisfied:
                pool = ["cham-han", "phoi-hop-cham"] if overdue else ["di-lai-nhieu-lan", "thai-do", "nhieu-noi", "thieu-cong-khai", "truc-tuyen", "khong-tra-loi", "khac"]
                reasons = sorted(random_.sample(pool, random_.choice([1, 1, 2])), key=[r[0] for r in REASONS].index)
            suggestion = random_.choice(SUGGESTIONS[satisfied]) if random_.random() < 0.12 else ""
            self.ratings.append({
                "date": day, "subject": subject, "rater_kind": "participant", "field_id": dossier["field"],
                "receipt_code": dossier["code"], "receipt_secret": dossier["secret"],
                "satisfaction": "satisfied" if satisfied else "not_satisfied", "reasons": ";".join(reasons),
                **self.answers(satisfied, dossier, overdue), "suggestion": suggestion,
                "full_name": "", "phone": "", "consent": "",
            })

    def answers(self, satisfied, dossier, overdue):
        random_ = self.random
        answers = {}
        for code, _, _, options in QUESTIONNAIRES[1][5]:
            answers[f"answers.{code}"] = ""
            if random_.random() < 0.25:
                continue  # web questions may be left open
            if code == "cs1" and dossier["returned"]:
                days = (dossier["returned"] > dossier["due"]) - (dossier["returned"] < dossier["due"])
                option = options[days + 1]
            else:
                option = random_.choices(options, [6, 3, 0.3] if satisfied else [1, 3, 6])[0]
            answers[f"answers.{code}"] = option[0]
        return answers

    def make_slips(self):
        recent = [day for day in self.days if (self.last_day - day).days <= 24]
        units = {unit["id"]: unit for unit in self.units}
        for number, unit_id in enumerate(SLIP_UNITS):
            officials = self.officials[unit_id][:]
            self.random.shuffle(officials)
            pairs = [officials[n:n + 2] for n in range(0, len(officials), 2)]
            for handlers in pairs + [self.random.sample(officials, 2)]:
                dossier = self.make_dossier(units[unit_id], self.random.choice(recent), handlers)
                self.slips.append(dossier)
            # At least one slip of every other unit is of the old kind, without a secret part.
            if number % 2 == 0:
                self.slips[-1]["secret"] = ""

    def make_unverified(self):
        random_ = self.random
        columns = list(self.ratings[0])
        number = 0
        for unit, dossiers in BUSY.items():
            for _ in range(round(dossiers * UNVERIFIED.get(unit, UNVERIFIED_ELSEWHERE))):
                subject = f"{unit}/{random_.choice(self.officials[unit])['id']}" if random_.random() < 0.3 else unit
                satisfied = random_.random() < 0.64
                reasons = [] if satisfied else [random_.choice(["thai-do", "thieu-cong-khai", "truc-tuyen", "khac"])]
                number += 1
                rating = dict.fromkeys(columns, "")
                rating.update({
                    "date": random_.choice(self.days), "subject": subject, "rater_kind": "non_participant",
                    "satisfaction": "satisfied" if satisfied else "not_satisfied", "reasons": ";".join(reasons),
                    "full_name": f"{random_.choice(SURNAMES)} {random_.choice(GIVEN)}", "phone": f"0900000{number:03}", "consent": "yes",
                })
                self.ratings.append(rating)

    def write(self):
        self.make_rated()
        self.make_slips()
        self.make_unverified()
        self.dossiers.sort(key=lambda d: (d["received"], d["code"]))
        self.ratings.sort(key=lambda r: (r["date"], r["receipt_code"], r["subject"]))
        write("catalog/da-nang/groups.csv", ["id", "name", "name_en", "valid_from", "valid_to"], GROUPS)
        write("catalog/da-nang/units.csv", ["id", "group", "name", "name_en", "valid_from", "valid_to", "successor"],
              [[u[k] for k in ("id", "group", "name", "name_en", "from", "to", "successor")] for u in self.units])
        officials = [official for group in self.officials.values() for official in group]
        columns = ["id", "unit", "name", "title", "title_en", "category", "role"]
        write("catalog/da-nang/officials.csv", columns, [[o[k] for k in columns] for o in officials])
        write("catalog/da-nang/fields.csv", ["id", "name", "name_en"], [field[:3] for field in FIELDS])
        write("catalog/da-nang/reasons.csv", ["code", "text", "text_en", "indicator"], REASONS)
        write("catalog/da-nang/questionnaires.csv",
              ["questionnaire", "version", "channel", "title", "title_en", "question", "question_text", "question_text_en",
               "option", "option_text", "option_text_en", "points"], question_rows())
        write("catalog/da-nang/settings.csv", ["key", "value", "value_en"], settings(self.days[0]))
        header = ["code", "secret", "unit", "officials", "field", "procedure", "received", "due", "returned", "status"]
        write("dossiers/da-nang.csv", header, [self.dossier_row(d) for d in self.dossiers])
        columns = list(self.ratings[0])
        write("ratings.csv", columns, [[r[k] for k in columns] for r in self.ratings])
        self.slips.sort(key=lambda d: (SLIP_UNITS.index(d["unit"]), d["code"]))
        write("slips.csv", ["code", "secret", "unit", "officials", "field"], [self.dossier_row(d)[:5] for d in self.slips])
        print(f"{len(self.units)} units, {len(officials)} officials, {len(self.dossiers)} dossiers, {len(self.ratings)} ratings, {len(self.slips)} slips")

    @staticmethod
    def dossier_row(dossier):
        officials = " ".join(f"{official['id']}:{official['role']}" for official in dossier["handlers"])
        return [dossier["code"], dossier["secret"], dossier["unit"], officials, dossier["field"], dossier["procedure"],
                dossier["received"], dossier["due"], dossier["returned"] or "", dossier["status"]]


def question_rows():
    for id_, version, channel, title, title_en, questions in QUESTIONNAIRES:
        whole = [channel, title, title_en]
        for code, text, text_en, options in questions:
            question = [text, text_en]
            for option in options:
                yield [id_, version, *whole, code, *question, *option]
                whole, question = ["", "", ""], ["", ""]


def write(name, header, rows):
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--last-day", type=dt.date.fromisoformat, default=dt.date(2026, 11, 20), help="last day anything happens on")
    Sample(parser.parse_args().last_day).write()


if __name__ == "__main__":
    main()
