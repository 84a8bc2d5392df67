"""A worker that delivers until it is killed: python -m fault_drills.delivery_worker DATABASE_URL PROVIDER_FILE RESEND."""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

import asyncpg

_SENDING_SECONDS = 0.05


def send(provider: str, delivery: UUID) -> None:
    with Path(provider).open("a") as sent:
        sent.write(f"{delivery}\n")


async def deliver(url: str, provider: str, *, resend: bool) -> None:
    connection = await asyncpg.connect(url)
    print("ready", flush=True)
    while True:
        claimed = await connection.fetch("select id, attempt from unnest(public.claim_dispatches('drill', 5, 1, null, $1))", resend)
        for each in claimed:
            try:
                await connection.execute("select public.start_dispatch($1, $2)", *each)
                await asyncio.sleep(_SENDING_SECONDS)
                send(provider, each["id"])
                await asyncio.sleep(_SENDING_SECONDS)
                await connection.execute(
                    "select public.finish_dispatch($1, $2, 'sent', $3)", *each, f"{each['id']} {each['attempt']}"
                )
            except asyncpg.PostgresError as error:
                if error.sqlstate != "PT409":
                    raise
        if not claimed:
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(deliver(*sys.argv[1:3], resend=sys.argv[3] == "resend"))
