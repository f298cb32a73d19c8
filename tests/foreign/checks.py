"""What is promised of a deployment, checked on the emulator. Each check is given the deployment and its citizen."""

import base64
import concurrent.futures
import csv
import datetime
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT, OFFICIAL, FIELD = "phuong-hai-chau", "phuong-hai-chau-01", "ho-tich"
WAITING = 60
RACERS = 16


def until(what, found):
    """Waits until `found` gives something, and gives that."""
    end = time.monotonic() + WAITING
    while time.monotonic() < end:
        if (value := found()):
            return value
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {WAITING} s")


def new_attempt():
    return base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()


class Office:
    """An office on the deployment: its catalog, its dossiers, and the slips its citizens hold."""

    def __init__(self, deployed, citizen, catalog):
        self.deployed, self.citizen, self.catalog = deployed, citizen, pathlib.Path(catalog)
        self.bucket = deployed.out["DropBucketName"]
        with open(ROOT / "sample/slips.csv", encoding="utf-8") as file:
            # A secret part says of itself whether it is well formed; to which code it belongs, the dossier file says.
            self.secrets = sorted({row["secret"] for row in csv.DictReader(file)} - {""})
        self.slips = []
        self.saved = 0

    def drop(self, key, body):
        """Puts a file where people drop it; the report that appears beside it."""
        self.deployed.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        report = f"{key}.report.txt"

        def read():
            found = self.deployed.s3.list_objects_v2(Bucket=self.bucket, Prefix=report).get("Contents")
            return found and self.deployed.s3.get_object(Bucket=self.bucket, Key=report)["Body"].read().decode()

        return until(report, read)

    def open(self):
        """Imports catalog and dossiers through the bucket's events, and publishes."""
        for sheet in sorted(self.catalog.glob("*.csv")):
            self.deployed.s3.put_object(Bucket=self.bucket, Key=f"catalog/seed/{sheet.name}", Body=sheet.read_bytes())
        report = self.drop("catalog/seed/ready", b"")
        until(f"the catalog is in force: {report}", lambda: any(item["PK"]["S"] == "CATALOG" for item in self.deployed.items("RatingsTableName")))
        today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=7))).date()
        rows = ["code,secret,unit,officials,field,procedure,received,due,returned,status"]
        for number, secret in enumerate(self.secrets, 1):
            code = f"000.01.40.H17-{today:%y%m%d}-{number:04}"
            rows.append(f"{code},{secret},{UNIT},{OFFICIAL}:desk,{FIELD},Đăng ký khai sinh,{today},{today},{today},returned")
            self.slips.append({"receipt_code": code, "receipt_secret": secret})
        self.confidential = [part for slip in self.slips for part in slip.values()]
        self.drop("dossiers/today.csv", "\n".join(rows).encode())
        receipts = [item for item in self.deployed.items("RatingsTableName") if item["PK"]["S"].startswith("K#")]
        assert len(receipts) >= len(self.slips), f"{len(receipts)} receipts of {len(self.slips)} dossiers"
        self.publish()

    def publish(self):
        return self.deployed.invoke("PublishPagesFunction")

    def reconcile(self):
        """Compares counts with ratings; nothing may differ or be left over."""
        report = self.deployed.invoke("ReconcileTalliesFunction")
        for name in ("mismatched", "left"):
            assert report.get(name, 0) == 0, report
        return report

    def ratings(self):
        return [item for item in self.deployed.items("RatingsTableName") if item["PK"]["S"].startswith("U#")]

    def rating(self, satisfaction="satisfied", subject=UNIT):
        """A rating for a slip that nobody used, with an attempt of its own."""
        slip = self.slips.pop()
        body = {"subject": subject, "rater_kind": "participant", "field_id": FIELD, "satisfaction": satisfaction,
                "attempt": new_attempt(), **slip}
        if satisfaction != "satisfied":
            body["reasons"] = [self.reason()]
        return body

    def reason(self):
        with open(self.catalog / "reasons.csv", encoding="utf-8") as file:
            return next(csv.DictReader(file))["code"]

    def listen(self, enabled):
        """Lets the stream wake the aggregator, or not."""
        mapping = self.deployed.physical("AggregateRatingsFunctionRatings")
        self.deployed.lambda_.update_event_source_mapping(UUID=mapping, Enabled=enabled)
        if not enabled:
            time.sleep(2)  # What it had already read is delivered.

    def all_counted(self):
        """Waits until the stream's function has taken the mark off every rating."""
        def counted():
            ratings = self.ratings()
            return len(ratings) == self.saved and not any("pend" in item for item in ratings)

        until(f"{self.saved} ratings are counted", counted)


