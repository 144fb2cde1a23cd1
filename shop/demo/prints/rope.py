"""Rope as an engraver draws it: three strands laid round a centre line that passes truly over and under."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .press import Field, Point, Sheet

STEP = 0.45  # the length, in rope radii, of the straight pieces a rope is laid in


def spline(points: Sequence[Point], closed: bool = False, steps: int = 40) -> Field:
    """A centripetal curve through the points: no loops of its own, even where they stand close."""
    p = np.asarray(points, float)
    p = np.vstack([p[-1], p, p[:2]]) if closed else np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    knots = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1) ** 0.5)])
    spans = [_span(p[i - 1 : i + 3], knots[i - 1 : i + 3], steps) for i in range(1, len(p) - 2)]
    return np.vstack([*spans, p[-2]])


def _span(p: Field, knots: Field, steps: int) -> Field:
    t = np.linspace(knots[1], knots[2], steps, endpoint=False)[:, None]

    def mix(a: Field, b: Field, i: int, j: int) -> Field:
        return ((knots[j] - t) * a + (t - knots[i]) * b) / (knots[j] - knots[i])

    a, b, c = mix(p[0], p[1], 0, 1), mix(p[1], p[2], 1, 2), mix(p[2], p[3], 2, 3)
    return mix(mix(a, b, 0, 2), mix(b, c, 1, 3), 1, 2)


def even(line: Field, step: float) -> Field:
    """The same curve in steps of equal length."""
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1))])
    ticks = np.linspace(0, along[-1], max(2, round(along[-1] / step)) + 1)
    return np.stack([np.interp(ticks, along, line[:, k]) for k in range(line.shape[1])], axis=1)


def beside(line: Field, distance: float) -> Field:
    """A line that follows this closed one at its side, at the same height."""
    tangent = np.gradient(np.vstack([line[-2], line, line[1]])[:, :2], axis=0)[1:-1]
    tangent /= np.linalg.norm(tangent, axis=1)[:, None]
    moved = line.copy()
    moved[:, 0] += tangent[:, 1] * distance
    moved[:, 1] -= tangent[:, 0] * distance
    # Inside a tight bend the neighbour would curl; rope is stiffer than that.
    ring = moved[:-1, :2]
    for reach in (1, 2, 3, 2, 1):
        ring = (np.roll(ring, reach, axis=0) + ring + np.roll(ring, -reach, axis=0)) / 3
    moved[:, :2] = np.vstack([ring, ring[:1]])
    return moved


def crossings(a: Field, b: Field, same: bool) -> list[tuple[float, float]]:
    """Where two lines cross, as fractional indices into each."""
    p, r = a[:-1, None], (a[1:] - a[:-1])[:, None]
    q, s = b[None, :-1], (b[1:] - b[:-1])[None]
    det = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
    d = q - p
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (d[..., 0] * s[..., 1] - d[..., 1] * s[..., 0]) / det
        u = (d[..., 0] * r[..., 1] - d[..., 1] * r[..., 0]) / det
    hit = (t >= 0) & (t < 1) & (u >= 0) & (u < 1)
    found = [(float(i + t[i, j]), float(j + u[i, j])) for i, j in np.argwhere(hit)]
    return [(i, j) for i, j in found if not same or (j - i > 2 and j - i < len(a) - 3)]


def weave(lines: Sequence[Field], orders: Sequence[str] | None = None) -> list[Field]:
    """Plain lines lifted into rope: at every crossing one part passes over the other.

    Without orders they alternate; an order spells one line's passes, `O` over and `U` under, and an order
    that no rope could follow is an error.
    """
    partner: dict[tuple[int, float], tuple[int, float]] = {}
    for i, a in enumerate(lines):
        for j in range(i, len(lines)):
            for s, t in crossings(a, lines[j], i == j):
                partner |= {(i, s): (j, t), (j, t): (i, s)}
    level: dict[tuple[int, float], int] = {}
    for i in range(len(lines)):
        passes = sorted(p for p in partner if p[0] == i)
        settled = [level[p] * (-1) ** k for k, p in enumerate(passes) if p in level]
        spelled = orders[i] if orders else ("OU" if [*settled, 1][0] > 0 else "UO") * len(passes)
        for p, letter in zip(passes, spelled, strict=orders is not None):
            up = 1 if letter == "O" else -1
            if level.setdefault(p, up) != up:
                raise ValueError(f"line {i} cannot follow {spelled}")
            level[partner[p]] = -up
    return [_lift(line, {s: up for (j, s), up in level.items() if j == i}) for i, line in enumerate(lines)]


def _lift(line: Field, passes: dict[float, int]) -> Field:
    at = sorted(passes)
    height = np.interp(np.arange(len(line)), at, [passes[s] for s in at]) if at else np.zeros(len(line))
    # Flat near each crossing, so that ropes crossing at a slant do not change places half way.
    return np.column_stack([line, np.clip(2.5 * height, -1, 1)])


def place(lines: Sequence[Field], x: float, y: float, scale: float, turn: float = 0) -> list[Field]:
    """Woven lines moved onto the sheet (their y points up), turned by degrees."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return [
        np.column_stack(
            [
                x + scale * (c * line[:, 0] + s * line[:, 1]),
                y + scale * (s * line[:, 0] - c * line[:, 1]),
                line[:, 2],
            ]
        )
        for line in lines
    ]


