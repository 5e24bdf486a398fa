#!/usr/bin/env python3
"""A tiny predictor with faults on demand (standard library only, HTTP/1.1 with keep-alive).

POST /v1/models/<name>:predict  {"instances": [[..]]}   the sum of each row
POST /v2/models/<name>/infer    open inference protocol
GET  /healthz  /v2/health/ready  /v2/health/live
GET  /metrics
GET|POST /_faults  {"error_rate": 0..1, "latency_ms": N, "status": 500}

Every answer carries x-model-version, so that a client can count who answered.
"""

import argparse
import asyncio
import json
import random

REASONS = {200: 'OK', 400: 'Bad Request', 404: 'Not Found', 429: 'Too Many Requests',
           500: 'Internal Server Error', 503: 'Service Unavailable'}
UNCOUNTED = ('/metrics', '/_faults', '/healthz')

parser = argparse.ArgumentParser()
parser.add_argument('--port', type=int, required=True)
parser.add_argument('--version', required=True)
parser.add_argument('--seed', type=int, default=0, help='of the injected errors')
args = parser.parse_args()

dice = random.Random(args.seed)
faults = {'error_rate': 0.0, 'latency_ms': 0, 'status': 500}
answered = {}


def predict(path, body):
    request = json.loads(body)
    if path.endswith(':predict'):
        return {'predictions': [float(sum(row)) for row in request['instances']], 'model_version': args.version}
    tensor = request['inputs'][0]
    output = {'name': 'output-0', 'datatype': 'FP32', 'shape': [1], 'data': [float(sum(tensor['data']))]}
    return {'model_name': path.split('/')[3], 'model_version': args.version, 'outputs': [output]}


async def answer(method, path, body):
    if path in ('/healthz', '/v2/health/ready', '/v2/health/live'):
        return 200, {'ready': True, 'version': args.version}
    if path == '/metrics':
        lines = [f'predictor_requests_total{{version="{args.version}",code="{code}"}} {n}\n'
                 for code, n in sorted(answered.items())]
        return 200, '# TYPE predictor_requests_total counter\n' + ''.join(lines)
    if path == '/_faults':
        if method == 'POST':
            faults.update(json.loads(body or b'{}'))
        return 200, faults
    if method == 'POST' and path.endswith((':predict', '/infer')):
        if faults['latency_ms']:
            await asyncio.sleep(faults['latency_ms'] / 1000)
        if dice.random() < faults['error_rate']:
            return faults['status'], {'error': f'injected by {args.version}'}
        try:
            return 200, predict(path, body)
        except Exception as e:
            return 400, {'error': f'{type(e).__name__}: {e}'}
    return 404, {'error': 'not found'}


async def serve(reader, writer):
    try:
        while line := await reader.readline():
            method, path, _ = line.decode().split(' ', 2)
            path = path.split('?')[0]
            length, close = 0, False
            while (header := await reader.readline()) not in (b'\r\n', b''):
                key, _, value = header.decode().partition(':')
                if key.lower() == 'content-length':
                    length = int(value)
                if key.lower() == 'connection' and 'close' in value.lower():
                    close = True
            code, reply = await answer(method, path, await reader.readexactly(length))
            if path not in UNCOUNTED:
                answered[code] = answered.get(code, 0) + 1
            text = isinstance(reply, str)
            payload = reply.encode() if text else json.dumps(reply).encode()
            kind = 'text/plain; version=0.0.4' if text else 'application/json'
            head = (f'HTTP/1.1 {code} {REASONS.get(code, "Other")}\r\ncontent-type: {kind}\r\n'
                    f'x-model-version: {args.version}\r\ncontent-length: {len(payload)}\r\n\r\n')
            writer.write(head.encode() + payload)
            await writer.drain()
            if close:
                break
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, '127.0.0.1', args.port, backlog=512)
    async with server:
        await server.serve_forever()


asyncio.run(main())