def the_api_answers_nobody_without_the_secret_of_the_cdn(office):
    answer = office.citizen.api("GET", "/api/challenge?scope=" + "A" * 43, secret="guessed")
    assert answer.status == 403, answer


def totals(document):
    """Numbers of ratings in every total of a published document."""
    if isinstance(document, list):
        return [number for part in document for number in totals(part)]
    if not isinstance(document, dict):
        return []
    own = [document["total"]["rated"]] if isinstance(document.get("total"), dict) and "rated" in document["total"] else []
    return own + [number for part in document.values() for number in totals(part)]


def a_rating_lives_its_life(office):
    """Looked up, saved, sent again, refused as a second opinion, counted from the stream, compared, published."""
    citizen = office.citizen
    rating = office.rating()
    slip = {name: rating[name] for name in ("receipt_code", "receipt_secret")}
    found = citizen.look_up(slip)
    assert found.status == 200 and UNIT in found.body.decode(), found
    wrong = citizen.look_up(slip | {"receipt_secret": office.secrets[0]})
    assert wrong.status == 422, wrong

    saved = citizen.rate(rating)
    assert saved.status == 201, saved
    office.saved += 1
    again = citizen.rate(rating)
    assert again.status == 200 and again.json()["tracker"] == saved.json()["tracker"], again
    second = citizen.rate(rating | {"attempt": new_attempt()})
    assert second.status == 409, second

    office.all_counted()
    office.reconcile()
    office.publish()
    statistics = citizen.api("GET", f"/api/statistics?unit_id={UNIT}")
    assert statistics.status == 200, statistics
    assert office.saved in totals(statistics.json()), statistics
    page = citizen.page(f"/ket-qua/don-vi/{UNIT}/")
    assert page.status == 200 and page.headers["content-security-policy"], page


def sixteen_opinions_on_one_receipt_are_one_rating(office):
    body = office.rating()
    bodies = []
    for number in range(RACERS):
        opinion = {"satisfaction": "satisfied"} if number % 2 else {"satisfaction": "not_satisfied", "reasons": [office.reason()]}
        bodies.append(office.citizen.with_code("rate", body | opinion | {"attempt": new_attempt()}))
    statuses = sorted(answer.status for answer in at_once(office, bodies))
    office.saved += 1
    assert statuses == [201] + [409] * (RACERS - 1), statuses


def sixteen_retries_of_one_attempt_get_one_tracker(office):
    body = office.rating()
    answers = at_once(office, [office.citizen.with_code("rate", body) for _ in range(RACERS)])
    statuses = sorted(answer.status for answer in answers)
    office.saved += 1
    assert statuses == [200] * (RACERS - 1) + [201], statuses
    assert len({answer.json()["tracker"] for answer in answers}) == 1


def sixteen_receipts_at_once_are_sixteen_ratings(office):
    bodies = [office.citizen.with_code("rate", office.rating()) for _ in range(RACERS)]
    answers = at_once(office, bodies)
    office.saved += RACERS
    assert [answer.status for answer in answers] == [201] * RACERS, answers


def at_once(office, bodies):
    with concurrent.futures.ThreadPoolExecutor(len(bodies)) as threads:
        return list(threads.map(lambda body: office.citizen.api("POST", "/api/ratings", body), bodies))


def everything_is_counted_once(office):
    office.all_counted()
    assert office.reconcile().get("swept", 0) == 0


