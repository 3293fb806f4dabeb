import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { strangerFolder, x509Folder } from '../../../tools/tls/index.ts';
import type { Report } from '../src/index.ts';
import { main } from '../src/main.ts';
import { temporaryFolder } from '../../../tools/temporary.ts';
import { ours, uriOf } from './fixture.ts';
import { mutants } from './mutants.ts';
import { proxy } from './proxy.ts';

async function run(...words: string[]): Promise<{ code: number; out: string; error: string }> {
  const lines: { out: string[]; error: string[] } = { out: [], error: [] };
  const code = await main(words, {
    out: (text) => lines.out.push(text),
    error: (text) => lines.error.push(text),
  });
  return { code, out: lines.out.join('\n'), error: lines.error.join('\n') };
}

async function faulty(rule: string): Promise<string> {
  const { faults } = mutants.find((mutant) => mutant.rule === rule)!;
  return uriOf(await proxy((await ours()).path, faults), 'disk');
}

describe('the command', () => {
  it('prints each rule and the score, and succeeds', async () => {
    const { code, out } = await run((await ours()).uri('disk'), '--rule', 'greeting.*');
    expect(out).toMatch(/^ok {3}MUST {3}greeting\.magic$/m);
    expect(out).toMatch(/^n\/a {2}MUST {3}greeting\.unoffered-client-flag: both flags are offered$/m);
    expect(out.split('\n').at(-1)).toBe('MUST 5/5, SHOULD 0/0, 1 not applicable');
    expect(code).toBe(0);
  });

  it('shows what was sent and what came where a MUST fails, and fails', async () => {
    const { code, out } = await run(await faulty('flags.has-flags'), '--rule', 'flags.*');
    expect(out).toMatch(/^FAIL MUST {3}flags\.has-flags$/m);
    expect(out).toMatch(/^ +> option GO \(7\), data /m);
    expect(out).toMatch(/^ +< reply ACK \(1\) to GO \(7\)$/m);
    expect(out).toMatch(/^MUST flags\.has-flags: the flags are SEND_FLUSH/m);
    expect(code).toBe(1);
  });

  it('succeeds where only a SHOULD fails', async () => {
    const { code, out } = await run(await faulty('option.list.data'), '--rule', 'option.list.data');
    expect(out).toMatch(/MUST 0\/0, SHOULD 0\/1/);
    expect(code).toBe(0);
  });

  it('does not write unless it is told to, or beyond what it is told', async () => {
    const { uri, disk } = await ours();
    const first = await run(uri('disk'), '--rule', 'write.*');
    expect(first.out).toMatch(/^skip MUST {3}write\.reads-back: it changes data$/m);
    const second = await run(uri('disk'), '--rule', 'write.*', '--write', '--scratch', '512');
    expect(second.out).toMatch(
      /^skip MUST {3}write\.reads-back: it has to change 65536 bytes, allowed are 512$/m,
    );
    const start = await disk.read(0, 128);
    expect(start.every((byte) => byte === 0)).toBe(true);
    expect((await run(uri('disk'), '--rule', 'write.*', '--write')).out).toMatch(
      /^ok {3}MUST {3}write\.reads-back$/m,
    );
  });

  it('prints JSON, a table and JUnit XML', async () => {
    const { uri } = await ours();
    const file = join(await temporaryFolder(), 'report.xml');
    const { out } = await run(uri('disk'), '--rule', 'read.*', '--json', '--junit', file);
    const report = JSON.parse(out) as Report;
    expect(report.must.passed).toBe(report.must.of);
    expect(report.results[0]).toMatchObject({ id: 'read.first', level: 'MUST', status: 'pass' });
    const xml = await readFile(file, 'utf8');
    expect(xml).toMatch(/<testsuite name="read" tests="\d+" failures="0"/);
    expect(xml).toContain('name="read.first: A read of the first bytes succeeds."');
    const table = await run(uri('disk'), '--rule', 'read.*', '--markdown');
    expect(table.out).toMatch(/^\| read \| \d+\/\d+ \+ \d+\/\d+ \|$/m);
  });

  it('lists the rules without a server', async () => {
    const { code, out } = await run('--list', '--rule', '*.unknown');
    expect(out).toMatch(/^MUST {3}option\.unknown: .* \("Baseline"\)$/m);
    expect(code).toBe(0);
  });

  it('fuzzes', async () => {
    const { uri } = await ours();
    const { code, out } = await run(uri('disk'), '--fuzz', '50', '--seed', '9', '--write');
    expect(out).toMatch(/^50 cases of seed 9, \d+ bytes answered: it stands$/);
    expect(code).toBe(0);
    expect(await run(uri('disk'), '--fuzz', '50')).toMatchObject({ code: 2 });
  });

  it('blames no server that it cannot come to terms with in TLS', async () => {
    const { uri } = await ours({ tls: { mode: 'require', certificates: x509Folder } });
    const strange = `${uri('disk').replace('nbd', 'nbds')}&tls-certificates=${strangerFolder}`;
    const { code, out, error } = await run(strange);
    expect(error).toMatch(/the TLS handshake fails: .*authority that is not trusted$/);
    expect([code, out]).toEqual([2, '']);
  });

  it('says how it is used', async () => {
    expect((await run('--help')).out).toContain('THIS DESTROYS THE DATA');
    for (const words of [[], ['a', 'b'], ['--nonsense'], ['http://x'], ['nbd://x', '--timeout', 'soon']]) {
      const { code, error } = await run(...words);
      expect(error).toMatch(/^interposer-nbd-conformance: ./);
      expect(code).toBe(2);
    }
    expect(await run(uriOf('/nonexistent/nbd.sock'))).toMatchObject({ code: 2 });
    const { uri } = await ours();
    expect((await run(uri('disk'), '--rule', 'nonsense')).error).toMatch(/no rule has such a name/);
    expect(await run(uri('disk'), '--junit', '/nonexistent/report.xml')).toMatchObject({ code: 2, out: '' });
    expect(await run('nbds+unix:///?socket=/x&tls-certificates=/nonexistent')).toMatchObject({ code: 2 });
  });
});
