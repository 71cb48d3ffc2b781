"""Checks that plug-ins run on their own sources, arrays and configs. They need pytest and hypothesis."""

import pytest

# failed assertions show their values, as in the files that pytest collects itself
pytest.register_assert_rewrite("dalsegno.testing.source_conformance", "dalsegno.testing.array_conformance")
