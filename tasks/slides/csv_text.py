"""The cells of a CSV text; a table of strangers may hold a cell without end."""

import csv
import io

MOST_LETTERS = 131_072
"""Letters of one cell; the limit of Python's own reader, which threads share and nobody changes."""


class CsvTextError(ValueError):
    """A text that is no CSV; the message is half a sentence that names the line."""


def csv_lines(text: str) -> list[list[str]]:
    r"""Return the cells of every line.

    Raises:
        CsvTextError: a cell has more than ``MOST_LETTERS`` letters, as after a quotation mark that is not
            closed.

    Example:
        >>> csv_lines("a,b\n1,")
        [['a', 'b'], ['1', '']]
    """
    lines = []
    reader = csv.reader(io.StringIO(text))
    while True:
        try:
            lines.append(next(reader))
        except StopIteration:
            return lines
        except csv.Error as error:
            raise CsvTextError(f"line {len(lines) + 1} is no CSV: {error}") from error
