import { z } from 'zod'
import { DURATION_PATTERN } from '../domain/duration.ts'
import { nearest } from '../errors.ts'
import { sandboxSettingsSchema } from '../sandbox/settings.ts'
import { backupSchema, databaseSchema } from './backup.ts'

/** A helm release name: an RFC 1123 label of at most 53 characters. */
const SERVICE_NAME = /^[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?$/
/** Part of namespace names (`emr-platform-<environment>`), which end at 63 characters. */
const ENVIRONMENT_NAME = /^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/
const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/
const REGION_HINT = 'write an AWS region such as us-east-1'

const duration = (standard: string) =>
  z.string().regex(DURATION_PATTERN, 'write a duration such as 30s, 10m or 1h30m').default(standard)

/** A path in which the names in braces are filled in. */
const template = (...known: string[]) =>
  z.string().superRefine((text, context) => {
    for (const [placeholder, name = ''] of text.matchAll(/\{([^{}]*)\}/g)) {
      if (known.includes(name)) continue
      const close = nearest(name, known)
      const hint = close
        ? `did you mean {${close}}?`
        : `known: ${known.map((each) => `{${each}}`).join(', ')}`
      context.addIssue({ code: 'custom', message: `there is no placeholder ${placeholder}; ${hint}` })
    }
  })

const service = z.strictObject({
  chart: z.string().optional().describe('Folder of the Helm chart. Default: helm/<service>'),
  needs: z
    .array(z.string())
    .default([])
    .describe('Services that must be healthy before this one is deployed; they decide the waves'),
})

const aws = z.strictObject({
  accountId: z
    .string({ error: 'write the account id in quotes, as a text of 12 digits' })
    .regex(/^\d{12}$/, 'an AWS account id has 12 digits')
    .describe('Every command refuses to work with credentials of another account'),
  region: z.string().regex(REGION, REGION_HINT),
  profile: z.string().optional().describe('Named profile of the AWS configuration files'),
  endpoint: z.url().optional().describe('Another address for all AWS APIs, for an emulator'),
})

const backend = z.strictObject({
  bucket: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      'an S3 bucket name is 3 to 63 lower-case letters, digits, dots and dashes',
    )
    .default('emr-platform-terraform-state')
    .describe('S3 bucket of the state; bucket names are unique in all of AWS'),
  table: z
    .string()
    .regex(
      /^[\w.-]{3,255}$/,
      'a DynamoDB table name is 3 to 255 letters, digits, dots, dashes and underscores',
    )
    .default('emr-platform-terraform-locks')
    .describe('DynamoDB table of the state’s lock'),
  key: z
    .string()
    .min(1)
    .default('emr-platform/terraform.tfstate')
    .describe('Object key of the state; each workspace adds its own prefix'),
  region: z.string().regex(REGION, REGION_HINT).optional().describe('Region of both. Default: aws.region'),
})

const terraform = z.strictObject({
  folder: z.string().default('terraform').describe('Folder of the root module'),
  varFile: template('environment')
    .default('environments/{environment}.tfvars')
    .describe('Variable file, relative to that folder; {environment} is filled in'),
  workspace: z
    .string()
    .regex(/^[\w-]{1,90}$/, 'a workspace name is letters, digits, dashes and underscores')
    .optional()
    .describe('Default: the environment’s name'),
  backend: backend.prefault({}),
})

const eksCluster = z.strictObject({ eks: z.string().describe('Name of the EKS cluster') })
const kubeconfigCluster = z.strictObject({
  kubeconfig: z.string().describe('Path of a kubeconfig file, relative to the configuration'),
  context: z.string().describe('Context in it; the current context is never used'),
})
const sandboxCluster = z.strictObject({
  sandbox: sandboxSettingsSchema.describe('The embedded sandbox: a simulated cluster on this machine'),
})

/** How long each kind of trouble may last before a rollout is given up. */
const rollout = z.strictObject({
  timeout: duration('15m').describe('A whole deploy'),
  imagePull: duration('3m').describe('Image pulls that are throttled, time out or lack authorisation'),
  containerConfig: duration('30s').describe('A container that cannot be configured (missing Secret or key)'),
  unschedulable: duration('60s').describe('A pod that no node can take'),
  scaleUp: duration('10m').describe('A pod that no node can take while the node group grows'),
  podCreation: duration('30s').describe('Pods that are refused (quota, webhook, pod security)'),
  restarts: z.int().min(1).default(3).describe('Restarts of one container that count as a crash loop'),
})

const environment = z
  .strictObject({
    protected: z
      .boolean()
      .optional()
      .describe('Write operations need the typed name of the environment. Default: true for production'),
    aws: aws.optional(),
    terraform: terraform
      .optional()
      .describe('The infrastructure; by default that of every environment with aws'),
    cluster: z
      .union([eksCluster, kubeconfigCluster, sandboxCluster], {
        error: 'write one of: {eks: NAME}, {kubeconfig: FILE, context: NAME}, {sandbox: {}}',
      })
      .describe('Where the services run'),
    namespace: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a namespace is lower-case letters, digits and dashes')
      .optional()
      .describe('Default: emr-platform-<environment>'),
    gateway: z
      .url({ protocol: /^https?$/, error: 'write a URL such as https://api.example.com' })
      .optional()
      .describe('Where smoke tests reach the gateway. Default: the host of its Ingress'),
    values: z
      .array(template('chart', 'service', 'environment'))
      .default(['{chart}/values-{environment}.yaml'])
      .describe('Helm values files in order; {chart}, {service} and {environment} are filled in'),
    concurrency: z.int().min(1).max(32).default(4).describe('Services that are deployed at the same time'),
    rollout: rollout.prefault({}),
    database: databaseSchema.optional(),
    backup: backupSchema.optional(),
  })
  .refine((value) => !('eks' in value.cluster) || value.aws !== undefined, {
    path: ['aws'],
    error: 'an environment on EKS needs its AWS account: aws: {accountId: "…", region: …}',
  })
  .refine((value) => value.terraform === undefined || value.aws !== undefined, {
    path: ['aws'],
    error: 'terraform needs the AWS account that it works in: aws: {accountId: "…", region: …}',
  })

const tools = z.strictObject({
  helm: z
    .string()
    .optional()
    .describe('Path of helm. Default: the one on PATH, else the one that emr brings'),
  kubectl: z.string().optional().describe('Path of kubectl. Default: as helm'),
  terraform: z.string().optional().describe('Path of terraform. Default: the one on PATH'),
})

/** The file emr.config.yaml. Strict: a key that is not here is an error, not a setting that does nothing. */
export const configSchema = z.strictObject({
  defaultEnvironment: z.string().optional().describe('Used by commands that name no environment'),
  services: z.record(
    z
      .string()
      .regex(SERVICE_NAME, 'a service name is a label of at most 53 characters')
      .refine((name) => !(name in {}), 'a service cannot have this name'),
    service,
  ),
  environments: z.record(
    z
      .string()
      .regex(ENVIRONMENT_NAME, 'an environment name is a label of at most 40 characters')
      .refine((name) => !(name in {}), 'an environment cannot have this name'),
    environment,
  ),
  smokeTests: z
    .string()
    .default('smoke-tests.yaml')
    .describe('File of the smoke tests, relative to the configuration'),
  tools: tools.prefault({}),
})

/** The terraform section of an environment that has none. */
export const terraformDefaults = terraform.parse({})

export type ConfigFile = z.infer<typeof configSchema>
