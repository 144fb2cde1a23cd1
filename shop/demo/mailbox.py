"""The messages that the file mail backend wrote, newest first."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

SEPARATOR = b"-" * 79 + b"\n"


@dataclass(frozen=True)
class Letter:
    """`name` is the file's, and which message in it: one connection's messages share a file."""

    name: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "(no subject)")

    @property
    def sender(self) -> str:
        return str(self.message["From"] or "")

    @property
    def to(self) -> str:
        return str(self.message["To"] or "")

    @property
    def sent_at(self) -> datetime | None:
        try:
            return parsedate_to_datetime(str(self.message["Date"]))
        except ValueError:
            return None

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    @property
    def files(self) -> list[EmailMessage]:
        return [part for part in self.message.iter_attachments() if isinstance(part, EmailMessage)]

    @property
    def file_names(self) -> list[str]:
        # In a template `file.get_filename` is looked for among the part's headers, and found to be None.
        return [part.get_filename() or "file" for part in self.files]

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return part.get_content() if part else ""


def letters(folder: Path) -> list[Letter]:
    files = sorted(folder.glob("*.log"), key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True)
    return [letter for file in files for letter in reversed(_letters_in(file))]


def letter_named(folder: Path, name: str) -> Letter | None:
    stem = name.rpartition("-")[0]
    file = folder / f"{stem}.log"
    if not stem or not file.is_file():
        return None
    return next((letter for letter in _letters_in(file) if letter.name == name), None)


def _letters_in(file: Path) -> list[Letter]:
    # The last piece is empty, or a message that is being written in this moment.
    pieces = file.read_bytes().split(b"\n" + SEPARATOR)[:-1]
    return [
        Letter(f"{file.stem}-{number}", email.message_from_bytes(piece, policy=email.policy.default))
        for number, piece in enumerate(pieces, start=1)
    ]
