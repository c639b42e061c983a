import { type Runner, type RunOptions, ToolError } from '../../process/runner.ts'

export interface KubectlTarget {
  kubeconfig: string
  context: string
  namespace: string
}

/** Time for kubectl itself, beside that of what it runs. */
const OVERHEAD_MS = 10_000

/**
 * Connects to each address (`host:port`, several with commas) with whatever the image has for it. Images of services
 * are small: nc, node, bash or perl is enough.
 */
const CONNECT = `
set -eu
seconds=$1
shift
if [ "$1" = --files ]; then
  shift
  address=
  for file in "$@"; do
    value=$(cat "\${SECRETS_PATH:?is not set}/$file")
    address="\${address:+$address:}$value"
  done
else
  address=$1
fi
for each in $(echo "$address" | tr ',' ' '); do
  host=\${each%:*}
  port=\${each##*:}
  if command -v nc >/dev/null; then nc -z -w "$seconds" "$host" "$port" || reached=no
  elif command -v node >/dev/null; then
    node -e 'const [h,p,s]=process.argv.slice(1);const c=require("net").connect({host:h,port:+p,timeout:s*1e3});c.on("connect",()=>process.exit(0));c.on("timeout",()=>process.exit(1));c.on("error",()=>process.exit(1))' "$host" "$port" "$seconds" || reached=no
  elif command -v bash >/dev/null; then timeout "$seconds" bash -c '</dev/tcp/$0/$1' "$host" "$port" 2>/dev/null || reached=no
  else echo 'the image has neither nc, node nor bash' >&2; exit 3
  fi
  if [ "\${reached:-yes}" = no ]; then echo "no connection to $host:$port" >&2; exit 1; fi
done
`

/** The kubectl program, bound to one cluster, context and namespace. */
export class Kubectl {
  readonly #path: string
  readonly #target: KubectlTarget
  readonly #runner: Runner

  constructor(tool: { path: string }, target: KubectlTarget, runner: Runner) {
    this.#path = tool.path
    this.#target = target
    this.#runner = runner
  }

  /**
   * Opens a connection from inside one of a service's pods.
   * @throws {Error} saying what could not be reached
   */
  async connectFrom(
    service: string,
    address: string | { files: string[] },
    timeoutMs: number,
    options: RunOptions,
  ): Promise<void> {
    const seconds = String(Math.max(1, Math.ceil(timeoutMs / 1000)))
    const words = typeof address === 'string' ? [address] : ['--files', ...address.files]
    const { kubeconfig, context, namespace } = this.#target
    const where = ['--kubeconfig', kubeconfig, '--context', context, '--namespace', namespace]
    const inPod = ['sh', '-c', CONNECT, 'connect', seconds, ...words]
    const args = ['exec', ...where, `deployment/${service}`, '--container', service, '--', ...inPod]
    try {
      // It changes nothing: a connection is opened and closed.
      const command = { file: this.#path, args, effect: 'read' as const, timeoutMs: timeoutMs + OVERHEAD_MS }
      await this.#runner.run(command, options)
    } catch (error) {
      if (!(error instanceof ToolError)) throw error
      const [line] = error.result.stderr
        .trim()
        .split('\n')
        .filter((each) => !/^command terminated/.test(each))
      throw new Error(`from ${service}: ${line || 'kubectl exec failed'}`)
    }
  }
}
