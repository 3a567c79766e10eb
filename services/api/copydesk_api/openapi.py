"""Prints the OpenAPI document: ``python -m copydesk_api.openapi > docs/openapi.json``."""

import json
import sys

from copydesk_api.app import create_app, openapi_document
from copydesk_api.database import database_url, make_engine
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store


def document_text() -> str:
    """The document as it lies in ``docs/``. No database is opened for it."""
    store = Store(make_engine(database_url("sqlite:///unused")))
    return json.dumps(openapi_document(create_app(store, ApiSettings())), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document_text())
