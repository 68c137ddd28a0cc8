"""The report of a build: one mapping in, report.json, report.html and report.md out."""

from __future__ import annotations

from edgernn.report.files import load, schema_path, write
from edgernn.report.terminal import summary

__all__ = ["load", "schema_path", "summary", "write"]
