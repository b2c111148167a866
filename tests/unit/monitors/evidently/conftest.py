"""Runs one of our metrics as a report does."""

from __future__ import annotations

import warnings

import pytest


@pytest.fixture
def run():
    """Run what `make` gives over two sets of columns; returns the value, the states of the tests, and the HTML."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently and its dependencies warn about each other
        import pandas as pd
        from evidently import DataDefinition, Dataset, Report

        def run(metric, current=None, reference=None):
            columns = current or {"novelty": [0.1, 0.2]}
            definition = DataDefinition(numerical_columns=list(columns))
            frames = [pd.DataFrame(values) for values in (columns, reference or columns)]
            found = Report([metric], include_tests=True).run(*(Dataset.from_pandas(one, definition) for one in frames))
            told = found.dict()
            html = found.get_html_str(as_iframe=False)
            return told["metrics"][0]["value"], [test["status"].value for test in told["tests"]], html

        yield run
