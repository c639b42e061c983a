import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { BackupManifest, BackupObject, RelationName } from '../../domain/backup/manifest.ts'
import type { Command } from '../../process/command.ts'
import { letHeapGrowBy } from '../../process/memory.ts'
import { startPipeline } from '../../process/pipeline.ts'
import type { Runner } from '../../process/runner.ts'
import type { BackupCatalog } from '../store/catalog.ts'
import { checkedStream, damaged, feed, type TransferOptions } from '../store/transfer.ts'
import { decompressCommand, listArchiveCommand, restoreCommand } from './programs.ts'
import { Replay, type ReplayOptions, type ReplayOutcome } from './replay.ts'
import type { RestoreTarget } from './target.ts'

/** Entries of post-data that are needed while changes are replayed; all others would act on the rows, or are slow. */
const EARLY = /^\d+; \d+ \d+ (INDEX|INDEX ATTACH|CONSTRAINT) /
/** What a source has for its own backups. */
const GUARD =
  /^\d+; \d+ \d+ (EVENT TRIGGER - emr_backup_(ddl|drop)|PUBLICATION - emr_backup|COMMENT - (EVENT TRIGGER|PUBLICATION) emr_backup\w*) /

export interface RestoreStepOptions extends TransferOptions {
  jobs: number
  noOwner: boolean
}

/** The steps of a restore, in the order in which workflows/backup/restore calls them. */
export class PostgresRestoreSteps {
  readonly #target: RestoreTarget
  readonly #catalog: BackupCatalog
  readonly #runner: Runner
  readonly #options: RestoreStepOptions
  #folder: string | undefined

  constructor(target: RestoreTarget, catalog: BackupCatalog, runner: Runner, options: RestoreStepOptions) {
    this.#target = target
    this.#catalog = catalog
    this.#runner = runner
    this.#options = options
  }

  begin: RestoreTarget['begin'] = (...args) => this.#target.begin(...args)
  enter: RestoreTarget['enter'] = (phase) => this.#target.enter(phase)
  setIdentities: RestoreTarget['setIdentities'] = (...args) => this.#target.setIdentities(...args)
  setSequences: RestoreTarget['setSequences'] = (...args) => this.#target.setSequences(...args)
  refreshViews = (views: readonly RelationName[] | undefined): Promise<void> =>
    this.#target.refreshViews(views, this.#options.signal)
  finish = (): Promise<void> => this.#target.finish(this.#options.jobs)

  async schema(backup: BackupManifest): Promise<void> {
    const archive = await this.#schemaArchive(backup)
    await this.#run({ section: 'pre-data', archive })
  }

  async data(backup: BackupManifest, object: BackupObject): Promise<void> {
    letHeapGrowBy(400)
    const { target, options } = { target: this.#target, options: this.#options }
    const source = await checkedStream(
      this.#catalog.store,
      this.#catalog.keyOf(backup.id, object.name),
      object,
      options,
    )
    const commands = [
      decompressCommand(target.programs),
      restoreCommand(target.programs, target.connection, {}),
    ]
    const programs = startPipeline(commands, options.signal)
    programs.stdout.resume()
    await feed(source, programs)
  }

  async indexes(backup: BackupManifest): Promise<void> {
    await this.#postData(backup, (line) => EARLY.test(line))
  }

  async rest(backup: BackupManifest): Promise<void> {
    await this.#postData(backup, (line) => !EARLY.test(line) && !GUARD.test(line))
  }

  async replay(backup: BackupManifest, object: BackupObject, options: ReplayOptions): Promise<ReplayOutcome> {
    letHeapGrowBy(100)
    const key = this.#catalog.keyOf(backup.id, object.name)
    const source = await checkedStream(this.#catalog.store, key, object, this.#options)
    const stop = new AbortController()
    const signal = AbortSignal.any([options.signal, stop.signal])
    const programs = startPipeline([decompressCommand(this.#target.programs)], signal)
    const fed = feed(source, programs)
    fed.catch(() => {})
    const replay = new Replay(this.#target.client, options)
    try {
      const ended = await replay.run(programs.stdout as AsyncIterable<Buffer>)
      // What follows the end that was asked for is not read.
      if (!ended) await fed
      return { ended, transactions: replay.transactions, last: replay.last }
    } catch (error) {
      // A damaged segment also ends too early.
      if (error instanceof RangeError) await fed
      throw error instanceof RangeError ? damaged(key, error.message) : error
    } finally {
      stop.abort()
      source.destroy()
    }
  }

  /** Removes what it kept on this machine: the schema's archive, which has no data in it. */
  async dispose(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }

  /** pg_restore can work in parallel only on a file. */
  async #schemaArchive(backup: BackupManifest): Promise<string> {
    if (this.#folder !== undefined) return join(this.#folder, 'schema.dump')
    const object = backup.objects.find(({ content }) => content === 'schema')
    if (!object) throw damaged(this.#catalog.keyOf(backup.id, 'schema'), 'is not in its manifest')
    this.#folder = await mkdtemp(join(tmpdir(), 'emr-restore-'))
    const file = join(this.#folder, 'schema.dump')
    const key = this.#catalog.keyOf(backup.id, object.name)
    const source = await checkedStream(this.#catalog.store, key, object, this.#options)
    const programs = startPipeline([decompressCommand(this.#target.programs)], this.#options.signal)
    const written = pipeline(programs.stdout, createWriteStream(file, { mode: 0o600 }))
    await Promise.all([feed(source, programs), written])
    return file
  }

  async #postData(backup: BackupManifest, isWanted: (line: string) => boolean): Promise<void> {
    const archive = await this.#schemaArchive(backup)
    const { stdout } = await this.#runner.run(
      listArchiveCommand(this.#target.programs, archive),
      this.#options,
    )
    const lines = stdout.split('\n').filter((line) => /^\d+; /.test(line) && isWanted(line))
    if (lines.length === 0) return
    const list = join(this.#folder ?? '', 'list')
    await writeFile(list, lines.join('\n'))
    await this.#run({ section: 'post-data', archive, list, jobs: this.#options.jobs })
  }

  async #run(scope: Parameters<typeof restoreCommand>[2]): Promise<void> {
    const { programs, connection } = this.#target
    const command: Command = restoreCommand(programs, connection, {
      ...scope,
      noOwner: this.#options.noOwner,
    })
    await this.#runner.run(command, { signal: this.#options.signal })
  }
}
