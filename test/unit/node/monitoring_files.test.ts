import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { NodeMetrics } from '../../../daemon/node/metrics/node_metrics.js';
import { ProcessMeter } from '../../../daemon/node/process_meter.js';
import { FakeClock } from '../daemon/fake_clock.js';

const PROMTOOL = process.env['PROMTOOL'] ?? '/usr/bin/promtool';
const DASHBOARD = 'docker/grafana/alirtcd.json';
const FOLDER = 'docker/prometheus';
/** What Prometheus adds itself. */
const FOREIGN = new Set(['up']);

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}
interface Rules {
  groups: { rules: { alert: string; expr: string; annotations: { summary: string; description: string } }[] }[];
}

/** The names under which the daemon's metrics can be asked for. */
async function metricNames(): Promise<Set<string>> {
  const registry = { list: () => [], onCreated: () => () => undefined };
  const clock = new FakeClock();
  const meter = new ProcessMeter(
    () => [],
    () => Promise.reject(new Error('not asked')),
    clock,
  );
  const admission = { loadMs: 0, capacityMs: 1000 };
  const isDraining = () => false;
  const metrics = new NodeMetrics({ registry, meter, version: '1.2.3', maxEngines: () => 4, admission, isDraining });
  const known = (await metrics.register.getMetricsAsJSON()).flatMap(({ name, type }) =>
    String(type) === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
  );
  return new Set(known);
}

/** Words of an expression that stand before a selector, a bracket or an operator, and are neither functions nor label names. */
function namesIn(expression: string): string[] {
  return [...expression.matchAll(/\b(up|alirtcd_\w+|rpc_\w+_seconds\w*)\b/g)].map(([name]) => name);
}

describe('the dashboard and the alert rules', () => {
  const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard;
  const rules = (parse(readFileSync(`${FOLDER}/alerts.yaml`, 'utf8')) as Rules).groups.flatMap((group) => group.rules);

  it('name no metric that the daemon does not have', async () => {
    const known = await metricNames();
    const panels = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));
    const all = [...panels, ...rules.map(({ alert, expr }) => ({ title: alert, expr }))];
    for (const { title, expr } of all) {
      const names = namesIn(expr);
      assert.notEqual(names.length, 0, `${title}: ${expr}`);
      for (const name of names) assert.ok(known.has(name) || FOREIGN.has(name), `${title}: no metric ${name}`);
    }
  });

  it('show every metric of the daemon somewhere', async () => {
    const shown = new Set(dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => namesIn(expr))));
    const missing = [...(await metricNames())].filter((name) => !/_(bucket|count|sum)$/.test(name) && !shown.has(name));
    assert.deepEqual(missing, []);
  });

  it('say of each alert what it is and what to do', () => {
    for (const { alert, annotations } of rules) {
      assert.match(annotations.summary, /\{\{ \$labels\.instance \}\}/, alert);
      assert.ok(annotations.description.length > 40, alert);
    }
  });

  for (const [command, file] of [
    ['check', 'alerts.yaml'],
    ['test', 'alerts_test.yaml'],
  ] as const)
    it(`pass promtool ${command} rules`, function () {
      if (!existsSync(PROMTOOL)) {
        console.log(`      skipped: no ${PROMTOOL}; install Debian's package prometheus`);
        this.skip();
      }
      this.timeout(30_000);
      const { status, stdout, stderr } = spawnSync(PROMTOOL, [command, 'rules', file], {
        cwd: FOLDER,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stdout + stderr);
    });
});
