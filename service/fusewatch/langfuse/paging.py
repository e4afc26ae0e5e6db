"""How much to ask for at once, and how to page through a list that moves while it is read."""

from fusewatch.langfuse.instants import iso

SMALLEST_PAGE = 10
_GOOD_ANSWERS_TO_GROW = 20


class PageSize:
    """The `limit` to ask for: halved when an answer was too much, doubled again after a run of good ones."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._good = 0
        self.limit = largest

    def halve(self) -> bool:
        """Ask for less from now on; False when it is already the least."""
        self._good = 0
        if self.limit <= SMALLEST_PAGE:
            return False
        self.limit = max(self.limit // 2, SMALLEST_PAGE)
        return True

    def succeeded(self) -> None:
        self._good += 1
        if self._good >= _GOOD_ANSWERS_TO_GROW and self.limit < self._largest:
            self.limit = min(self.limit * 2, self._largest)
            self._good = 0


class NewestFirst:
    """A walk through a v1 list, newest first, that neither skips nor repeats for ever when rows come or go meanwhile.

    v1 pages by offset over `start_time DESC` alone, so a row that comes or goes shifts every later page. Instead the
    upper bound follows the last row read (rows of that same instant come again, the reader drops them), and an offset
    is used only while a whole page holds one instant.
    """

    def __init__(self, from_ms: int, to_ms: int) -> None:
        self.from_ms = from_ms
        self.to_ms = to_ms
        self.done = from_ms >= to_ms
        self._offset = 0

    def params(self, limit: int, *, lower: str, upper: str) -> dict[str, str]:
        """Query parameters of the next page; `lower` and `upper` name the bounds, inclusive and exclusive."""
        page = self._offset // limit + 1
        return {"limit": str(limit), "page": str(page), lower: iso(self.from_ms), upper: iso(self.to_ms)}

    def advance(self, limit: int, *, rows: int, last_ms: int | None, total_pages: int | None) -> None:
        """Go on after a page of `rows` rows of which the oldest readable one starts at `last_ms`.

        A page shorter than the limit need not be the last: Langfuse drops stale versions after it cut the page. So
        `total_pages`, counted before that, decides where it is given.
        """
        page = self._offset // limit + 1
        self.done = rows < limit if total_pages is None else page >= total_pages
        if last_ms is not None and last_ms + 1 < self.to_ms:
            self.to_ms = last_ms + 1
            self._offset = 0
        else:
            self._offset = page * limit