@dataclass
class Rope:
    """Per pixel: how far along (in radii), how far across (-1..1), and which line (-1 is none)."""

    along: Field
    across: Field
    which: Field
    lengths: list[float]

    @classmethod
    def lay(cls, sheet: Sheet, lines: Sequence[Field], radius: float, gap: float = 0.3) -> "Rope":
        """Lay lines (mils, with a height) over each other, lowest first, each clearing a gap at its sides."""
        fine = 2 * sheet.u
        shape = (sheet.shape[0] * 2, sheet.shape[1] * 2)
        pieces, lengths = [], []
        for n, line in enumerate(lines):
            path = even(np.column_stack([line[:, :2] * fine, line[:, 2]]), radius * fine * STEP)
            tangent = _tangents(path[:, :2])
            lengths.append((len(path) - 1) * STEP)
            pieces += [(path[i : i + 2, 2].mean(), n, i, path[i : i + 2, :2], tangent[i : i + 2])
                       for i in range(len(path) - 1)]  # fmt: skip
        rope = cls(
            np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.full(shape, -1, np.int8), lengths
        )
        for _, n, i, ends, tangents in sorted(pieces, key=lambda piece: piece[:3]):
            rope._lay(n, i * STEP, ends, tangents, radius * fine, 1 + gap)
        return rope

    def _lay(self, n: int, start: float, ends: Field, tangents: Field, radius: float, reach: float) -> None:
        pad = radius * reach + 1
        left, top = np.maximum(np.floor(ends.min(axis=0) - pad), 0).astype(int)
        right, foot = np.minimum(np.ceil(ends.max(axis=0) + pad), self.which.shape[::-1]).astype(int)
        if left >= right or top >= foot:
            return
        y, x = np.mgrid[top:foot, left:right].astype(np.float32)
        (ax, ay), (bx, by) = ends
        (tx, ty), (ux, uy) = tangents
        before = (x - ax) * tx + (y - ay) * ty
        after = (x - bx) * ux + (y - by) * uy
        inside = (before >= 0) & (after < 0)
        f = before / np.where(inside, before - after, 1)
        side = ((y - ay) * tx - (x - ax) * ty) * (1 - f) + ((y - by) * ux - (x - bx) * uy) * f
        side /= radius
        near = inside & (np.abs(side) <= reach)
        body = near & (np.abs(side) <= 1)
        window = np.s_[top:foot, left:right]
        self.which[window][near & ~body] = -1
        self.which[window][body] = n
        self.along[window][body] = start + STEP * f[body]
        self.across[window][body] = side[body]

    def engraved(
        self,
        pitch: float = 6.4,
        yarns: float = 7,
        weight: float = 0.12,
        whipped: Sequence[tuple[int, int]] = (),
    ) -> tuple[list[Field], Field, Field]:
        """The plates: each line's flat body, the dark lines that shade them all, and the whipping of ends.

        `pitch` is the length of one turn of the lay in radii, `yarns` how many lines shade a strand, `weight`
        how heavy they are; `whipped` names ends as (line, 0 for its start or -1).
        """
        rope = self.which >= 0
        along, across, which = self.along[rope], self.across[rope], self.which[rope]
        turn = np.arcsin(np.clip(across, -1, 1))
        lay = 3 * along / pitch
        phase = lay + turn * (1.5 / np.pi)
        shape = _roundness(phase)
        rim = 0.88 + 0.12 * _roundness(lay + 0.75 * np.sign(across))
        bound = self._bound(along, which, whipped)
        rim = np.where(bound, 0.97, rim)
        tone = 0.5 - 0.62 * np.cos(turn + 0.45) * (0.35 + 0.65 * shape) + 0.34 * np.abs(np.sin(turn)) ** 3
        thread = np.abs(((turn * yarns / np.pi + 1.6 * (phase % 1)) % 1) - 0.5) * 2
        lines = (tone + weight > thread) | (shape < 0.34)
        turns = np.abs(((along * 2.6 + 0.22 * across) % 1) - 0.5) * 2
        lines = np.where(bound, turns < 0.24 + 0.5 * np.abs(np.sin(turn + 0.25)) ** 4, lines)
        lines |= np.abs(across) > rim - 0.1
        within = np.abs(across) < rim
        bodies = [self._plate(rope, within & (which == n)) for n in range(len(self.lengths))]
        return bodies, self._plate(rope, within & lines), self._plate(rope, within & bound)

    def _bound(self, along: Field, which: Field, whipped: Sequence[tuple[int, int]]) -> Field:
        bound = np.zeros(along.shape, bool)
        for n, end in whipped:
            from_end = self.lengths[n] - along if end else along
            bound |= (which == n) & (from_end > 0.8) & (from_end < 3.6)
        return bound

    def _plate(self, rope: Field, chosen: Field) -> Field:
        fine = np.zeros(rope.shape, np.float32)
        fine[rope] = chosen
        return (fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2]) / 4


def _tangents(path: Field) -> Field:
    tangent = np.gradient(path, axis=0)
    if np.allclose(path[0], path[-1]):
        tangent[0] = tangent[-1] = tangent[0] + tangent[-1]
    return tangent / np.linalg.norm(tangent, axis=1)[:, None]


def _roundness(phase: Field) -> Field:
    """Across one strand: 0 in the groove beside it, 1 on its crown."""
    return np.sqrt(np.clip(1 - (2 * (phase % 1) - 1) ** 2, 0, 1))
