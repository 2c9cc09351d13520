"""Elements of SVG and HTML as text; whatever comes from outside is escaped where it becomes an element."""

from __future__ import annotations

from markupsafe import Markup, escape

# what XML has no place for, as a mark that something was there
_UNWRITABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(55296, 57344), 65534, 65535), "�")
ElementContent = str | Markup | float | None


def element(tag: str, *children: ElementContent, **attributes: ElementContent) -> Markup:
    """An element with its attributes and children.

    Args:
        tag: Its name.
        *children: Elements, or texts, which are escaped; None for nothing.
        **attributes: By name, a final underscore left out and others written as hyphens; None for no such attribute.
            Numbers have two decimals at most.
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items() if value is not None)
    inside = "".join(text_of(child) for child in children if child is not None)
    return Markup(f"<{tag}{written}>{inside}</{tag}>")  # noqa: S704 - each part is escaped


def empty(tag: str, **attributes: ElementContent) -> Markup:
    """An element of HTML that has no end, such as `img`."""
    written = "".join(_attribute(name, value) for name, value in attributes.items() if value is not None)
    return Markup(f"<{tag}{written}>")  # noqa: S704 - each part is escaped


def joined(*parts: ElementContent) -> Markup:
    """Elements and texts after one another."""
    return Markup("".join(text_of(part) for part in parts if part is not None))  # noqa: S704 - each part is escaped


def text_of(content: ElementContent) -> str:
    """Content as it is written: elements as they are, texts escaped, numbers with two decimals at most."""
    if isinstance(content, float):
        return f"{content:.2f}".rstrip("0").rstrip(".").replace("-0", "0") if abs(content) < 0.005 else _short(content)
    return str(escape(content)).translate(_UNWRITABLE)


def _short(number: float) -> str:
    text = f"{number:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _attribute(name: str, value: ElementContent) -> str:
    written = name.rstrip("_").replace("_", "-")
    return f' {written}="{text_of(value)}"'
