"""Real-world distortions of pictures, batched: what a shelf, a hand and a cheap camera do to a pack shot."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class Distortion:
    """How strong each distortion may be; every picture draws its own strengths from these ranges.

    Parameters
    ----------
    area : least share of the picture that is kept by the crop.
    aspect : largest change of the aspect ratio, as exp(± aspect).
    perspective : largest shift of a corner, as a share of half the side.
    rotation : largest rotation, in radians.
    low_resolution : probability of shrinking to 28 … 112 px and back, which blurs as well.
    light : strength of gamma, gain and contrast; ``colour`` : of colour cast and saturation.
    occlusion : probability of a grey rectangle of 10 to 35 % of each side.
    jpeg : probability of compression at quality 15 … 80; ``noise`` : largest standard deviation.
    """

    area: float = 0.5
    aspect: float = 0.3
    perspective: float = 0.1
    rotation: float = 0.12
    low_resolution: float = 0.7
    light: float = 0.5
    colour: float = 0.08
    occlusion: float = 0.2
    jpeg: float = 0.25
    noise: float = 0.03

    def __call__(self, pictures: Tensor, size: int, random: Generator) -> Tensor:
        """``pictures [B, 3, H, W]`` in 0..1 -> distorted ones ``[B, 3, size, size]`` in 0..1."""
        seen = self.moved(pictures, size, random)
        seen = blurred(seen, self.low_resolution, random)
        seen = occluded(seen, self.occlusion, random)
        seen = self.lit(seen, random)
        return compressed(seen, self.jpeg, random)

    def moved(self, pictures: Tensor, size: int, random: Generator) -> Tensor:
        """Applies crop, aspect ratio, perspective and rotation, as one resampling."""
        import torch
        from torch.nn.functional import grid_sample

        n = len(pictures)
        area = uniform(random, (n, 1), self.area, 1.05)
        ratio = uniform(random, (n, 1), -self.aspect, self.aspect).exp()
        half = torch.cat([(area * ratio).sqrt(), (area / ratio).sqrt()], dim=1).clamp(max=1.05)  # [B, 2]
        centre = uniform(random, (n, 2), -1, 1) * (1 - half).clamp_min(0)
        square = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]).expand(n, 4, 2)
        corners = square + uniform(random, (n, 4, 2), -self.perspective, self.perspective)
        corners = corners * half[:, None]
        angle = uniform(random, (n, 1), -self.rotation, self.rotation)
        x, y = corners.unbind(dim=2)
        turned = [x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()]
        corners = torch.stack(turned, dim=2) + centre[:, None]
        ticks = torch.linspace(-1, 1, size)
        v, u = torch.meshgrid(ticks, ticks, indexing="ij")
        points = torch.stack([u, v, torch.ones_like(u)], dim=-1).reshape(1, -1, 3)
        mapped = points @ homography(square, corners).transpose(1, 2)
        grid = (mapped[..., :2] / mapped[..., 2:]).reshape(n, size, size, 2)
        return grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)

    def lit(self, pictures: Tensor, random: Generator) -> Tensor:
        """Applies gamma, gain, colour cast, contrast, saturation and noise."""
        import torch

        def draw(low: float, high: float, channels: int = 1) -> Tensor:
            return uniform(random, (len(pictures), channels, 1, 1), low, high)

        seen = pictures.clamp(1e-4, 1).pow(draw(-0.5 * self.light, 0.7 * self.light).exp())
        seen = seen * draw(-self.light, 0.3 * self.light).exp() * draw(-self.colour, self.colour, 3).exp()
        mean = seen.mean(dim=(1, 2, 3), keepdim=True)
        seen = (seen - mean) * draw(-0.5 * self.light, 0.4 * self.light).exp() + mean
        grey = seen.mean(dim=1, keepdim=True)
        seen = grey + (seen - grey) * draw(1 - 3 * self.colour, 1 + 2 * self.colour)
        return (seen + torch.randn(seen.shape, generator=random) * draw(0, self.noise)).clamp_(0, 1)


def uniform(random: Generator, shape: tuple[int, ...], low: float, high: float) -> Tensor:
    """Draws uniform numbers in [low, high) of a private generator."""
    import torch

    return torch.rand(shape, generator=random) * (high - low) + low


def homography(source: Tensor, target: Tensor) -> Tensor:
    """Returns the 3×3 matrices ``[B, 3, 3]`` that map corners ``source [B, 4, 2]`` to ``target [B, 4, 2]``."""
    import torch

    x, y = source.unbind(dim=2)
    u, v = target.unbind(dim=2)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    rows_u = torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], dim=2)
    rows_v = torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], dim=2)
    solved = torch.linalg.solve(torch.cat([rows_u, rows_v], dim=1), torch.cat([u, v], dim=1))
    return torch.cat([solved, one[:, :1]], dim=1).reshape(-1, 3, 3)


def blurred(pictures: Tensor, probability: float, random: Generator) -> Tensor:
    """Returns some pictures shrunk to 28 … 112 px, one side more than the other, and enlarged again."""
    import torch
    from torch.nn.functional import interpolate

    size = pictures.shape[-1]
    numbers = torch.rand(len(pictures), 3, generator=random).tolist()
    for i, (chance, scale, stretch) in enumerate(numbers):
        if chance < probability:
            side, ratio = 28 * 4**scale, 2 ** (stretch - 0.5)
            low = (max(12, int(side * ratio)), max(12, int(side / ratio)))
            small = interpolate(pictures[i : i + 1], low, mode="bilinear", antialias=True)
            pictures[i : i + 1] = interpolate(small, (size, size), mode="bilinear")
    return pictures


def occluded(pictures: Tensor, probability: float, random: Generator) -> Tensor:
    """Returns some pictures with a grey rectangle of 10 to 35 % of each side in front."""
    import torch

    size = pictures.shape[-1]
    for i, (chance, *place, grey) in enumerate(torch.rand(len(pictures), 6, generator=random).tolist()):
        if chance < probability:
            high, wide = (int(size * (0.1 + 0.25 * p)) for p in place[:2])
            top, left = int(place[2] * (size - high)), int(place[3] * (size - wide))
            pictures[i, :, top : top + high, left : left + wide] = grey
    return pictures


def compressed(pictures: Tensor, probability: float, random: Generator) -> Tensor:
    """Returns some pictures through JPEG at quality 15 … 80."""
    import torch
    from PIL import Image

    for i, (chance, quality) in enumerate(torch.rand(len(pictures), 2, generator=random).tolist()):
        if chance < probability:
            buffer = io.BytesIO()
            pixels = (pictures[i].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
            Image.fromarray(pixels).save(buffer, "JPEG", quality=int(15 + 65 * quality))
            with Image.open(buffer) as image:
                back = np.asarray(image, dtype=np.float32) / 255
            pictures[i] = torch.from_numpy(back).permute(2, 0, 1)
    return pictures


def as_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Returns pictures ``[B, 3, S, S]`` in 0..1."""
    import torch

    return torch.from_numpy(images).float() / 255


def resized(images: Tensor, size: int) -> Tensor:
    """Returns pictures at another side length, bilinear and antialiased."""
    from torch.nn.functional import interpolate

    return interpolate(images, (size, size), mode="bilinear", antialias=True)
