"""The bundled sample publisher: a newspaper on loopback whose articles carry the junk that real pages carry."""

from copydesk_standalone.demo.publisher import Publisher, Response, feeds_yaml
from copydesk_standalone.demo.server import serve

__all__ = ["Publisher", "Response", "feeds_yaml", "serve"]