def record(number, item):
    """What the table's stream delivers of an item."""
    change = {"SequenceNumber": str(number), "StreamViewType": "NEW_IMAGE", "SizeBytes": 1, "ApproximateCreationDateTime": 0,
              "Keys": {"PK": item["PK"], "SK": item["SK"]}, "NewImage": item}
    return {"eventID": str(number), "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "ap-southeast-1", "dynamodb": change}


def eight_aggregators_on_one_batch_count_it_once(office):
    """Eight ratings are delivered to eight aggregators at once, and then by the stream as well."""
    office.listen(False)
    bodies = [office.citizen.with_code("rate", office.rating()) for _ in range(8)]
    assert [answer.status for answer in at_once(office, bodies)] == [201] * 8
    office.saved += 8
    waiting = [item for item in office.ratings() if "pend" in item]
    assert len(waiting) == 8, waiting
    event = {"Records": [record(number, item) for number, item in enumerate(waiting, 1)]}
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: office.deployed.invoke("AggregateRatingsFunction", event), range(8)))
    # A conflict may leave a record to the stream, and never counts it twice.
    assert all(set(answer) == {"batchItemFailures"} for answer in answers), answers
    office.listen(True)
    office.all_counted()
    assert office.reconcile().get("swept", 0) == 0


def two_publishers_leave_one_site(office):
    """That it is one and whole, `verify` says of the downloaded site."""
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: office.publish(), range(2)))


def a_frozen_emulator_loses_no_answer_it_gave(office):
    """The tables stand still for four seconds while eight ratings are under way; whoever got no success sends again."""
    bodies = [office.rating() for _ in range(8)]
    coded = [office.citizen.with_code("rate", body) for body in bodies]
    process = office.deployed.emulator.process.pid
    with concurrent.futures.ThreadPoolExecutor(len(coded)) as threads:
        sent = [threads.submit(office.citizen.api, "POST", "/api/ratings", body) for body in coded]
        time.sleep(0.05)
        os.kill(process, signal.SIGSTOP)
        time.sleep(4)
        os.kill(process, signal.SIGCONT)
        first = [future.result() for future in sent]
    for body, answer in zip(bodies, first):
        assert answer.status in (201, 503), answer
        again = office.citizen.rate(body)
        assert again.status == 200 or (again.status == 201 and answer.status == 503), (answer, again)
        if answer.status == 201:
            assert again.json()["tracker"] == answer.json()["tracker"]
    office.saved += len(bodies)
    office.all_counted()
    office.reconcile()
    office.publish()


def every_published_object_comes_through_the_cdn_and_can_be_recounted(office, verify):
    """Downloads the site as a citizen would, and has `verify` recount it."""
    keys = office.deployed.keys()
    assert len(keys) > 100, len(keys)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="site-"))
    try:
        def download(key):
            address = "/" + key.removesuffix("index.html")
            answer = office.citizen.page(address)
            assert answer.status == 200, f"{address}: {answer}"
            file = folder / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(answer.body)

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            list(threads.map(download, keys))
        recount = subprocess.run([verify, folder], capture_output=True, text=True)
        assert recount.returncode == 0, recount.stdout + recount.stderr
    finally:
        shutil.rmtree(folder)
    missing = office.citizen.page("/khong-co/")
    assert missing.status == 404 and b"<html" in missing.body, missing
    return f"{len(keys)} objects"


def no_log_line_holds_a_receipt_or_a_fault(office):
    logs = office.deployed.emulator.client("logs")
    groups = logs.describe_log_groups()["logGroups"]
    lines = 0
    for group in groups:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for event in (event for page in pages for event in page["events"]):
            lines += 1
            assert not any(part in event["message"] for part in office.confidential), event
            assert "panicked" not in event["message"], event
    assert lines > 0
    return f"{lines} lines"


def nothing_was_given_up(office):
    """The queue of what was given up after every retry is empty."""
    queue = office.deployed.emulator.client("sqs")
    attributes = queue.get_queue_attributes(QueueUrl=office.deployed.out["FailureQueueUrl"], AttributeNames=["ApproximateNumberOfMessages"])
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "0", attributes
