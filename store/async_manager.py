"""SessionManager for callers with an event loop: every call runs in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.checkpoints import HistoryEntry
from store.home import Home
from store.locks import RunLock
from store.manager import SessionManager
from store.session import SessionConfig, UnifiedSession
from store.updates import SessionUpdate

if TYPE_CHECKING:
    from store.catalog import SessionFilter
    from store.row import SessionRow


class AsyncSessionManager:
    """The calls of ``SessionManager`` as coroutines; see there for what they do and raise."""

    def __init__(self, storage: Home | Path | str, *, lock: RunLock | None = None) -> None:
        self._manager = SessionManager(storage, lock=lock)

    async def create_session(self, config: SessionConfig) -> str:
        return await asyncio.to_thread(self._manager.create_session, config)

    async def start_session(self, session_id: str) -> UnifiedSession:
        return await asyncio.to_thread(self._manager.start_session, session_id)

    async def resume_session(self, session_id: str) -> UnifiedSession:
        return await asyncio.to_thread(self._manager.resume_session, session_id)

    async def pause_session(
        self, session_id: str, stop: Mapping[str, Any] | None = None
    ) -> UnifiedSession:
        return await asyncio.to_thread(self._manager.pause_session, session_id, stop)

    async def complete_session(
        self, session_id: str, success: bool, error: str | None = None
    ) -> UnifiedSession:
        return await asyncio.to_thread(self._manager.complete_session, session_id, success, error)

    async def cancel_session(
        self, session_id: str, by: Mapping[str, Any] | None = None
    ) -> UnifiedSession:
        return await asyncio.to_thread(self._manager.cancel_session, session_id, by)

    async def update_session(self, session_id: str, update: SessionUpdate) -> UnifiedSession:
        return await asyncio.to_thread(self._manager.update_session, session_id, update)

    async def load_session(self, session_id: str) -> UnifiedSession:
        return await asyncio.to_thread(self._manager.load_session, session_id)

    async def list_sessions(self, session_filter: SessionFilter | None = None) -> list[SessionRow]:
        return await asyncio.to_thread(self._manager.list_sessions, session_filter)

    async def live_sessions(self) -> list[SessionRow]:
        return await asyncio.to_thread(self._manager.live_sessions)

    async def list_checkpoints(self, session_id: str) -> list[HistoryEntry]:
        return await asyncio.to_thread(self._manager.list_checkpoints, session_id)

    async def delete_session(self, session_id: str, purge: bool = False) -> None:
        await asyncio.to_thread(self._manager.delete_session, session_id, purge)
