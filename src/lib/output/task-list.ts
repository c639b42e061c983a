import type { ListrTask } from 'listr2'
import { cleanLines } from './door.ts'

/**
 * Runs tasks and shows their progress on stderr: a tree in a terminal, timestamped lines elsewhere. Signals are the
 * base command's business: listr2's own handler ends the process with 127 while programs still run.
 * @throws what the first failing task threw
 */
export async function runTasks(given: ListrTask[]): Promise<void> {
  const tasks = given.map(withCleanWords)
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

type Wrapper = Parameters<ListrTask['task']>[1]

/** listr2 writes to the terminal by itself: what is foreign in a title or an output is cleaned before it has it. */
function withCleanWords(task: ListrTask): ListrTask {
  return {
    ...task,
    ...(typeof task.title === 'string' && { title: cleanLines(task.title) }),
    task: (context, wrapper) => task.task(context, cleanWrapper(wrapper)),
  }
}

function cleanWrapper(wrapper: Wrapper): Wrapper {
  return new Proxy(wrapper, {
    set: (target, key, value) =>
      Reflect.set(target, key, typeof value === 'string' ? cleanLines(value) : value, target),
    get: (target, key) => {
      const value = Reflect.get(target, key, target)
      if (key === 'newListr') {
        return (tasks: ListrTask | ListrTask[], ...rest: unknown[]) =>
          value.call(target, [tasks].flat().map(withCleanWords), ...rest)
      }
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
