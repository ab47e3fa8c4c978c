import asyncio
import socket
import sys

import pytest

from simulator import ports
from simulator.patience import patience


def test_a_busy_port_gives_way_to_a_free_one():
    wanted = ports.free_port()
    with socket.create_server(("127.0.0.1", wanted)):
        assert ports.free_port(wanted) not in {wanted, 0}

    assert ports.free_port(wanted) == wanted


def test_the_ports_are_none_that_the_system_hands_out():
    handed_out = {ports.free_port() for _ in range(ports.BLOCK)}

    assert len(handed_out) > ports.BLOCK // 2
    assert all(ports.FIRST <= port < ports.LAST < 32_768 for port in handed_out)


async def test_another_process_takes_from_another_block():
    ours = ports.free_port() // ports.BLOCK
    say = (
        "import random; random.shuffle = list.sort; from simulator.ports import free_port; print(free_port()); input()"
    )
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-c", say), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    async with patience():
        theirs = [int(await process.stdout.readline()) // ports.BLOCK for process in processes]
        for process in processes:
            await process.communicate(b"\n")

    assert len({ours, *theirs}) == 3


def test_no_free_port_is_said(monkeypatch):
    monkeypatch.setattr(ports, "_is_free", {80: False}.get)

    with pytest.raises(OSError, match="no free port"):
        ports.free_port(80)
