import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { StateFile } from '../src/attach/state-file.ts';

it('the folder goes with the last attachment, also when a daemon was killed while it wrote the list', () => {
  const directory = mkdtempSync(join(tmpdir(), 'interposer-state-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const folder = join(directory, 'socket.d');
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, 'attachments.json.new'), '{"boot":"b","attach');
  const state = new StateFile(folder, 'b');
  expect(state.load()).toEqual([]);
  state.save([]);
  expect(existsSync(folder)).toBe(false);
});
