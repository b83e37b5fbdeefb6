import type { Command } from 'commander';
import type { CommandContext } from './io.js';

interface DoctorCommandOptions {
  config?: string;
}

export function addDoctorCommand(program: Command, context: () => CommandContext): void {
  program
    .command('doctor')
    .description('check this installation and say what to do: exit code 0 when nothing has failed, 1 otherwise')
    .option('--config <file>', 'the configuration of the daemon; default $ALIRTCD_CONFIG, else none')
    .argument('[flags...]', 'further flags that alirtcd is started with, behind "--"')
    .action((flags: string[], options: DoctorCommandOptions) => examine(context(), flags, options));
}

/** Loaded only here: it brings the daemon's own code with it. */
async function examine(
  { io, json, connection }: CommandContext,
  flags: string[],
  options: DoctorCommandOptions,
): Promise<void> {
  const { runDoctor } = await import('./doctor/doctor.js');
  const { reportLines, summaryOf, summaryText } = await import('./doctor/report.js');
  const rich = io.screen !== undefined && (io.env['NO_COLOR'] ?? '') === '';
  const results = [];
  for await (const result of runDoctor({
    flags: [...(options.config === undefined ? [] : ['--config', options.config]), ...flags],
    environment: io.env,
    connection,
    signal: io.signal,
  })) {
    results.push(result);
    if (!json) for (const line of reportLines(result, { rich })) io.print(line);
  }
  const summary = summaryOf(results);
  if (json) {
    const findings = results.flatMap(({ check, findings }) => findings.map((finding) => ({ check, ...finding })));
    io.print(JSON.stringify({ ok: summary.failures === 0, ...summary, findings }));
  } else if (summary.failures === 0) io.print(`\n${summaryText(summary)}`);
  if (summary.failures > 0) throw new Error(`the installation has faults: ${summaryText(summary)}`);
}
