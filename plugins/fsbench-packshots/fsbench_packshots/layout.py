"""Where things stand on a label: layouts in shares of its size, and boxes in pixels."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle: in pixels, or in shares of the label's width and height."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """The width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """The height in pixels."""
        return self.bottom - self.top

    @property
    def middle(self) -> tuple[float, float]:
        """The centre, (x, y)."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def grown(self, x: float, y: float) -> Box:
        """Returns a box larger by ``x`` to the left and right and by ``y`` above and below; smaller where negative."""
        return Box(self.left - x, self.top - y, self.right + x, self.bottom + y)

    def rounded(self) -> tuple[int, int, int, int]:
        """Returns left, top, right and bottom as whole pixels."""
        return round(self.left), round(self.top), round(self.right), round(self.bottom)


def around(x: float, y: float, half_width: float, half_height: float) -> Box:
    """Returns the box centred at (x, y)."""
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


class Layout(NamedTuple):
    """The places of the brand's name, what the product is, the flavour's name, its picture and the size."""

    logo: Box
    title: Box
    flavour: Box
    picture: Box
    badge: tuple[float, float]

    def on(self, size: tuple[int, int], span: float) -> Layout:
        """This layout (in shares) in pixels of ``size``, drawn in to the middle ``span`` of the width."""
        width, height = size

        def x(share: float) -> float:
            return width * (0.5 + (share - 0.5) * span)

        def put(box: Box) -> Box:
            return Box(x(box.left), height * box.top, x(box.right), height * box.bottom)

        logo, title, flavour, picture = (put(b) for b in (self.logo, self.title, self.flavour, self.picture))
        return Layout(logo, title, flavour, picture, (x(self.badge[0]), height * self.badge[1]))


LAYOUTS: dict[str, Layout] = {
    "top": Layout(
        logo=Box(0.1, 0.05, 0.9, 0.235),
        title=Box(0.2, 0.272, 0.8, 0.315),
        flavour=Box(0.13, 0.355, 0.87, 0.435),
        picture=Box(0.14, 0.47, 0.86, 0.9),
        badge=(0.8, 0.88),
    ),
    "middle": Layout(
        logo=Box(0.1, 0.4, 0.9, 0.585),
        title=Box(0.2, 0.632, 0.8, 0.678),
        flavour=Box(0.13, 0.72, 0.87, 0.81),
        picture=Box(0.16, 0.04, 0.84, 0.38),
        badge=(0.78, 0.9),
    ),
    "bottom": Layout(
        logo=Box(0.1, 0.55, 0.9, 0.73),
        title=Box(0.2, 0.772, 0.8, 0.815),
        flavour=Box(0.13, 0.855, 0.87, 0.935),
        picture=Box(0.12, 0.09, 0.88, 0.52),
        badge=(0.8, 0.1),
    ),
    "side": Layout(
        logo=Box(0.07, 0.05, 0.31, 0.95),
        title=Box(0.4, 0.05, 0.92, 0.105),
        flavour=Box(0.4, 0.155, 0.92, 0.265),
        picture=Box(0.36, 0.32, 0.94, 0.8),
        badge=(0.78, 0.9),
    ),
    "crest": Layout(
        logo=Box(0.15, 0.07, 0.85, 0.3),
        title=Box(0.15, 0.86, 0.6, 0.91),
        flavour=Box(0.13, 0.72, 0.87, 0.83),
        picture=Box(0.2, 0.34, 0.8, 0.7),
        badge=(0.8, 0.93),
    ),
}
"""In shares of the label. On ``side`` the brand's name is written upwards."""
