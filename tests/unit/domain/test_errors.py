from __future__ import annotations

import pytest

from domain import errors


def test_config_error_leads_with_the_path():
    """A reader must see at once which key is meant."""
    assert str(errors.ConfigError("a.b", "too small")) == "a.b: too small"
    assert str(errors.ConfigError("", "cannot read x")) == "cannot read x"


@pytest.mark.parametrize(
    "error",
    [
        errors.ConfigError("a", "b"),
        errors.DatasetError("a"),
        errors.ModelError("a"),
        errors.StoreError("a"),
        errors.LeaseLostError("a"),
        errors.UpstreamError(errors.UpstreamFailure.CONNECT, "a"),
    ],
)
def test_one_except_catches_all_of_ours(error):
    """The command line shows any PreceptorError as one line, so every error of ours must be one."""
    assert isinstance(error, errors.PreceptorError)
