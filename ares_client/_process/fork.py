"""Lets objects with threads, locks or open files prepare for a fork, so that they work on both sides of it.

A forked child has only the thread that called `fork`. A lock that another thread holds at that moment stays locked
in the child for ever, and an open SQLite connection must not be used there. See fork(2), and the section "Carrying
an open database connection across a fork()" in https://www.sqlite.org/howtocorrupt.html.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakMethod

Hook = Callable[[], None]


@dataclass(frozen=True)
class _Watch:
    before: WeakMethod[Hook] | None
    in_parent: WeakMethod[Hook] | None
    in_child: WeakMethod[Hook]


_watches: list[_Watch] = []
# What the fork in progress began with. Another thread may add a watch meanwhile, and it must get no `after` hook
# without its `before` hook.
_under_way: list[_Watch] = []


def watch(*, before: Hook | None = None, in_parent: Hook | None = None, in_child: Hook) -> None:
    """Call these methods around every fork, for as long as their object lives.

    The references are weak, so watching does not keep the object alive.
    """
    _watches[:] = [entry for entry in _watches if entry.in_child()]
    _watches.append(
        _Watch(
            WeakMethod(before) if before else None,
            WeakMethod(in_parent) if in_parent else None,
            WeakMethod(in_child),
        )
    )


def _call(hook: WeakMethod[Hook] | None) -> None:
    method = hook and hook()
    if method:
        method()


def _before() -> None:
    _under_way[:] = _watches
    for entry in _under_way:
        _call(entry.before)


def _in_parent() -> None:
    for entry in _under_way:
        _call(entry.in_parent)


def _in_child() -> None:
    for entry in _under_way:
        _call(entry.in_child)


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
