"""HTML as a tree, so that every text is escaped by the library that writes the tree out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

Child: TypeAlias = "Element | str | None"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def node(tag: str, *children: Child | Iterable[Child], **attributes: object) -> Element:
    """An element; of attributes a `_` at the end is dropped (`class_`), others become `-`; None leaves one or a child out."""
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            made.set(name.removesuffix("_").replace("_", "-"), clean(str(value)))
    for child in children:
        if isinstance(child, (Element, str)) or child is None:
            _append(made, child)
        else:
            for each in child:
                _append(made, each)
    return made


def _append(parent: Element, child: Child) -> None:
    if isinstance(child, Element):
        parent.append(child)
    elif child is not None:
        text = clean(child)
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text


def clean(text: str) -> str:
    """`text` with a mark in place of characters that HTML does not allow."""
    return _CONTROL.sub("\ufffd", text)


def written(root: Element) -> str:
    """The document."""
    return "<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html") + "\n"
