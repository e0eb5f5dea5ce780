"""The list of what does not run under AddressSanitizer names files and tests that are there."""

import re
from pathlib import Path

import pytest

from conftest import NOT_CORE

TESTS = Path(__file__).parent


@pytest.mark.parametrize("name", NOT_CORE)
def test_what_is_not_core_is_there(name):
    path, _, function = name.partition("::")
    assert (TESTS / path).exists()
    if function:
        assert re.search(rf"^def {function}\(", (TESTS / path).read_text("utf-8"), re.MULTILINE)
