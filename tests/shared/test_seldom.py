import logging

import pytest

from copydesk_shared.seldom import Seldom


def _complain(logger: logging.Logger, times: int) -> None:
    for number in range(times):
        logger.warning("again %d", number)


def test_a_complaint_repeated_is_logged_once_and_others_are_not_touched(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(seldom := Seldom("noisy", 60))
    try:
        _complain(logging.getLogger("noisy.part"), 5)
        logging.getLogger("noisy.part").warning("another")
        _complain(logging.getLogger("quiet"), 3)
    finally:
        caplog.handler.removeFilter(seldom)
    assert caplog.messages == ["again 0", "another", "again 0", "again 1", "again 2"]


def test_after_a_while_it_is_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(seldom := Seldom("noisy", 0))
    try:
        _complain(logging.getLogger("noisy"), 3)
    finally:
        caplog.handler.removeFilter(seldom)
    assert len(caplog.messages) == 3
