"""The error tree in the docstring of stream_cw.errors is the one in the code."""

import inspect
import re

from stream_cw import errors

LINE = re.compile(r"^    (?P<stem>[│├└─ ]*)(?P<name>[A-Z]\w+Error)\b(?P<told> .*)?$", re.MULTILINE)


def told_tree() -> dict[str, str | None]:
    """Parent of each class as the docstring draws it, in steps of four columns."""
    parents: dict[str, str | None] = {}
    line_of_descent: list[str] = []
    for line in LINE.finditer(errors.__doc__ or ""):
        depth, rest = divmod(len(line["stem"]), 4)
        assert rest == 0, line[0]
        line_of_descent[depth:] = [line["name"]]
        assert line["name"] not in parents, f"{line['name']} is drawn twice"
        parents[line["name"]] = line_of_descent[depth - 1] if depth else None
        assert depth == 0 or line["told"], f"{line['name']} is not explained"
    return parents


def test_docstring_and_code_agree_on_every_class_and_its_parent() -> None:
    classes = {
        name: cls
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if cls.__module__ == errors.__name__
    }
    parents = {
        name: None if cls is errors.StreamCwError else cls.__bases__[0].__name__
        for name, cls in classes.items()
    }
    assert told_tree() == parents
    assert all(len(cls.__bases__) == 1 for cls in classes.values())
    assert errors.StreamCwError.__bases__ == (Exception,)
