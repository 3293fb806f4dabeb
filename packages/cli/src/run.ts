import { Options, parseCommandLine, unrecognized, UsageError } from './command-line.ts';
import { controlSocketPath } from './daemon/socket-path.ts';
import { connectOrStart, tryConnect } from './daemon/start-daemon.ts';
import type { RemoteService } from './daemon/remote.ts';
import { CommandFailure, reportFailure } from './failure.ts';
import { familyUsage, usage, verbHelp, verbsUnder } from './help.ts';
import type { Program, Surroundings } from './io.ts';
import { namedPlugins } from './named-plugins.ts';
import { COMMON_OPTIONS, INTERNAL_OPTIONS, OPTIONS } from './options.ts';
import type { Command, Verb } from './verb.ts';
import { findVerb } from './verbs/index.ts';

/** Runs a command line in its surroundings. Resolves to the exit code; every failure is written to standard error. */
export async function runCommandLine(
  args: readonly string[],
  around: Surroundings,
  program: Program,
): Promise<number> {
  let options = new Options();
  const open = new Set<RemoteService>();
  try {
    const line = parseCommandLine(args);
    options = line.options;
    const asksVersion = line.words.length === 0 && options.has('version');
    const found = findVerb(asksVersion ? ['version'] : line.words);
    if (found === undefined) return withoutVerb(line.words, options, around);
    const { verb, operands } = found;
    checkOptions(verb, options);
    if (options.has('help')) {
      around.stdout.write(verbHelp(verb));
      return 0;
    }
    if (operands.length < verb.count[0] || operands.length > verb.count[1]) {
      throw new UsageError(`Incorrect number of arguments.\n${verbHelp(verb)}`);
    }
    return (await verb.run(makeCommand(verb, operands, options, around, program, open))) ?? 0;
  } catch (error) {
    if (error instanceof UsageError) around.stderr.write(error.message);
    else reportFailure(error, around.stderr, options.has('json'));
    return 1;
  } finally {
    for (const service of open) service.close();
  }
}

function withoutVerb(words: readonly string[], options: Options, around: Surroundings): number {
  const asksHelp = words[0] === 'help' || options.has('help');
  const about = words[0] === 'help' ? words.slice(1) : words;
  const help = asksHelp ? helpAbout(about) : undefined;
  if (help !== undefined) {
    around.stdout.write(help);
    return 0;
  }
  if (about.length === 0) {
    around.stderr.write(usage());
    return 1;
  }
  // The help is long: what was wrong stands at its end as well, where it is seen.
  const known = [2, 1, 0].find(
    (count) => count <= about.length && verbsUnder(about.slice(0, count)).length > 0,
  )!;
  const shown = known === 0 ? usage() : familyUsage(verbsUnder(about.slice(0, known)));
  const wrong = about.slice(0, known + 1).join(' ');
  around.stderr.write(`Unknown command.\n${shown}interposer: there is no verb "${wrong}"\n`);
  return 1;
}

/** Of one verb, of those that begin with the words, or of all where there are no words; undefined where none is meant. */
function helpAbout(words: readonly string[]): string | undefined {
  if (words.length === 0) return usage();
  const verb = findVerb(words)?.verb;
  if (verb !== undefined) return verbHelp(verb);
  const family = verbsUnder(words);
  return family.length === 0 ? undefined : familyUsage(family);
}

/** A verb of dmsetup's takes every option of dmsetup's, as dmsetup does; one of ours only those that mean something. */
function checkOptions(verb: Verb, options: Options): void {
  for (const name of options.names()) {
    if ([...COMMON_OPTIONS, ...INTERNAL_OPTIONS, ...verb.options].includes(name)) continue;
    const isDmsetups = OPTIONS.find((option) => option.name === name)?.dmsetup === true;
    if (verb.dmsetup !== true || !isDmsetups) throw unrecognized(`unrecognized option '--${name}'`);
  }
}

function makeCommand(
  verb: Verb,
  operands: readonly string[],
  options: Options,
  around: Surroundings,
  program: Program,
  open: Set<RemoteService>,
): Command {
  let service: Promise<RemoteService | undefined> | undefined;
  const connectOnce = (start: boolean): Promise<RemoteService | undefined> => {
    service ??= connectService(options, around, program, start).then((connected) => {
      if (connected === undefined) service = undefined;
      else open.add(connected);
      return connected;
    });
    return service;
  };
  const print = (text: string): void => {
    around.stdout.write(text);
  };
  return {
    verb,
    operands,
    options,
    around,
    program,
    service: async () => {
      const connected = await connectOnce(!options.has('no-start'));
      if (connected === undefined) throw new CommandFailure(['No daemon is running.'], { closing: false });
      return connected;
    },
    runningService: () => connectOnce(false),
    print,
    show: (value, text) => {
      print(options.has('json') ? `${JSON.stringify(value, null, 2)}\n` : text());
    },
  };
}

async function connectService(
  options: Options,
  around: Surroundings,
  program: Program,
  start: boolean,
): Promise<RemoteService | undefined> {
  if (program.connect !== undefined) return program.connect();
  const { cwd, env, stderr } = around;
  const socket = controlSocketPath({ socket: options.get('socket'), env, cwd });
  const onProblem = (problem: string): void => {
    stderr.write(`interposer: ${problem}\n`);
  };
  // What stands in the environment the daemon reads itself.
  const plugins = namedPlugins(options, {});
  const place = { socket, cwd };
  if (!start) return tryConnect(place);
  const service = await connectOrStart({ ...place, script: program.script, plugins, env }, onProblem);
  // A daemon that ran already learns of them now; to one that was started they are nothing new.
  try {
    for (const plugin of options.all('plugin')) await service.loadPlugin(plugin);
    return service;
  } catch (error) {
    // An open connection would keep the process.
    service.close();
    throw error;
  }
}
