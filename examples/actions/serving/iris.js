import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';

// Valid rows and rows that are no irises, told apart by the tag `kind`.
export const options = {
  scenarios: {
    irises: { executor: 'constant-arrival-rate', rate: 100, timeUnit: '1s', duration: '5s', preAllocatedVUs: 50 },
  },
  thresholds: {
    'http_req_duration{kind:valid}': ['p(95)<200'],
    'http_req_failed{kind:valid}': ['rate<0.01'],
  },
};

const url = `${__ENV.TARGET}/v1/models/iris:predict`;
const headers = { 'content-type': 'application/json' };
const refused = http.expectedStatuses({ min: 400, max: 499 });

export default function () {
  if (exec.scenario.iterationInTest % 5 === 4) {
    const answer = http.post(url, '{"instances": [[5.1, 3.5]]}', {
      headers, tags: { kind: 'invalid' }, responseCallback: refused,
    });
    check(answer, { refused: (a) => a.status === 400 });
  } else {
    const answer = http.post(url, '{"instances": [[5.1, 3.5, 1.4, 0.2]]}', { headers, tags: { kind: 'valid' } });
    check(answer, { predicted: (a) => a.status === 200 && a.json('predictions.0') === 0 });
  }
}
