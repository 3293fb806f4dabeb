import { describe, expect, it } from 'vitest';
import { x509Folder } from '../../../tools/tls/index.ts';
import { checkServer, type Report } from '../src/index.ts';
import { ours, pattern } from './fixture.ts';

function failures({ results }: Report): string[] {
  const failed = results.filter(({ status }) => status === 'fail' || status === 'not-run');
  return failed.map(({ id, status, message = '', conversation = [] }) =>
    [`${status} ${id}: ${message}`, ...conversation].join('\n'),
  );
}

// Handshakes cost more than rules do.
const SECURED = /^(tls|go|export-name|cookie|disconnect|structured|df|write|extended)\./;

describe('our own server keeps every rule', () => {
  it('with a writable export', async () => {
    const { uri, disk } = await ours();
    await disk.write(0, pattern(2 ** 18));
    const report = await checkServer(uri('disk'), { write: true });
    expect(failures(report)).toEqual([]);
    expect(report.must.of).toBeGreaterThan(140);
  });

  it('with a read-only export', async () => {
    const { uri } = await ours();
    const report = await checkServer(uri('fixed'), { write: true });
    expect(failures(report)).toEqual([]);
    expect(report.results.find(({ id }) => id === 'read-only.refuses')?.status).toBe('pass');
  });

  it.each(['require', 'allow'] as const)('with TLS: %s', async (mode) => {
    const { uri } = await ours({ tls: { mode, certificates: x509Folder } });
    const secure = `${uri('disk').replace('nbd', 'nbds')}&tls-certificates=${x509Folder}`;
    const report = await checkServer(secure, { write: true, only: (id) => SECURED.test(id) });
    expect(failures(report)).toEqual([]);
    expect(report.results.find(({ id }) => id === 'tls.serves')?.status).toBe('pass');
  });

  it('with TLS required of a client that has none', async () => {
    const { uri } = await ours({ tls: { mode: 'require', certificates: x509Folder } });
    const report = await checkServer(uri('disk'), { write: true });
    expect(failures(report)).toEqual([]);
    expect(report.results.find(({ id }) => id === 'tls.forced.options')?.status).toBe('pass');
    expect(report.survey.unusable).toMatch(/insists on TLS/);
  });
});
