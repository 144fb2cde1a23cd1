"""What notifications.js reads from a page: `{% stream_attrs %}` on elements, and `{% reader_attr %}` once."""

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from notifications.log import positions
from notifications.protocol import Position

register = template.Library()


@register.simple_tag(takes_context=True)
def reader_attr(context: Context) -> SafeString:
    """For whom the page was made, on its html element or script: it takes no news by anybody else's connection."""
    user = getattr(context.get("request"), "user", None)
    return format_html('data-reader="{}"', "" if user is None or user.pk is None else user.pk)


@register.simple_tag
def stream_attrs(*streams: str | dict[str, Position]) -> SafeString:
    """The attributes of an element that follows these streams.

    A page that shows rows passes what `positions()` gave before it read them. A bare name is followed from
    now on, which suits an element that shows nothing older.
    """
    known: dict[str, Position] = {}
    for stream in streams:
        known |= stream if isinstance(stream, dict) else {}
    bare = [stream for stream in streams if isinstance(stream, str)]
    known |= positions(*bare) if bare else {}
    return format_html(
        'data-stream="{}" data-epoch="{}" data-offset="{}"',
        " ".join(known),
        " ".join(place.epoch or "-" for place in known.values()),
        " ".join(str(place.offset) for place in known.values()),
    )
