import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  connect,
  type DatabaseConnection,
  libpqEnvironment,
} from '../../../src/lib/adapters/postgres/connection.ts'
import { findPrograms } from '../../../src/lib/adapters/postgres/programs.ts'
import { ProcessRunner } from '../../../src/lib/process/runner.ts'
import { hasPostgres, type PostgresServer, serverUser, startPostgres } from '../../support/postgres.ts'
import { backupProject } from './project.ts'

/** Makes certificate authorities and what they sign, with openssl, in one folder. */
class Authorities {
  readonly folder = mkdtempSync(join(tmpdir(), 'emr-tls-'))

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' })
  }

  authority(name: string): string {
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`]
    this.#openssl('req', '-x509', ...key, '-out', `${name}.pem`, '-subj', `/CN=${name}`, '-days', '2')
    return join(this.folder, `${name}.pem`)
  }

  /** @returns settings of a server with this certificate */
  server(host: string, authority: string): Record<string, string> {
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${host}.key`]
    this.#openssl('req', ...key, '-out', `${host}.csr`, '-subj', `/CN=${host}`)
    writeFileSync(join(this.folder, 'names'), `subjectAltName=DNS:${host}`)
    const signer = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-days', '2']
    this.#openssl('x509', '-req', '-in', `${host}.csr`, ...signer, '-extfile', 'names', '-out', `${host}.crt`)
    const [certificate, secret] = [join(this.folder, `${host}.crt`), join(this.folder, `${host}.key`)]
    chmodSync(this.folder, 0o755)
    chmodSync(secret, 0o600)
    const user = serverUser()
    if (user) for (const file of [certificate, secret]) chownSync(file, user.uid, user.gid)
    return { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: secret }
  }
}

describe.skipIf(!hasPostgres)('a server with TLS', () => {
  const made = new Authorities()
  let known: string
  let unknown: string
  let server: PostgresServer
  let misnamed: PostgresServer
  beforeAll(async () => {
    known = made.authority('known')
    unknown = made.authority('unknown')
    server = await startPostgres(made.server('localhost', 'known'))
    misnamed = await startPostgres(made.server('elsewhere.example', 'known'))
  })
  afterAll(async () => {
    await server?.stop()
    await misnamed?.stop()
    rmSync(made.folder, { recursive: true, force: true })
  })

  const through = (to: PostgresServer, change: Partial<DatabaseConnection> = {}): DatabaseConnection => ({
    ...to.connection,
    host: 'localhost',
    tls: 'verify-full',
    rootCertificate: known,
    ...change,
  })
  /** With the default mode: the configuration names none. */
  const project = ({ host, port, user, database, password, ...connection }: DatabaseConnection) => {
    const root = connection.rootCertificate
    const tls = root === undefined ? '' : `, tls: {rootCertificate: ${root}}`
    return backupProject(
      { host, port, user, database, password, ...connection },
      {
        database: `{host: ${host}, port: ${port}, name: ${database}, user: ${user}, password: {file: password}${tls}}`,
      },
    )
  }
  const dump = async (connection: DatabaseConnection) => {
    const runner = new ProcessRunner()
    const { pgDump } = await findPrograms(runner, 15)
    const args = ['--schema-only', '--no-password']
    return runner.run({ file: pgDump, args, effect: 'read', env: libpqEnvironment(connection) })
  }

  test('whose authority is known: emr and the programs that it starts speak TLS', async () => {
    const client = await connect(through(server))
    const { rows } = await client.query('SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
    await client.end()
    expect(rows).toEqual([{ ssl: true, version: 'TLSv1.3' }])
    expect((await dump(through(server))).stdout).toContain('PostgreSQL database dump')
    const there = project(through(server))
    await there.json('full')
    expect(await there.json('incremental')).toMatchObject({ kind: 'incremental' })
  })

  test.each([
    [
      'an unknown authority',
      () => through(server, { rootCertificate: unknown }),
      /self-signed certificate|unable to/,
      'database.tls.rootCertificate',
    ],
    [
      'an authority of its own, and none configured',
      () => through(server, { rootCertificate: undefined }),
      /certificate/,
      'database.tls.rootCertificate',
    ],
    [
      'the name of another host',
      () => through(misnamed),
      /localhost\. is not in .* DNS:elsewhere\.example/,
      'database.host',
    ],
    [
      'a name, and reached by address',
      () => through(server, { host: '127.0.0.1' }),
      /IP: 127\.0\.0\.1 is not in/,
      'database.host',
    ],
  ] as const)('whose certificate has %s is not trusted', async (_what, connection, words, advice) => {
    const { exitCode, stdout } = await project(connection()).run('full', '--json')
    const { error } = JSON.parse(stdout)
    expect(error).toMatchObject({ code: 'DATABASE_TLS', message: expect.stringMatching(words) })
    expect(error.suggestions.join()).toContain(advice)
    expect(exitCode).toBe(4)
    await expect(dump(connection())).rejects.toThrow(/certificate/)
  })
})
