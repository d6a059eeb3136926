"""What there is to buy: kinds of goods with the packs, flavours, descriptions and sizes they come in."""

from __future__ import annotations

from dataclasses import dataclass

FRUIT = (
    "lemon",
    "orange",
    "lime",
    "grapefruit",
    "apple",
    "peach",
    "plum",
    "mango",
    "cherry",
    "strawberry",
    "grape",
)
BERRY = (
    "cherry",
    "strawberry",
    "blueberry",
    "currant",
    "peach",
    "plum",
    "banana",
    "kiwi",
    "melon",
    "coconut",
    "vanilla",
    "mango",
)
SAVOURY = ("tomato", "chilli", "cheese", "onion", "mushroom", "basil", "carrot", "pea")
ROAST = ("coffee", "cocoa", "almond", "hazelnut", "vanilla", "coconut", "honey")
FRESH = ("lavender", "rose", "daisy", "mint", "ocean", "lemon", "coconut", "almond", "lime", "peach")


@dataclass(frozen=True)
class Kind:
    """A kind of goods: ``forms`` of pack, ``flavours`` of ``INGREDIENTS``, words for the label, sizes."""

    forms: tuple[str, ...]
    flavours: tuple[str, ...]
    titles: tuple[str, ...]
    sizes: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "cereal": Kind(
        ("box", "box", "pouch"),
        ("honey", "cocoa", "wheat", "almond", "strawberry", "banana", "blueberry", "hazelnut", "apple"),
        ("muesli", "oat flakes", "crunch", "granola"),
        ("375 g", "500 g", "750 g"),
    ),
    "biscuit": Kind(
        ("slab", "bag", "box"),
        (*ROAST, "lemon", "orange", "strawberry"),
        ("biscuits", "wafers", "cookies"),
        ("150 g", "200 g", "250 g"),
    ),
    "juice": Kind(("carton", "bottle"), FRUIT, ("juice", "nectar", "smoothie"), ("1 L", "750 ml", "1.5 L")),
    "soda": Kind(
        ("can", "can", "bottle"),
        (*FRUIT, "mint", "blueberry"),
        ("soda", "fizz", "spritz"),
        ("330 ml", "250 ml", "500 ml"),
    ),
    "crisps": Kind(("bag",), SAVOURY, ("crisps", "chips", "tortillas"), ("90 g", "150 g", "175 g")),
    "spread": Kind(
        ("jar",),
        (*BERRY, "honey", "hazelnut", "orange"),
        ("jam", "spread", "jelly"),
        ("340 g", "450 g", "225 g"),
    ),
    "coffee": Kind(("pouch", "tin"), ROAST, ("coffee", "roast", "espresso"), ("250 g", "500 g", "1 kg")),
    "tea": Kind(
        ("slab", "box", "tin"),
        ("tea", "mint", "lemon", "rose", "apple", "peach", "vanilla", "lavender", "currant"),
        ("tea", "infusion"),
        ("20 bags", "40 bags", "80 g"),
    ),
    "soup": Kind(
        ("tin", "tin", "carton"), SAVOURY, ("soup", "stew", "cream soup"), ("400 g", "300 g", "800 g")
    ),
    "yoghurt": Kind(("tub",), BERRY, ("yoghurt", "dessert", "skyr"), ("150 g", "400 g", "500 g")),
    "soap": Kind(
        ("flask",), FRESH, ("shower gel", "shampoo", "dish soap", "softener"), ("300 ml", "500 ml", "750 ml")
    ),
    "cream": Kind(
        ("tube",), FRESH, ("hand cream", "toothpaste", "body lotion"), ("75 ml", "100 ml", "125 ml")
    ),
}
