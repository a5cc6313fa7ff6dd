# SPDX-License-Identifier: Apache-2.0
"""Several runs at once, one process each, their news brought to one observer."""

import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty
from types import FrameType, TracebackType
from typing import Any, Self

from yingzhou.errors import ConfigError

from .runs import Observer, Outcome, Run, Scenario, execute


class RunObserver:
    """Receives the news of several runs. Override what is of interest."""

    def console(self, run: str, text: str) -> None:
        """A program printed ``text``."""

    def scenario(self, scenario: Scenario) -> None:
        """A scenario ended."""

    def progress(self, outcome: Outcome) -> None:
        """A few thousand cycles have passed, or the run ended (``outcome.stop`` is set)."""


@dataclass(frozen=True)
class _Failure:
    """An exception of a worker. ``user`` errors are one sentence, the others a text for the developer."""

    user: bool
    text: str


class _Forward(Observer):
    """In the worker: sends news to the parent."""

    def __init__(self, run: str, queue: Any):
        self._run, self._queue = run, queue

    def console(self, text: str) -> None:
        if text:
            self._queue.put(("console", self._run, text))

    def scenario(self, scenario: Scenario) -> None:
        self._queue.put(("scenario", scenario))

    def progress(self, outcome: Outcome) -> None:
        self._queue.put(("progress", outcome))


def _worker(run: Run, queue: Any, stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells us to stop, so that the outcome still arrives
    try:
        result: Outcome | _Failure = execute(run, _Forward(run.name, queue), stop.is_set)
    except ConfigError as error:
        result = _Failure(True, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        result = _Failure(False, f"{run.name}: {type(error).__name__}: {error}")
    queue.put(("done", run.name, result))


class _Interrupt:
    """Notes the first Ctrl-C instead of raising: an exception in the middle of a queue's read would tear its stream.

    A second Ctrl-C does what it always does.
    """

    def __enter__(self) -> Self:
        self.seen = False
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        signal.signal(signal.SIGINT, self._before)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)


def execute_all(runs: Sequence[Run], observer: RunObserver, jobs: int) -> tuple[list[Outcome], bool]:
    """Run at most ``jobs`` at a time, in order.

    Returns the outcomes in the order of ``runs`` and whether the user interrupted; an interrupted run's outcome has
    ``stop`` None, a run that never began has none.
    """
    context = multiprocessing.get_context("spawn")
    queue, stop = context.Queue(), context.Event()
    waiting, active = list(runs), {}
    done: dict[str, Outcome] = {}
    failure: _Failure | None = None
    with _Interrupt() as interrupt:
        while active or (waiting and not stop.is_set()):
            while waiting and len(active) < jobs and not stop.is_set():
                run = waiting.pop(0)
                active[run.name] = process = context.Process(target=_worker, args=(run, queue, stop), daemon=True)
                process.start()
            if interrupt.seen:
                stop.set()
            try:
                news = queue.get(timeout=0.5)
            except Empty:
                dead = [name for name, process in active.items() if not process.is_alive()]
                if dead and queue.empty():
                    raise RuntimeError(f"the simulation of {', '.join(dead)} died without a word") from None
                continue
            match news:
                case ("console", name, text):
                    observer.console(name, text)
                case ("scenario", scenario):
                    observer.scenario(scenario)
                case ("progress", outcome):
                    observer.progress(outcome)
                case ("done", name, result):
                    active.pop(name).join()
                    if isinstance(result, _Failure):
                        failure = failure or result
                        stop.set()
                    else:
                        done[name] = result
                        observer.progress(result)
    if failure:
        raise ConfigError(failure.text) if failure.user else RuntimeError(failure.text)
    return [done[run.name] for run in runs if run.name in done], interrupt.seen
