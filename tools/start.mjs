// What `npm start` runs once everything is built: the demonstration, or the CLI when there are arguments.
// It runs in this process, so that signals and the exit code need no forwarding.
import { fileURLToPath, pathToFileURL } from 'node:url';

const args = process.argv.slice(2);
const dist = new URL('../packages/interposer/dist/', import.meta.url);
const program = fileURLToPath(new URL(args.length > 0 ? 'bin.js' : 'demo.js', dist));

// npm changes to the root of the workspace; file names are relative to where the user stands.
if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
process.argv = [process.argv[0], program, ...args];
await import(pathToFileURL(program).href);
