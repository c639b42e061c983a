import type { ListrTask } from 'listr2'

/**
 * Runs tasks and shows their progress on stderr: a tree in a terminal, timestamped lines elsewhere. Signals are the
 * base command's business: listr2's own handler ends the process with 127 while programs still run.
 * @throws what the first failing task threw
 */
export async function runTasks(tasks: ListrTask[]): Promise<void> {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2')
  const shared = { concurrent: false, exitOnError: true, registerSignalListeners: false } as const
  if (process.stderr.isTTY && !process.env.CI && process.env.TERM !== 'dumb') {
    const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) })
    const rendererOptions = {
      logger,
      collapseErrors: false,
      collapseSubtasks: false,
      showErrorMessage: false,
    }
    await new Listr(tasks, { ...shared, rendererOptions, forceTTY: true }).run()
    return
  }
  const { LineRenderer } = await import('./line-renderer.ts')
  await new Listr(tasks, { ...shared, renderer: LineRenderer as never }).run()
}
