'use strict';
// Draws the page from the data beside it. Every text goes in as text, never as markup; rows and details are made when
// they are first seen, so that a run with ten thousand checks opens at once.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const VERDICTS = ['failed', 'errored', 'inconclusive', 'blocked', 'cancelled', 'passed'];
  const GLYPH = { passed: '✓', failed: '✗', errored: '!', inconclusive: '?', blocked: '⊘', cancelled: '■', skipped: '–' };
  const ROLE = { precondition: 'precondition', step: '', on_failure: 'diagnostics', cleanup: 'cleanup' };
  const CHUNK = 200;
  const SVG = 'http://www.w3.org/2000/svg';

  function h(tag, props, ...children) {
    const el = document.createElement(tag);
    for (const [k, v] of Object.entries(props || {})) {
      if (v === undefined || v === null || v === false) continue;
      if (k === 'class') el.className = v;
      else if (k.startsWith('on')) el.addEventListener(k.slice(2), v);
      else el.setAttribute(k, v === true ? '' : v);
    }
    for (const c of children.flat(Infinity)) if (c !== null && c !== undefined && c !== false) el.append(c);
    return el;
  }
  function s(tag, props, text) {
    const el = document.createElementNS(SVG, tag);
    for (const [k, v] of Object.entries(props || {})) el.setAttribute(k, v);
    if (text !== undefined) el.textContent = text;
    return el;
  }

  // ---- values ----
  function seconds(x) {
    if (!(x > 0)) return '0ms';
    if (x < 0.9995) return x < 0.00995 ? `${+(x * 1000).toFixed(2)}ms` : `${Math.round(x * 1000)}ms`;
    if (x < 59.95) return `${x.toFixed(1)}s`;
    const n = Math.round(x);
    return n < 3600 ? `${Math.floor(n / 60)}m ${n % 60}s` : `${Math.floor(n / 3600)}h ${Math.floor(n / 60) % 60}m`;
  }
  function plural(n, one) { return `${n} ${one}${n === 1 ? '' : 's'}`; }
  function kind(v) {
    if (v === null || v === undefined) return 'null';
    if (Array.isArray(v)) return `list of ${v.length}`;
    switch (typeof v) {
      case 'boolean': return 'true or false';
      case 'number': return Number.isInteger(v) ? 'whole number' : 'number';
      case 'string': return 'text';
      default: return `mapping of ${Object.keys(v).length}`;
    }
  }
  function pretty(v) { return typeof v === 'string' ? v : JSON.stringify(v, null, 2); }
  function value(v) {
    const t = JSON.stringify(v);
    return [h('code', {}, t.length > 600 ? `${t.slice(0, 600)}…` : t), ' ', h('span', { class: 'kind' }, kind(v))];
  }
  function isDistribution(v) {
    return v && typeof v === 'object' && typeof v.quantity === 'string' && Array.isArray(v.buckets)
      && v.buckets.length > 0 && v.buckets.every(b => Array.isArray(b) && b.length === 2 && b.every(Number.isFinite));
  }
  // Shares of bins (labels are their edges, one more) or of categories, of one table or of two.
  function isBars(v) {
    const shares = a => Array.isArray(a) && a.every(Number.isFinite);
    if (!v || typeof v !== 'object' || !shares(v.reference) || !v.reference.length || !Array.isArray(v.labels)) return false;
    const n = v.reference.length;
    return (v.labels.length === n || v.labels.length === n + 1) && (v.current === undefined || (shares(v.current) && v.current.length === n));
  }
  function shown(quantity, x) {
    switch (quantity) {
      case 'duration': return seconds(x);
      case 'ratio': return `${+(x * 100).toPrecision(4)}%`;
      case 'rate': return `${+x.toPrecision(4)}/s`;
      case 'bytes': {
        const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
        let i = 0;
        while (x >= 1024 && i < units.length - 1) { x /= 1024; i += 1; }
        return `${+x.toPrecision(4)}${units[i]}`;
      }
      default: return String(+x.toPrecision(6));
    }
  }

  // ---- plots ----
  function histogram(d) {
    const sorted = [...d.buckets].sort((a, b) => a[0] - b[0]);
    const have = sorted.reduce((n, b) => n + b[1], 0);
    const n = have + (d.missing || 0);
    const quantile = q => {
      let rank = Math.max(1, Math.ceil(q * n - 1e-9));
      for (const [v, c] of sorted) { rank -= c; if (rank <= 0) return v; }
      return null;
    };
    const lo = sorted[0][0], hi = sorted[sorted.length - 1][0];
    const W = 640, H = 150, B = 24, bins = new Array(48).fill(0);
    const at = v => (hi > lo ? (v - lo) / (hi - lo) : 0.5);
    for (const [v, c] of sorted) bins[Math.min(bins.length - 1, Math.floor(at(v) * bins.length))] += c;
    const most = Math.max(...bins);
    const svg = s('svg', { class: 'plot', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': `distribution of ${n} values` });
    const w = W / bins.length;
    bins.forEach((c, i) => {
      if (c === 0) return;
      const height = Math.max(1, (H - B - 16) * c / most);
      svg.append(s('rect', { class: 'barfill', x: i * w + 1, y: H - B - height, width: w - 2, height }));
    });
    svg.append(s('line', { class: 'axisline', x1: 0, x2: W, y1: H - B, y2: H - B }));
    svg.append(s('text', { x: 0, y: H - 8 }, shown(d.quantity, lo)), s('text', { x: W, y: H - 8, 'text-anchor': 'end' }, shown(d.quantity, hi)));
    const rows = [['n', String(n)], ['without a value', String(d.missing || 0)]];
    for (const [name, q] of [['p50', 0.5], ['p90', 0.9], ['p95', 0.95], ['p99', 0.99]]) {
      const v = quantile(q);
      rows.push([name, v === null ? 'none: too many without a value' : shown(d.quantity, v)]);
      if (v !== null && (q === 0.5 || q === 0.95)) {
        const x = at(v) * W;
        svg.append(s('line', { class: 'mark', x1: x, x2: x, y1: 14, y2: H - B }));
        svg.append(s('text', { x, y: 11, 'text-anchor': x > W - 40 ? 'end' : x < 40 ? 'start' : 'middle' }, name));
      }
    }
    rows.push(['min', shown(d.quantity, lo)], ['max', shown(d.quantity, hi)]);
    return h('div', {}, svg, h('table', { class: 'small' },
      h('tr', {}, rows.map(r => h('th', {}, r[0]))), h('tr', {}, rows.map(r => h('td', {}, r[1])))));
  }
  function bars(d) {
    const sides = [['barfill', d.reference, 'reference'], ...(d.current ? [['barnew', d.current, 'current']] : [])];
    const n = d.reference.length, edges = d.labels.length > n;
    const W = 640, H = 170, B = 24, T = 18, step = W / n, width = 0.9 * step / sides.length;
    const most = Math.max(1e-9, ...sides.flatMap(x => x[1]));
    const svg = s('svg', { class: 'plot', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': `shares of ${n} ${edges ? 'bins' : 'categories'}` });
    sides.forEach(([cls, shares, name], k) => {
      if (sides.length > 1) svg.append(s('rect', { class: cls, x: 90 * k, y: 0, width: 10, height: 10 }), s('text', { x: 90 * k + 14, y: 10 }, name));
      shares.forEach((x, i) => {
        const height = (H - B - T) * Math.max(0, x) / most;
        const bar = s('rect', { class: cls, x: i * step + k * width, y: H - B - height, width: Math.max(0.5, width - 0.5), height });
        bar.append(s('title', {}, `${name}: ${+(x * 100).toPrecision(3)}% ${edges ? `from ${d.labels[i]} to ${d.labels[i + 1]}` : d.labels[i]}`));
        svg.append(bar);
      });
    });
    svg.append(s('line', { class: 'axisline', x1: 0, x2: W, y1: H - B, y2: H - B }));
    const every = Math.ceil(d.labels.length / (edges ? 8 : 12));
    d.labels.forEach((l, i) => {
      if (i % every) return;
      const x = i * step + (edges ? 0 : step / 2);
      svg.append(s('text', { x, y: H - 8, 'text-anchor': x < 20 ? 'start' : x > W - 20 ? 'end' : 'middle' }, String(l).slice(0, 12)));
    });
    return svg;
  }
  function pollPlot(step) {
    const number = p => { const m = p.message.match(/-?\d+(?:\.\d+)?(?:e-?\d+)?(?!.*\d)/i); return m ? Number(m[0]) : NaN; };
    const values = step.polls.map(number);
    const numeric = values.every(Number.isFinite) && new Set(values).size > 1;
    const W = 640, H = numeric ? 90 : 24;
    const t0 = step.started, t1 = Math.max(...step.polls.map(p => p.at), t0 + step.duration, t0 + 1e-6);
    const lo = Math.min(...values), hi = Math.max(...values);
    const x = p => 6 + (W - 12) * (p.at - t0) / (t1 - t0);
    const y = v => (numeric ? 8 + (H - 16) * (1 - (v - lo) / (hi - lo)) : H / 2);
    const svg = s('svg', { class: 'plot', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': 'values over time' });
    svg.append(s('line', { class: 'axisline', x1: 0, x2: W, y1: numeric ? H - 1 : H / 2, y2: numeric ? H - 1 : H / 2 }));
    if (numeric) svg.append(s('polyline', { class: 'path', points: step.polls.map((p, i) => `${x(p)},${y(values[i])}`).join(' ') }));
    step.polls.forEach((p, i) => {
      const dot = s('circle', { class: p.held ? 'held' : 'not', cx: x(p), cy: y(values[i]), r: 4 });
      dot.append(s('title', {}, `+${seconds(p.at - t0)} ${p.message}`));
      svg.append(dot);
    });
    return svg;
  }
  // What can be drawn of a value: at most 20, what drifted first.
  function drawings(v) {
    return distributions(v, '', []).sort((a, b) => b[2] - a[2]).slice(0, 20);
  }
  function distributions(v, path, out) {
    if (out.length >= 500 || !v || typeof v !== 'object') return out;
    if (isDistribution(v)) out.push([path, histogram, 0, v]);
    else if (isBars(v.bars)) out.push([`${v.name || path}${v.drifted ? ': drifted' : ''}`, bars, v.drifted ? 1 : 0, v.bars]);
    else for (const [k, x] of Object.entries(v)) distributions(x, path ? `${path}.${k}` : k, out);
    return out;
  }

  // ---- differences ----
  // The lines of a unified difference: - expected, + actual.
  function diff(lines) {
    const kinds = { '-': 'del', '+': 'add' };
    return h('pre', {}, lines.map(l => h('span', { class: kinds[l[0]] || 'same' }, l || ' ')));
  }

  // ---- parts ----
  const state = c => (c.skipped ? 'skipped' : c.outcome.verdict);
  const bad = c => !c.skipped && c.outcome.verdict !== 'passed';
  function badge(verdict) { return h('span', { class: `badge ${verdict}` }, `${GLYPH[verdict]} ${verdict}`); }
  // Fills a <details> when it is first opened.
  function lazy(details, fill) {
    const once = () => { if (details.open && !details.dataset.filled) { details.dataset.filled = '1'; details.append(h('div', { class: 'in' }, fill())); } };
    details.addEventListener('toggle', once);
    once();
    return details;
  }
  function copy(text) {
    return h('button', { class: 'plain', type: 'button', onclick: e => {
      navigator.clipboard && navigator.clipboard.writeText(text).then(() => { e.target.textContent = 'copied'; }, () => {});
    } }, 'copy');
  }
  function block(title, v) {
    const text = pretty(v);
    return [h('div', { class: 'sub' }, title, copy(text)), h('pre', {}, text)];
  }
  function pairs(list) {
    const rows = list.filter(r => r[1] !== undefined && r[1] !== null);
    return rows.length ? h('dl', { class: 'pair' }, rows.flatMap(([k, v]) => [h('dt', {}, k), h('dd', {}, v)])) : null;
  }

  function check(spec, c) {
    const o = c.outcome, p = c.check.place;
    const el = h('details', { class: `check ${state(c)}${bad(c) ? ' bad' : ''}`, open: bad(c) && c.evaluated },
      h('summary', {}, badge(state(c)), h('code', {}, c.check.text),
        c.step ? h('span', { class: 'chip' }, c.step) : null,
        c.check.severity !== 'critical' ? h('span', { class: 'chip' }, c.check.severity) : null,
        h('span', { class: 'place' }, `${p.file.split('/').pop()}:${p.line}`)));
    return lazy(el, () => {
      const details = o.details || [];
      return [
        o.message ? h('p', { class: 'text' }, o.message) : null,
        details.length ? [h('div', { class: 'sub' }, 'difference (- expected, + actual)'), diff(details)] : pairs([
          ['actual', o.actual === undefined ? null : value(o.actual)],
          ['expected', o.expected === undefined ? null : value(o.expected)],
        ]),
        o.statistics && Object.keys(o.statistics).length ? pairs(Object.entries(o.statistics).map(([k, v]) => [k, h('code', {}, pretty(v))])) : null,
        (o.evidence || []).length ? h('table', { class: 'small' }, h('tr', {}, h('th', {}, 'part'), h('th', {}, 'value')),
          o.evidence.map(e => h('tr', {}, h('td', {}, h('code', {}, e.expression)), h('td', {}, value(e.value))))) : null,
        pairs([['because', c.check.because], ['at', h('code', {}, `${p.file}:${p.line}:${p.col}`)], ['check', h('code', {}, c.check.id)]]),
      ];
    });
  }

  function failure(f) {
    const facts = [`class ${f.class}`];
    if (f.status) facts.push(`status ${f.status}`);
    if (f.exit_code !== undefined) facts.push(`exit code ${f.exit_code}`);
    if (f.reason) facts.push(`reason ${f.reason}`);
    return h('div', { class: 'fail' }, h('div', {}, f.message), h('div', { class: 'kind' }, facts.join(', ')),
      (f.details || []).length ? h('pre', {}, f.details.join('\n')) : null,
      f.help ? h('div', {}, `help: ${f.help}`) : null);
  }

  function stepBody(step) {
    const out = [];
    if (step.reason && !(step.failure && step.failure.message === step.reason)) out.push(h('p', { class: 'text' }, step.reason));
    if (step.failure) out.push(failure(step.failure));
    for (const a of step.failed_attempts || []) {
      out.push(h('div', { class: 'sub' }, `attempt ${a.attempt} failed, next in ${seconds(a.next_in)}`), failure(a.failure));
    }
    if ((step.polls || []).length) {
      const left = step.polls_left_out || 0;
      out.push(h('div', { class: 'sub' }, `values over time: ${plural(step.polls.length + left, 'poll')}`), pollPlot(step),
        h('table', { class: 'small history' }, h('tr', {}, h('th', {}, 'after'), h('th', {}, ''), h('th', {}, 'seen')),
          step.polls.map(p => h('tr', {}, h('td', { class: 'num' }, `+${seconds(p.at - step.started)}`),
            h('td', { class: p.held ? 'passed' : 'inconclusive' }, p.held ? 'held' : 'not yet'), h('td', {}, h('code', {}, p.message))))));
      if (left) out.push(h('p', { class: 'kind' }, `${left} polls in the middle are left out`));
    }
    for (const [path, draw, , d] of drawings(step.output)) out.push(h('div', { class: 'sub' }, path || 'output'), draw(d));
    if (step.params !== null && step.params !== undefined) out.push(...block('parameters', step.params));
    if (step.output !== null && step.output !== undefined) out.push(...block('output', step.output));
    if ((step.progress || []).length) {
      out.push(...block('progress', step.progress.map(p => `+${seconds(p.at - step.started)}  ${p.message}`).join('\n')));
    }
    return out.length ? out : h('p', { class: 'kind' }, 'nothing was recorded');
  }

  function place(track, from, to, t0, t1) {
    const i = document.createElement('i');
    const span = Math.max(t1 - t0, 1e-9);
    i.style.left = `${Math.min(99.5, 100 * (from - t0) / span)}%`;
    i.style.width = `${Math.max(0, 100 * (to - from) / span)}%`;
    track.append(i);
  }

  function waterfall(spec) {
    const t0 = Math.min(spec.started ?? Infinity, ...spec.steps.map(x => x.started));
    const t1 = Math.max(t0 + 1e-6, t0 + spec.duration, ...spec.steps.map(x => x.started + x.duration));
    const box = h('div', { class: 'fall' }, h('div', { class: 'axis' }, h('span', {}, 'step'),
      h('span', { class: 'ticks' }, [0, 0.25, 0.5, 0.75, 1].map(q => h('span', {}, seconds((t1 - t0) * q)))), h('span', { class: 'num' }, 'time')));
    for (const step of spec.steps) {
      const v = step.skipped ? 'skipped' : step.verdict;
      const track = h('span', { class: `track ${v}` });
      place(track, step.started, step.started + step.duration, t0, t1);
      for (const p of (step.failed_attempts || []).concat(step.polls || [])) {
        const u = document.createElement('u');
        u.style.left = `${100 * (p.at - t0) / (t1 - t0)}%`;
        track.append(u);
      }
      const about = [ROLE[step.role], step.action, step.attempts > 1 ? plural(step.attempts, 'attempt') : ''].filter(Boolean).join(' · ');
      const el = h('details', { class: 'stepbox', 'data-step': step.id, open: Boolean(step.failure) && step.verdict !== 'passed' }, h('summary', {},
        h('span', { class: 'who' }, h('b', { class: v }, `${GLYPH[v]} `), step.id, h('small', {}, about)),
        track, h('span', { class: 'num' }, step.finished ? seconds(step.duration) : 'no end')));
      box.append(lazy(el, () => stepBody(step)));
    }
    return box;
  }

  function body(spec) {
    const out = [];
    if (spec.reason && spec.verdict !== 'passed') out.push(h('p', { class: `why ${spec.verdict}` }, spec.reason));
    if (spec.description) out.push(h('p', { class: 'desc' }, spec.description));
    for (const n of spec.notes || []) out.push(h('p', { class: 'banner note' }, n));
    for (const e of spec.earlier || []) {
      out.push(h('p', { class: 'banner' }, `try ${e.attempt} was ${e.verdict}${e.reason ? `: ${e.reason}` : ''}`,
        e.checks.map(c => h('div', {}, h('code', {}, c.check.text), ` ${c.outcome.message}`))));
    }
    for (const c of (spec.cleanups || []).filter(c => !c.done)) {
      out.push(h('p', { class: 'banner' }, `cleanup ${c.id} (${c.action}) was not done${c.failure ? `: ${c.failure.message}` : ''}`));
    }
    out.push(h('h3', {}, `Checks (${spec.checks.length})`));
    out.push(...chunked(spec.checks, c => check(spec, c), 100));
    if (spec.steps.length) out.push(h('h3', {}, 'Steps over time'), waterfall(spec));
    if ((spec.steps_not_run || []).length) out.push(h('p', { class: 'kind' }, `never began: ${spec.steps_not_run.join(', ')}`));
    if ((spec.inputs || []).length) {
      out.push(h('h3', {}, 'Inputs'), h('table', { class: 'small' }, spec.inputs.map(i => h('tr', {}, h('th', {}, i.name), h('td', {}, value(i.value))))));
    }
    out.push(h('p', { class: 'kind' }, `${spec.place.file}:${spec.place.line}, SHA-256 ${spec.digest}`));
    return out;
  }

  // The first elements now, a button for more.
  function chunked(list, make, size) {
    const out = list.slice(0, size).map(make);
    if (list.length > size) {
      let done = size;
      const more = h('button', { class: 'more', type: 'button', onclick: () => {
        more.before(...list.slice(done, done + size).map(make));
        done += size;
        if (done >= list.length) more.remove(); else label();
      } });
      const label = () => { more.textContent = `show more (${list.length - done} left)`; };
      label();
      out.push(more);
    }
    return out;
  }

  // ---- page ----
  const total = data.specs.length;
  const notPassed = total - data.counts.specs.passed;
  const filter = { verdicts: new Set(), text: '', category: '' };
  const search = data.specs.map(x => [x.id, x.title, x.category, ...(x.tags || []), x.reason, x.place.file, ...x.checks.map(c => c.check.text)].join('\n').toLowerCase());
  const end = Math.max(data.duration, 1e-6);

  function row(spec) {
    const [id, params] = /^([^[]*)(?:\[(.*)\])?$/s.exec(spec.id)?.slice(1) ?? [spec.id];
    const track = h('span', { class: `track ${spec.verdict}`, title: spec.started === undefined ? 'never began' : `began at +${seconds(spec.started)}` });
    if (spec.started !== undefined) place(track, spec.started, spec.started + spec.duration, 0, end);
    const dots = spec.checks.length <= 28
      ? spec.checks.map(c => h('i', { class: `dot ${state(c)}`, title: `${state(c)}: ${c.check.text}` }))
      : `${spec.checks.filter(c => !c.skipped && !bad(c)).length} of ${spec.checks.length} passed`;
    const button = h('button', { class: 'row', type: 'button', 'aria-expanded': 'false', onclick: () => toggle(item, spec, button) },
      h('span', {}, badge(spec.verdict)),
      h('span', { class: 'id' }, id, params ? h('div', {}, params.split(',').map(p => h('span', { class: 'chip' }, p))) : null),
      h('span', { class: 'title' }, spec.title, ' ', spec.flaky ? h('span', { class: 'chip' }, 'flaky') : null,
        spec.severity !== 'critical' ? h('span', { class: 'chip' }, spec.severity) : null,
        (spec.tags || []).map(t => h('span', { class: 'chip' }, t))),
      h('span', { class: 'cat' }, spec.category || ''),
      h('span', { class: 'dots' }, dots),
      h('span', { class: 'num' }, seconds(spec.duration)), track);
    const item = h('div', { class: 'item', 'data-spec': spec.id }, button);
    return item;
  }
  function toggle(item, spec, button) {
    const opened = item.classList.toggle('open');
    button.setAttribute('aria-expanded', String(opened));
    if (!opened) { item.querySelector('.body').remove(); return; }
    item.append(h('div', { class: 'body' }, body(spec)));
    history.replaceState(null, '', `#${encodeURIComponent(spec.id)}`);
  }

  const list = h('div', { id: 'list' });
  const shownCount = h('span', { class: 'shown' });
  let watcher = null;
  function draw() {
    const wanted = data.specs.filter((x, i) => (filter.verdicts.size === 0 || filter.verdicts.has(x.verdict))
      && (!filter.category || x.category === filter.category) && search[i].includes(filter.text));
    // What did not pass first, otherwise in the order of the run.
    const rank = x => VERDICTS.indexOf(x.verdict);
    wanted.sort((a, b) => rank(a) - rank(b));
    shownCount.textContent = wanted.length === total ? plural(total, 'spec') : `${wanted.length} of ${plural(total, 'spec')}`;
    list.replaceChildren();
    if (watcher) watcher.disconnect();
    if (!wanted.length) { list.append(h('p', { class: 'none' }, total ? 'No spec matches.' : 'No spec ran.')); return; }
    let done = 0;
    const sentinel = h('div', {});
    const add = () => {
      sentinel.before(...wanted.slice(done, done + CHUNK).map(row));
      done += CHUNK;
      watcher.unobserve(sentinel);
      // Watched anew, because nothing is told of an end that stays in sight.
      if (done >= wanted.length) sentinel.remove(); else watcher.observe(sentinel);
    };
    list.append(sentinel);
    watcher = new IntersectionObserver(seen => { if (seen.some(e => e.isIntersecting)) add(); }, { rootMargin: '800px' });
    add();
  }

  function head() {
    const run = data.run, out = [];
    const theme = h('button', { class: 'plain', type: 'button', id: 'theme', onclick: () => {
      const dark = (document.documentElement.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
      document.documentElement.dataset.theme = dark ? 'light' : 'dark';
    } }, 'light / dark');
    const headline = total === 0 ? 'No spec ran' : notPassed === 0 ? `All of ${plural(total, 'spec')} passed` : `${notPassed} of ${plural(total, 'spec')} did not pass`;
    out.push(h('div', { class: 'top' }, h('h1', {}, headline), theme));
    const meta = [['run', run.id], ['started', run.started], ['took', seconds(data.duration)], ['environment', run.environment], ['profile', run.profile],
      ['seed', run.seed], ['jobs', run.jobs], ['specrun', run.version], ['exit code', data.exit_code], ['command', (run.argv || []).join(' ')]];
    out.push(h('div', { class: 'meta' }, meta.filter(m => m[1] !== undefined && m[1] !== '').map(([k, v]) => h('span', {}, `${k} `, h('code', {}, String(v))))));
    if (data.interrupted_by) out.push(h('p', { class: 'banner' }, `Interrupted by ${data.interrupted_by}.`));
    if (!data.finished) out.push(h('p', { class: 'banner' }, 'The run did not reach its end; specs that had not ended count as cancelled.'));
    if (data.counts.cleanup_open) out.push(h('p', { class: 'banner' }, `${plural(data.counts.cleanup_open, 'cleanup')} not done; specrun clean removes what is left.`));
    for (const x of (data.services || []).filter(x => x.state === 'failed')) out.push(h('p', { class: 'banner' }, `service ${x.name} failed${x.message ? `: ${x.message}` : ''}`));
    for (const n of (data.notes || []).slice(0, 20)) out.push(h('p', { class: 'banner note' }, n));
    out.push(h('div', { class: 'counts' }, VERDICTS.map(v => h('button', { class: `count ${v}${data.counts.specs[v] ? '' : ' zero'}`, type: 'button', 'aria-pressed': 'false', 'data-verdict': v, onclick: e => {
      const on = !filter.verdicts.delete(v);
      if (on) filter.verdicts.add(v);
      e.currentTarget.setAttribute('aria-pressed', String(on));
      draw();
    } }, h('b', {}, String(data.counts.specs[v])), `${GLYPH[v]} ${v}`))));
    const categories = [...new Set(data.specs.map(x => x.category).filter(Boolean))].sort();
    let timer = 0;
    out.push(h('div', { class: 'bar' },
      h('input', { type: 'search', id: 'search', placeholder: 'Search id, title, tag, check, reason', 'aria-label': 'search', oninput: e => {
        clearTimeout(timer);
        timer = setTimeout(() => { filter.text = e.target.value.trim().toLowerCase(); draw(); }, 80);
      } }),
      categories.length > 1 ? h('select', { 'aria-label': 'category', id: 'category', onchange: e => { filter.category = e.target.value; draw(); } },
        h('option', { value: '' }, 'all categories'), categories.map(c => h('option', { value: c }, c))) : null,
      shownCount));
    document.getElementById('head').append(...out);
    document.getElementById('main').replaceChildren(h('div', { class: 'specs' },
      h('div', { class: 'cols' }, ['verdict', 'spec', 'title', 'category', 'checks', 'time', 'when'].map((t, i) => h('span', { class: i === 5 ? 'num' : '' }, t))), list));
  }

  head();
  draw();
  const wanted = decodeURIComponent(location.hash.slice(1));
  const target = wanted ? [...list.children].find(x => x.dataset.spec === wanted) : total === 1 ? list.firstElementChild : null;
  if (target) { target.firstElementChild.click(); if (wanted) target.scrollIntoView(); }
})();
