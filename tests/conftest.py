"""What holds for all tests."""

from __future__ import annotations

import os

from syncline_compiler import cache

os.environ[cache.FOLDER] = ""  # each test finds anew what it is about
