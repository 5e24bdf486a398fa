#!/usr/bin/env python3
"""s3.py PORT BUCKET...: an S3 server in memory (moto) on loopback, with these buckets in it.

It takes any key and any secret; where LAB_FAULT is "nobody" it has no users, and refuses everybody once the buckets are
there. What it holds is gone when it stops.
"""

from __future__ import annotations

import os
import sys
import threading


def main() -> None:
    if len(sys.argv) < 2 or not sys.argv[1].isdigit():
        sys.exit("s3.py: usage: s3.py PORT BUCKET...")
    port, buckets = int(sys.argv[1]), sys.argv[2:]
    if os.environ.get("LAB_FAULT") == "nobody":
        # moto reads it when it is imported: how many requests it takes before it looks at who is asking.
        os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(len(buckets))
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    store = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="lab",
        aws_secret_access_key="any",
    )
    for bucket in buckets:
        store.create_bucket(Bucket=bucket)
    threading.Event().wait()


if __name__ == "__main__":
    main()
