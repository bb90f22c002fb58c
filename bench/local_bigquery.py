"""Rows per second into the local BigQuery: one client, requests of 500 rows of about 1 KB, queries beside them.

python bench/local_bigquery.py [--rows 100000] [--queries]
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
    ("searched_at", "TIMESTAMP", "REQUIRED"), ("extra", "JSON", "NULLABLE"), ("_event_id", "STRING", "REQUIRED"),
    ("_arrived_at", "TIMESTAMP", "REQUIRED"), ("_shard", "STRING", "REQUIRED"), ("_sequence", "STRING", "REQUIRED"),
]  # fmt: skip


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument(
        "--queries", action="store_true", help="run a query all the while, beside the inserts"
    )
    options = parser.parse_args()
    rng = random.Random(1)
    requests = []
    size = 0
    for start in range(0, options.rows, 500):
        rows = [{"insertId": f"i{n}", "json": row(n, rng)} for n in range(start, start + 500)]
        requests.append(msgspec.json.encode({"skipInvalidRows": True, "rows": rows}))
        size = len(requests[-1]) // 500
    command = [sys.executable, "-m", "sluice.local.bigquery", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        base = f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}/bigquery/v2/projects/p"
        process = psutil.Process(server.pid)
        http = urllib3.PoolManager(maxsize=4)
        http.request("POST", f"{base}/datasets", json={"datasetReference": {"datasetId": "d"}})
        fields = [{"name": name, "type": kind, "mode": mode} for name, kind, mode in COLUMNS]
        table = {
            "tableReference": {"tableId": "t"},
            "schema": {"fields": fields},
            "timePartitioning": {"type": "DAY", "field": "searched_at"},
        }
        answer = http.request("POST", f"{base}/datasets/d/tables", json=table)
        assert answer.status == 200, answer.data
        latencies: list[float] = []
        stop = threading.Event()
        sql = "SELECT username, COUNT(*) AS n, COUNT(DISTINCT _event_id) AS d FROM d.t GROUP BY username ORDER BY n DESC"

        def ask() -> None:
            while not stop.is_set():
                began = time.perf_counter()
                body = {"query": sql, "useLegacySql": False}
                assert http.request("POST", f"{base}/queries", json=body).status == 200
                latencies.append(time.perf_counter() - began)

        asking = threading.Thread(target=ask)
        if options.queries:
            asking.start()
        before = process.memory_info().rss
        busy = sum(process.cpu_times()[:2])
        began = time.perf_counter()
        slowest = 0.0
        for body in requests:
            one = time.perf_counter()
            answer = http.request("POST", f"{base}/datasets/d/tables/t/insertAll", body=body)
            slowest = max(slowest, time.perf_counter() - one)
            assert b"insertErrors" not in answer.data, answer.data[:500]
        elapsed = time.perf_counter() - began
        stop.set()
        if options.queries:
            asking.join()
        after = process.memory_info().rss
        cpu = sum(process.cpu_times()[:2]) - busy
        counted = http.request(
            "POST", f"{base}/queries", json={"query": "SELECT COUNT(*) FROM d.t", "useLegacySql": False}
        )
        print(f"{options.rows} rows of {size} bytes in {elapsed:.1f} s: {options.rows / elapsed:,.0f} rows/s")
        print(f"slowest request {slowest * 1000:.0f} ms; counted {counted.json()['rows'][0]['f'][0]['v']}")
        print(f"{options.rows / cpu:,.0f} rows per second of the server's CPU time")
        print(f"memory {before / 2**20:.0f} MB before, {after / 2**20:.0f} MB after")
        if latencies:
            latencies.sort()
            print(f"{len(latencies)} queries beside: median {latencies[len(latencies) // 2] * 1000:.0f} ms")
        server.stdin.close()


if __name__ == "__main__":
    main()
