"""Source archives of packages, from the user's package index: downloaded as files, without running what is in them.

pip runs a source archive's build code even to download it, so it is only asked where the index is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def download(package: str, archive: str, folder: Path) -> Path:
    """The file `archive` of a package, in `folder`.

    Raises OSError when the index cannot be reached, or has no such file.
    """
    import requests
    from pypi_simple import NoSuchProjectError, PyPISimple

    index = setting("index-url")
    session = requests.Session()
    if certificate := setting("cert"):
        session.verify = certificate
    options: dict[str, Any] = {"endpoint": index} if index else {}
    with PyPISimple(**options, session=session) as client:
        try:
            page = client.get_project_page(package)
        except NoSuchProjectError:
            raise OSError(f"the package index has no {package}") from None
        found = next((one for one in page.packages if one.filename == archive), None)
        if found is None:
            raise OSError(f"the package index has no {archive}")
        path = folder / archive
        client.download_package(found, path, verify=False)  # its hash is the catalog's, and checked by it
    return path


def setting(name: str) -> str:
    """What pip is set to: by its environment variable or its configuration files; empty where it is not."""
    own = os.environ.get(f"PIP_{name.upper().replace('-', '_')}")
    if own:
        return own
    command = [sys.executable, "-m", "pip", "config", "get", f"global.{name}"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
