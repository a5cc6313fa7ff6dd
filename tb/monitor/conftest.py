# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the monitor's tests: native monitors in the states that tests begin with."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .native import Native, build, ready
from .pair import Pair


@pytest.fixture(scope="session")
def executable() -> Path:
    """Return the native monitor; ``YZ_MONITOR_SOURCES`` names another folder of sources (mutation runs)."""
    folder = os.environ.get("YZ_MONITOR_SOURCES")
    return build(Path(folder)) if folder else build()


@pytest.fixture
def booted(executable: Path) -> Iterator[Native]:
    """A monitor after boot."""
    with Native(executable=executable) as native:
        yield native


@pytest.fixture
def tables(booted: Native) -> Native:
    """A monitor after SM_INIT and PT_AREA_SEPARATION."""
    return ready(booted)


@pytest.fixture
def pair(executable: Path) -> Iterator[Pair]:
    """Monitor and model after boot."""
    both = Pair(executable=executable)
    yield both
    both.close()


@contextmanager
def _unchanged(native: Native) -> Iterator[None]:
    native.dirty()
    records = native.records()
    yield
    assert native.dirty() == [], "memory was written"
    assert native.records() == records, "ownership records changed"


@pytest.fixture
def unchanged() -> Callable:
    """Return a context manager: what runs inside writes no memory and changes no record."""
    return _unchanged
