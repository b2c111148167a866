from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def datasets():
    """The module, which imports pandas and Evidently."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monitors.evidently import datasets

        yield datasets


def test_columns_may_have_any_length(datasets):
    """Shorter ones end with nothing; numbers are numbers and words are categories."""
    columns = datasets.Columns()
    columns.add_numbers("novelty", [0.1, 0.2, 0.3], [0.5])
    columns.add_words("label", ["refund"], ["refund", "cancel"])
    current, reference = columns.datasets()
    assert [data.as_dataframe().shape for data in (current, reference)] == [(3, 2), (2, 2)]
    assert current.as_dataframe()["label"].dropna().tolist() == ["refund"]
    assert reference.as_dataframe()["novelty"].dropna().tolist() == [0.5]
    assert current.column("novelty").type.value == "num"
    assert current.column("label").type.value == "cat"


@pytest.mark.parametrize(
    ("current", "earlier", "method"),
    [(49, 500, None), (500, 49, None), (50, 50, "chisquare"), (1000, 999, "chisquare"), (1000, 1000, "jensenshannon")],
)
def test_how_words_are_compared_depends_on_how_many_there_are(datasets, current, earlier, method):
    """Too few are not compared; a distance is shown only where it is not mostly chance."""
    rows = [[{"label": "a" if number % 2 else "b"} for number in range(count)] for count in (current, earlier)]
    metrics = datasets.described(datasets.Columns(), *rows)
    assert [metric.method for metric in metrics] == ([] if method is None else [method])


def test_described_words_are_shown_without_a_test(datasets):
    """A family that some rows lack, a word that is new, and not a single test that could fail."""
    from evidently import Report

    columns = datasets.Columns()
    current = [{"label": "a"}] * 60 + [{"label": "new"}] * 30 + [{"length": "to_32"}] * 9
    metrics = datasets.described(columns, current, [{"label": "a"}] * 70)
    found = Report(metrics, include_tests=True).run(*columns.datasets())
    assert len(found.dict()["metrics"]) == 1
    assert found.dict()["tests"] == []
    assert "Drift in column 'label'" in found.get_html_str(as_iframe=False).replace("\\u0027", "'")
