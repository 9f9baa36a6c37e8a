"""What the page is made of, and how it is served: no browser needed."""

import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from stream_cw.core.catalog import decode_catalog_entry
from stream_cw.core.reasons import WORDS
from stream_cw.gateway.page import CONTENT_SECURITY_POLICY, FOLDER, SERVED, TITLES, page_routes

FILES = sorted(file.name for file in FOLDER.iterdir() if file.suffix in SERVED)


@pytest.fixture
def client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=page_routes()))
    return httpx.AsyncClient(transport=transport, base_url="http://page.test")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/", *(f"/page/{name}" for name in FILES)])
async def test_every_file_comes_with_the_policy(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = await client.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    ["/page/__init__.py", "/page/", "/page/../app.py", "/page/%2e%2e/app.py", "/page/none.js"],
)
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("name", [name for name in FILES if Path(name).suffix in {".html", ".js"}])
def test_the_page_is_made_of_own_files_alone(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert not re.findall(r"""(?:src|href|from|import|url)\W+(?:https?:)?//""", text)
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=\"|javascript:", text)
    assert "innerHTML" not in text


def test_reasons_are_told_in_the_words_of_the_service() -> None:
    source = (FOLDER / "words.js").read_text()
    block = source.partition("REASONS = {")[2].partition("};")[0]
    assert dict(re.findall(r'(\w+): "([^"]+)"', block)) == WORDS


def test_the_shelves_are_a_catalog() -> None:
    entries = [decode_catalog_entry(line) for line in TITLES.read_bytes().splitlines()]
    assert len({entry.id for entry in entries}) == len(entries) > 10
    assert {bool(entry.kids) for entry in entries} == {False, True}
