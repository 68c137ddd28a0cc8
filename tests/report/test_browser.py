"""The report as a browser draws it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgernn import report

from .sample import sample_report

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"]
FLAGS += ["--no-first-run", "--disable-component-update", "--disable-sync", "--disable-quic"]

pytestmark = pytest.mark.browser


def chromium(tmp_path: Path, *arguments: str) -> str:
    command = ["chromium", *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_screen(tmp_path: Path, width: int) -> None:
    """The page measures itself: a script, which the page's own policy forbids, puts the widths into its title."""
    report.write(sample_report(), tmp_path)
    page = (tmp_path / "report.html").read_text().replace("default-src 'none'; ", "")
    probe = "<script>document.title = document.documentElement.scrollWidth + '/' + innerWidth</script></body>"
    (tmp_path / "probe.html").write_text(page.replace("</body>", probe))
    dom = chromium(tmp_path, f"--window-size={width},900", "--dump-dom", f"file://{tmp_path / 'probe.html'}")
    content, screen = dom.split("<title>")[1].split("</title>")[0].split("/")
    assert int(content) <= int(screen)


def test_verdict_and_plots_are_drawn(tmp_path: Path) -> None:
    from matplotlib import image

    report.write(sample_report(passed=False), tmp_path)
    shot = tmp_path / "shot.png"
    url = f"file://{tmp_path / 'report.html'}"
    chromium(tmp_path, "--window-size=1280,2400", f"--screenshot={shot}", url)
    pixels = (image.imread(shot)[..., :3] * 255).astype(int)
    assert pixels.shape[:2] == (2400, 1280)
    reddish = (pixels[..., 0] > pixels[..., 1] + 8) & (pixels[..., 0] > pixels[..., 2] + 8)
    assert reddish[:200].mean() > 0.3  # the band of a failed verdict
    rows_with_ink = (np.ptp(pixels.sum(axis=2), axis=1) > 300).mean()
    assert rows_with_ink > 0.3  # text and plots, not a blank page
