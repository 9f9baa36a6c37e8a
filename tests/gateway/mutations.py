"""Changes of a text, for properties that hold for every one of them."""

from collections.abc import Callable

from hypothesis import strategies as st


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[str], str]:
    """One change of a text: a character replaced, put in, left out, or two pieces swapped."""
    where = draw(st.floats(0, 1, exclude_max=True))
    character = draw(st.sampled_from("ABCXYZabcxyz0189-_.=+/ ") | st.characters())
    how = draw(st.sampled_from(["replace", "insert", "delete", "double", "cut"]))

    def mutate(text: str) -> str:
        at = int(where * len(text))
        return {
            "replace": text[:at] + character + text[at + 1 :],
            "insert": text[:at] + character + text[at:],
            "delete": text[:at] + text[at + 1 :],
            "double": text[:at] + text[at] + text[at:],
            "cut": text[:at],
        }[how]

    return mutate
