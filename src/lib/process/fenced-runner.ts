import type { Command, CommandResult } from './command.ts'
import type { Runner, RunOptions } from './runner.ts'

/** Runs programs that write only while the fence stands: what it guards may belong to another process by now. */
export class FencedRunner implements Runner {
  readonly #runner: Runner
  readonly #confirm: () => Promise<void>

  /** @param confirm throws when nothing may be written any more */
  constructor(runner: Runner, confirm: () => Promise<void>) {
    this.#runner = runner
    this.#confirm = confirm
  }

  async run(command: Command, options?: RunOptions): Promise<CommandResult> {
    if (command.effect === 'write') await this.#confirm()
    return this.#runner.run(command, options)
  }
}
