import { Args } from '@oclif/core'
import { BaseCommand } from '../../lib/cli/base-command.ts'

/** What `emr sandbox start` starts as a process of its own. */
export default class SandboxServe extends BaseCommand {
  static override hidden = true
  static override summary = 'Serve the sandbox until it is told to stop'
  static override args = { folder: Args.string({ required: true, description: 'state folder' }) }

  async run(): Promise<unknown> {
    const { args } = await this.parse(SandboxServe)
    const { serve } = await import('../../lib/cli/sandbox.ts')
    await serve(args.folder)
    // Timers of controllers that wait for nothing any more would keep the process.
    process.exit(0)
  }
}
