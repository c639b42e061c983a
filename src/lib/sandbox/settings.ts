import { z } from 'zod'

/** How the sandbox behaves; the `sandbox` section of the project's configuration. */
export const sandboxSettingsSchema = z.strictObject({
  /** Seconds of cluster time per second: 60 lets a minute of waiting pass in a second. Changes no timestamps. */
  speed: z.number().positive().max(1000).default(1),
  /** Seconds of cluster time from the start of a container to its first good probe. */
  readinessSeconds: z.number().min(0).default(2),
  /** Seconds of cluster time to pull an image that its node does not have yet. */
  imagePullSeconds: z.number().min(0).default(1),
  /** Worker nodes, spread over three zones; each takes 234 pods. */
  nodes: z.int().min(1).max(100).default(3),
  /** Minutes without a request or an open watch from outside until the sandbox stops by itself; 0 for never. */
  idleMinutes: z.number().min(0).default(60),
  /** What `/version` says. The API itself is that of Kubernetes 1.30. */
  kubernetesVersion: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/, 'write a version such as 1.30.14')
    .default('1.30.14'),
})

export type SandboxSettings = z.infer<typeof sandboxSettingsSchema>
export type SandboxSettingsInput = z.input<typeof sandboxSettingsSchema>
