import csv
import datetime
import io
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from accounts.audit import Actor
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Member, Organisation
from listings.capacity_csv import template
from listings.errors import LinesRefused
from listings.models import Capacity, Pool
from listings.operations import upload_capacity_csv
from tests.factories.listings import CapacityFactory, PoolFactory, hour
from tests.listings.conftest import acting

pytestmark = pytest.mark.django_db

HEADER = "facility,accelerator,units,from,until,reserve price\n"


@pytest.fixture
def shaoguan(provider: Organisation) -> Pool:
    """Eight units at 韶关; 12:00 in Shanghai is the tests' now."""
    return PoolFactory(
        facility__provider=provider,
        facility__name_en="Shaoguan",
        facility__name_zh="韶关智算中心",
        accelerator__slug="nvidia-h100",
        accelerator__name="H100 80GB",
        units=8,
    )


def upload(actor: Actor, now: datetime.datetime, lines: str, encoding: str = "utf-8") -> list[Capacity]:
    return upload_capacity_csv(actor=actor, content=lines.encode(encoding), now=now)


def refused(actor: Actor, now: datetime.datetime, lines: str) -> dict[int, str]:
    with pytest.raises(LinesRefused) as refusal:
        upload(actor, now, HEADER + lines)
    assert not Capacity.objects.exists(), "a file with a bad line lists nothing"
    return {line.number: line.reason for line in refusal.value.lines}


def test_every_line_is_listed_in_the_providers_zone(
    actor: Actor, shaoguan: Pool, now: datetime.datetime
) -> None:
    first, second = upload(
        actor,
        now,
        HEADER
        + "Shaoguan,nvidia-h100,4,2026-06-01 13:00,2026-06-01 15:00,12.50\n"
        + '韶关智算中心,H100 80GB,3,2026/6/1 13:00,2026/6/2 0:00,"¥1,200"\n',
    )
    assert (first.pool, first.units, first.starts_at, first.ends_at) == (shaoguan, 4, hour(1), hour(3))
    assert (first.reserve_price, second.reserve_price) == (1250, 120_000)
    assert first.hours.count() == 2
    assert second.ends_at == hour(12)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_what_excel_saves_in_china_is_read(
    actor: Actor, shaoguan: Pool, now: datetime.datetime, encoding: str
) -> None:
    header = "算力设施,加速卡,卡数,开始时间,结束时间,保留价\r\n"
    lines = header + "韶关智算中心,nvidia-h100,８,2026/6/1 13:00,2026/6/1 14:00,￥9.9\r\n"
    (capacity,) = upload(actor, now, lines, encoding)
    assert (capacity.units, capacity.reserve_price) == (8, 990)


def test_columns_may_come_in_any_order_and_separated_otherwise(
    actor: Actor, shaoguan: Pool, now: datetime.datetime
) -> None:
    header = "units;from;until;reserve price;facility;accelerator;note\n"
    lines = "1;2026-06-01 13:00;2026-06-01 14:00;1;Shaoguan;nvidia-h100;mine\n"
    assert upload(actor, now, header + lines)[0].units == 1


def test_every_bad_line_is_named_with_all_its_faults(
    actor: Actor, shaoguan: Pool, now: datetime.datetime
) -> None:
    reasons = refused(
        actor,
        now,
        "Shaoguan,nvidia-h100,1,2026-06-01 13:00,2026-06-01 14:00,5\n"  # 2: good
        "Nowhere,nvidia-h100,1,2026-06-01 13:00,2026-06-01 14:00,5\n"  # 3
        "\n"  # 4: blank
        "Shaoguan,nvidia-a100,many,13:00,2026-06-01 14:30,free\n"  # 5
        "Shaoguan,nvidia-h100,1,2026-05-01 13:00,2026-06-01 14:00,5\n"  # 6
        "Shaoguan,nvidia-h100,1,2026-06-01 14:00,2026-06-01 13:00,5\n"  # 7
        "Shaoguan,nvidia-h100,1,2026-06-01 13:00,2026-06-01 14:00,5,6\n",  # 8
    )
    assert list(reasons) == [3, 5, 6, 7, 8]
    assert "called “Nowhere”" in reasons[3]
    for fault in ("these have: nvidia-h100", "“many”", "“13:00”", "not on the hour", "“free”"):
        assert fault in reasons[5]
    assert "in the past" in reasons[6]
    assert "ends after it begins" in reasons[7]
    assert "more cells" in reasons[8]


