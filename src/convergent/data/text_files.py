"""Text files as text: UTF-8 or UTF-16 with its mark; what is no text is refused with the reason."""

from __future__ import annotations

import codecs
from pathlib import Path

from convergent.data.tokens import normalised

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path) -> str:
    """Return the text of a file in composed Unicode with plain line ends.

    Raises ValueError with the reason where it is empty, holds NUL bytes, or is in another encoding.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    encoding = "utf-16" if content.startswith(UTF16) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"is not {encoding.upper()[:6].rstrip('-')} text (line {line}): save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"holds NUL bytes (line {line}), as no text does")
    if not text.strip():
        raise ValueError("holds no text")
    return normalised(text)
