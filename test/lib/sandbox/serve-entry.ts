import { serveSandbox } from '../../../src/lib/sandbox/serve.ts'

/** What tests start as the sandbox's process: `node serve-entry.ts FOLDER`. */
await serveSandbox(process.argv[2] ?? '')
process.exit(0)
