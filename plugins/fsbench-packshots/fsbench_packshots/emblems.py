"""What a brand's name is written on: one short function a shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from fsbench_packshots.colours import INK, Colour, mix
from fsbench_packshots.layout import Box

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw


class Sign(NamedTuple):
    """What an emblem is painted with: ``fill`` edged with ``paper``, around the name's ``box``.

    ``end`` is how far to the right a strip runs that begins at the left edge of the label.
    """

    draw: ImageDraw
    box: Box
    fill: Colour
    paper: Colour
    end: float

    @property
    def room(self) -> Box:
        """The name's box with some air around it."""
        return self.box.grown(0.09 * self.box.width, 0.12 * self.box.height)

    @property
    def rim(self) -> float:
        """Breadth of the edge in pixels."""
        return max(2.0, self.box.width / 50)


def _none(sign: Sign) -> None:
    """The name stands on the label's ground."""


def _ellipse(sign: Sign) -> None:
    oval = sign.room.grown(0.09 * sign.box.width, 0.06 * sign.box.height)
    sign.draw.ellipse(oval, sign.paper)
    sign.draw.ellipse(oval.grown(-sign.rim, -sign.rim), sign.fill)


def _ribbon(sign: Sign) -> None:
    drop = 0.2 * sign.box.height
    sign.draw.rectangle((0, sign.box.top + drop, sign.end, sign.box.bottom + drop), mix(sign.fill, INK, 0.35))
    sign.draw.rectangle(sign.room, sign.fill)


def _slab(sign: Sign) -> None:
    strip = sign.room.grown(0, 0.07 * sign.box.height)
    sign.draw.rectangle((0, strip.top, sign.end, strip.bottom), sign.fill)


def _shield(sign: Sign) -> None:
    left, top, right, bottom = sign.room
    waist, point = bottom - 0.24 * sign.box.height, bottom + 0.12 * sign.box.height
    outline = [(left, top), (right, top), (right, waist), ((left + right) / 2, point), (left, waist)]
    sign.draw.polygon(outline, sign.fill)
    sign.draw.line([*outline, outline[0]], sign.paper, round(sign.rim), joint="curve")


def _lozenge(sign: Sign) -> None:
    sign.draw.rounded_rectangle(sign.room, sign.box.height / 2, sign.paper)
    sign.draw.rounded_rectangle(sign.room.grown(-sign.rim, -sign.rim), sign.box.height / 2, sign.fill)


EMBLEMS: dict[str, Callable[[Sign], None]] = {
    "none": _none,
    "ellipse": _ellipse,
    "ribbon": _ribbon,
    "slab": _slab,
    "shield": _shield,
    "lozenge": _lozenge,
}