def test_lines_that_together_pass_the_pools_units_are_named(
    actor: Actor, shaoguan: Pool, now: datetime.datetime
) -> None:
    line = "Shaoguan,nvidia-h100,5,2026-06-01 13:00,2026-06-01 14:00,5\n"
    reasons = refused(actor, now, line + line)
    assert list(reasons) == [3]
    assert "List at most 3." in reasons[3]


def test_units_that_are_listed_already_count(actor: Actor, shaoguan: Pool, now: datetime.datetime) -> None:
    CapacityFactory(pool=shaoguan, units=8)
    with pytest.raises(LinesRefused, match="1 line needs mending"):
        upload(actor, now, HEADER + "Shaoguan,nvidia-h100,1,2026-06-01 13:00,2026-06-01 14:00,5\n")
    assert Capacity.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "must name the columns"),
        (HEADER.encode(), "no lines below"),
        (b"facility,units\nShaoguan,1\n", "missing: accelerator, from, until, reserve price"),
        (HEADER.replace("units", "units,units").encode() + b"x\n", "come twice: units"),
        (b"PK\x03\x04 and so on", "Save it as CSV"),
        (b"\xff\xfe\xfd\xfc" * 9, "cannot be read"),
        ("facility".encode("utf-16"), "cannot be read"),
        (b"x" * 1_000_001, "larger than 1 MB"),
        (HEADER.encode() + b'"' + b"x" * 200_000 + b'"\n', "not CSV from line 2"),
        (HEADER.encode() + b"a,b,c,d,e,f\n" * 501, "more than 500 lines"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_reason(
    actor: Actor, shaoguan: Pool, now: datetime.datetime, content: bytes, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        upload_capacity_csv(actor=actor, content=content, now=now)


def test_a_pool_of_another_provider_cannot_be_named(
    actor: Actor, shaoguan: Pool, now: datetime.datetime
) -> None:
    PoolFactory(facility__name_en="Elsewhere", accelerator=shaoguan.accelerator)
    reasons = refused(actor, now, "Elsewhere,nvidia-h100,1,2026-06-01 13:00,2026-06-01 14:00,5\n")
    assert "No facility of yours" in reasons[2]


def test_only_members_with_the_role_upload(
    engineer: Member, owner: Member, shaoguan: Pool, now: datetime.datetime
) -> None:
    for outsider in (engineer, owner):
        with pytest.raises(NotAllowed):
            upload(acting(outsider), now, HEADER)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_template_uploads_once_its_prices_are_filled_in(
    actor: Actor, shaoguan: Pool, now: datetime.datetime, language: str
) -> None:
    with translation.override(language):
        text = template([shaoguan], zone=ZoneInfo("Asia/Shanghai"), now=now)
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    assert ("韶关智算中心" in rows[1]) == (language == "zh-hans")
    rows[1][-1] = "10"
    filled = "\ufeff" + "\n".join(",".join(row) for row in rows)
    (capacity,) = upload(actor, now, filled)
    assert (capacity.units, capacity.hours.count()) == (8, 24)


def test_the_template_writes_no_formula(provider: Organisation, now: datetime.datetime) -> None:
    pool = PoolFactory(facility__provider=provider, facility__name_en="=1+1")
    assert "'=1+1" in template([pool], zone=ZoneInfo("UTC"), now=now)
