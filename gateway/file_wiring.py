"""From settings to the store of documents; an address that leads to none is named."""

from __future__ import annotations

from gateway.foundation.files import FilesAddressWrong, FileStore, is_elsewhere, store_elsewhere
from gateway.settings import ConfigurationError, Settings


def judge_files(settings: Settings) -> None:
    """See whether there can be a store, without asking it or making a folder.

    Raises:
        ConfigurationError: ``files.url``.
    """
    url = settings.files.url
    try:
        if is_elsewhere(url):
            store_elsewhere(url)
    except FilesAddressWrong as error:
        raise ConfigurationError([f"files.url: không dùng được: {error}"]) from error


def file_store(settings: Settings) -> FileStore:
    """The configured store.

    Raises:
        ConfigurationError: ``files.url``.
    """
    judge_files(settings)
    return FileStore(settings.files.url, settings.files.large_from)
