"""A person in a real Chromium types a comment on the sandbox's page and reads the answer there."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from .stage import Stage

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
"""For a machine without a display and without a network; some start it as root."""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page in the system's Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed here")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield await browser.new_page()
        await browser.close()


async def test_a_comment_typed_on_the_page_is_answered_on_the_page(stage: Stage, page: Page, tmp_path: Path) -> None:
    """The page shows new comments by itself; nothing on it fails."""
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    await page.goto(f"{stage.jira.base_url}/browse/{stage.issue.key}")

    await page.get_by_role("radio", name="Ada Lovelace").check()
    await page.locator("textarea[name=text]").fill("@openhands fix login.py")
    await page.get_by_role("button", name="Comment").click()

    await expect(page.get_by_text("I am on it")).to_be_visible()
    await expect(page.get_by_text("1 commit on branch")).to_be_visible()
    await expect(page.get_by_text("the result is in a comment of its own")).to_be_visible()
    await page.screenshot(path=tmp_path / "issue.png", full_page=True)
    assert failures == []
    stage.jira.read_all()


async def test_the_page_works_without_script_and_on_a_phone(stage: Stage, page: Page) -> None:
    """A form is a form; nothing is wider than the screen."""
    assert page.context.browser is not None
    context = await page.context.browser.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 800}, color_scheme="dark"
    )
    small = await context.new_page()
    await small.goto(f"{stage.jira.base_url}/browse/{stage.issue.key}")
    await small.locator("textarea[name=text]").fill("just a remark")
    await small.get_by_role("button", name="Comment").click()

    await expect(small.get_by_text("just a remark")).to_be_visible()
    box = await small.locator("body").bounding_box()
    assert box is not None
    assert box["width"] <= 390
    stage.jira.read_all()
