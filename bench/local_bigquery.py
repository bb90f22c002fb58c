"""Rows per second into the local BigQuery: one client, requests of 500 rows of about 1 KB.

Run: python bench/local_bigquery.py [--rows 100000] [--queries]
"""

import argparse
import datetime as dt
import json
import random
import string
import subprocess
import sys
import threading
import time

import msgspec
import psutil
import urllib3

COLUMNS = [
    ("type", "STRING", "REQUIRED"), ("search_id", "STRING", "REQUIRED"), ("username", "STRING", "NULLABLE"),
    ("query", "STRING", "NULLABLE"), ("tags", "STRING", "REPEATED"), ("lat", "FLOAT64", "NULLABLE"),
    ("lon", "FLOAT64", "NULLABLE"), ("n", "INT64", "NULLABLE"), ("amount", "NUMERIC", "NULLABLE"),
    ("searched_at", "TIMESTAMP", "REQUIRED"), ("extra", "JSON", "NULLABLE"),
    ("_event_id", "STRING", "REQUIRED"), ("_arrived_at", "TIMESTAMP", "REQUIRED"),
    ("_shard", "STRING", "REQUIRED"), ("_sequence", "STRING", "REQUIRED"),
]  # fmt: skip
SQL = "SELECT username, COUNT(*) AS n, COUNT(DISTINCT _event_id) FROM d.t GROUP BY username ORDER BY n DESC"


def row(number: int, rng: random.Random) -> dict[str, object]:
    now = dt.datetime.now(dt.UTC).isoformat()
    return {
        "type": "search",
        "search_id": f"s-{number}",
        "username": f"user{number % 1000}",
        "query": "".join(rng.choices(string.ascii_lowercase, k=300)),
        "tags": ["one", "two", "three"],
        "lat": rng.uniform(-90, 90),
        "lon": rng.uniform(-180, 180),
        "n": number,
        "amount": f"{number % 1000}.345",
        "searched_at": now,
        "extra": json.dumps({"key": "v" * 300}),
        "_event_id": f"s-{number}",
        "_arrived_at": now,
        "_shard": "shardId-000000000000",
        "_sequence": f"{number:056d}",
    }


def bodies(rows: int) -> list[bytes]:
    rng = random.Random(1)  # noqa: S311 - the same rows each time
    return [
        msgspec.json.encode(
            {"rows": [{"insertId": f"i{n}", "json": row(n, rng)} for n in range(start, start + 500)]}
        )
        for start in range(0, rows, 500)
    ]


def create(http: urllib3.PoolManager, base: str) -> None:
    http.request("POST", f"{base}/datasets", json={"datasetReference": {"datasetId": "d"}})
    table = {
        "tableReference": {"tableId": "t"},
        "schema": {"fields": [{"name": name, "type": kind, "mode": mode} for name, kind, mode in COLUMNS]},
        "timePartitioning": {"type": "DAY", "field": "searched_at"},
    }
    answer = http.request("POST", f"{base}/datasets/d/tables", json=table)
    assert answer.status == 200, answer.data


def query(http: urllib3.PoolManager, base: str, sql: str) -> str:
    answer = http.request("POST", f"{base}/queries", json={"query": sql, "useLegacySql": False})
    assert answer.status == 200, answer.data
    return str(answer.json()["rows"][0]["f"][0]["v"]) if int(answer.json()["totalRows"]) else ""


def measure(process: psutil.Process, base: str, requests: list[bytes], *, beside: bool) -> None:
    with urllib3.PoolManager(maxsize=4) as http:
        create(http, base)
        stop = threading.Event()
        asked: list[float] = []

        def ask() -> None:
            while not stop.is_set():
                began = time.perf_counter()
                query(http, base, SQL)
                asked.append(time.perf_counter() - began)

        asking = threading.Thread(target=ask, daemon=True)
        if beside:
            asking.start()
        before, busy = process.memory_info().rss, sum(process.cpu_times()[:2])
        took: list[float] = []
        for body in requests:
            began = time.perf_counter()
            answer = http.request("POST", f"{base}/datasets/d/tables/t/insertAll", body=body)
            took.append(time.perf_counter() - began)
            assert b"insertErrors" not in answer.data, answer.data[:500]
        stop.set()
        cpu, rows = sum(process.cpu_times()[:2]) - busy, 500 * len(requests)
        took.sort()
        print(f"{rows} rows of {len(requests[0]) // 500} bytes: {rows / sum(took):,.0f} rows/s")
        print(f"{rows / cpu:,.0f} rows per second of the server's CPU time")
        print(f"a request: median {took[len(took) // 2] * 1000:.1f} ms, slowest {took[-1] * 1000:.1f} ms")
        print(f"memory {before / 2**20:.0f} MB before, {process.memory_info().rss / 2**20:.0f} MB after")
        if beside:
            asking.join()
            print(f"{len(asked)} queries beside: median {sorted(asked)[len(asked) // 2] * 1000:.0f} ms")
        assert query(http, base, "SELECT COUNT(*) FROM d.t") == str(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--queries", action="store_true", help="ask all the while, beside the inserts")
    options = parser.parse_args()
    command = [sys.executable, "-m", "sluice.local.bigquery", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        base = f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}/bigquery/v2/projects/p"
        measure(psutil.Process(server.pid), base, bodies(options.rows), beside=options.queries)
        server.stdin.close()


if __name__ == "__main__":
    main()
