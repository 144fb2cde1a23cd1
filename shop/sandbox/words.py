"""Long lists of names read better as text than as one quoted word a line."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())
