import datetime
import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings

from accounts.audit import Actor
from accounts.errors import InvalidInput
from listings.models import Algorithm, AlgorithmVersion
from listings.operations import add_version
from tests.factories.listings import AlgorithmFactory
from tests.listings.test_artefacts import ONNX

pytestmark = pytest.mark.django_db

HEADER = json.dumps({"w": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}).encode()
SAFETENSORS = len(HEADER).to_bytes(8, "little") + HEADER + b"\x00\x00"


def archive(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, body in members.items():
            file.writestr(name.replace("__", "/").replace("_", "."), body)
    return content.getvalue()


@pytest.fixture
def algorithm(actor: Actor) -> Algorithm:
    return AlgorithmFactory(publisher=actor.organisation)


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def upload(
    actor: Actor, algorithm: Algorithm, now: datetime.datetime, name: str, content: bytes
) -> AlgorithmVersion:
    return add_version(
        actor=actor,
        algorithm=algorithm,
        number=name or "1",
        stacks=["CUDA"],
        accelerators=[],
        file=SimpleUploadedFile(name, content),
        now=now,
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("weights.safetensors", SAFETENSORS),
        ("weights.GGUF", b"GGUF\x03\x00\x00\x00"),
        ("graph.onnx", ONNX),
        ("bundle.zip", archive(model_json=b"{}", weights__a_safetensors=SAFETENSORS, a_onnx=ONNX)),
    ],
)
def test_formats_that_only_hold_data_are_taken_and_hashed(
    actor: Actor, algorithm: Algorithm, now: datetime.datetime, media: Path, name: str, content: bytes
) -> None:
    version = upload(actor, algorithm, now, name, content)
    assert version.sha256 == hashlib.sha256(content).hexdigest()
    assert version.size_bytes == len(content)
    stored = Path(version.file.path)
    assert stored.read_bytes() == content
    assert stored.is_relative_to(media)
    assert stored.stem == version.sha256, "the uploader's name does not reach the disk"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("model.pt", archive(data_pkl=b""), "Convert the weights to safetensors"),
        ("model.PKL", pickle.dumps([]), "can run code"),
        ("pytorch_model.bin", b"x", "can run code"),
        ("keras.h5", b"x", "can run code"),
        ("model.exe", b"MZ", "Upload one of these"),
        ("model", b"x", "Upload one of these"),
        ("model.safetensors", pickle.dumps({"a": 1}), "whatever its name says"),
        ("model.safetensors", (2**62).to_bytes(8, "little") + b"{", "longer than the file"),
        ("model.safetensors", SAFETENSORS[:-1], "does not end where"),
        ("model.onnx", ONNX[:-1], "damaged"),
        ("model.zip", archive(a_safetensors=SAFETENSORS + b"x"), "does not end where"),
        ("model.zip", archive(a_onnx=b"\x08\x08"), "holds no model"),
        ("model.gguf", SAFETENSORS, "whatever its name says"),
        ("model.onnx", pickle.dumps({"a": 1}), "whatever its name says"),
        ("model.zip", pickle.dumps({"a": 1}), "whatever its name says"),
        ("model.zip", archive(archive__data_pkl=b"x"), "archive/data.pkl"),
        ("model.zip", archive(inner_zip=b"x"), "another archive"),
        ("model.zip", archive(inner_dat=archive(a_txt=b"x")), "another archive"),
        ("model.zip", archive(weights_dat=pickle.dumps({"a": 1})), "weights.dat, which can run code"),
        ("model.zip", archive(**{"data_pkl_": b"x"}), "data.pkl., which can run code"),
        ("model.zip", pickle.dumps({"a": 1}) + archive(a_txt=b"x"), "whatever its name says"),
        ("model.zip", archive(a_txt=b"x")[:-9] + b"\xff" * 9, "damaged"),
        ("model.safetensors", b"", "empty"),
    ],
)
def test_what_could_run_code_is_refused_under_any_name(
    actor: Actor,
    algorithm: Algorithm,
    now: datetime.datetime,
    media: Path,
    name: str,
    content: bytes,
    reason: str,
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        upload(actor, algorithm, now, name, content)
    assert not AlgorithmVersion.objects.exists()
    assert not media.exists() or not list(media.rglob("*.*"))


def test_a_file_past_the_limit_is_refused(
    actor: Actor, algorithm: Algorithm, now: datetime.datetime, settings: Settings
) -> None:
    settings.ALGORITHM_MAX_BYTES = 10
    with pytest.raises(InvalidInput, match="Give a reference"):
        upload(actor, algorithm, now, "weights.safetensors", SAFETENSORS)


def test_a_name_cannot_lead_out_of_the_store(
    actor: Actor, algorithm: Algorithm, now: datetime.datetime, media: Path
) -> None:
    version = upload(actor, algorithm, now, "../../etc/cron.d/x.safetensors", SAFETENSORS)
    assert Path(version.file.path).parent == media / "algorithms"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("https://models.example/model.pt", "can run code"),
        ("https://models.example/model.PKL?download=1", "can run code"),
        ("http://models.example/model.safetensors", "begins with https"),
    ],
)
def test_what_may_not_be_uploaded_may_not_be_referred_to(
    actor: Actor, algorithm: Algorithm, now: datetime.datetime, reference: str, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        add_version(
            actor=actor,
            algorithm=algorithm,
            number="1",
            stacks=["CUDA"],
            accelerators=[],
            reference=reference,
            sha256="a" * 64,
            size_bytes=1,
            now=now,
        )
