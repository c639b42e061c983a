import type { Job } from 'kubernetes-types/batch/v1.js'
import type { PodSpec, Volume } from 'kubernetes-types/core/v1.js'
import type { JobSettings } from '../../domain/backup/settings.ts'
import { RESULT_LINE_VARIABLE } from '../../domain/result-line.ts'

/** Name of the one container. */
const CONTAINER = 'emr'
/** Where the password is in the pod, when a Secret of Kubernetes has it. */
export const PASSWORD_FILE = '/etc/emr-database/password'
/** Time for a run that is stopped to give its locks back, in seconds. */
export const GRACE_SECONDS = 60

const CONFIG_FOLDER = '/etc/emr'
const CONFIG_FILE = 'emr.config.yaml'
const CONFIG_ANNOTATION = 'emr/config'
/** The user of the image. */
const USER = 10_001
const DAY_SECONDS = 86_400

export interface BackupJobRequest {
  name: string
  environment: string
  /** The words after `emr`. */
  args: string[]
  /** Text of the configuration; it has references to secrets in it, and no secret. */
  config: string
  image: string
  settings: JobSettings
}

/**
 * A Job that runs one command of emr, once. The configuration travels with it as an annotation that the pod sees as a
 * file, so that there is one object to make and one to delete.
 */
export function backupJob(request: BackupJobRequest): Job {
  const { name, environment, settings } = request
  const labels = {
    'app.kubernetes.io/name': 'emr-db-backup',
    'app.kubernetes.io/managed-by': 'emr',
    'emr/environment': environment,
  }
  const annotations = {
    ...settings.annotations,
    // A pod that is moved begins its backup anew.
    'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
    'karpenter.sh/do-not-disrupt': 'true',
    [CONFIG_ANNOTATION]: request.config,
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: DAY_SECONDS,
      ttlSecondsAfterFinished: DAY_SECONDS,
      template: { metadata: { labels, annotations }, spec: podSpec(request) },
    },
  }
}

function podSpec({ args, image, settings }: BackupJobRequest): PodSpec {
  const volumes = volumesOf(settings)
  return {
    restartPolicy: 'Never',
    serviceAccountName: settings.serviceAccount,
    // The token for AWS is mounted by itself; that of the cluster is not needed.
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: CONTAINER,
        image,
        args,
        env: [
          { name: 'EMR_CONFIG', value: `${CONFIG_FOLDER}/${CONFIG_FILE}` },
          { name: RESULT_LINE_VARIABLE, value: '1' },
          { name: 'NO_COLOR', value: '1' },
          { name: 'HOME', value: '/tmp' },
        ],
        resources: {
          requests: { cpu: '1', memory: settings.memory },
          limits: { cpu: '4', memory: settings.memory },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'tmp', mountPath: '/tmp' },
          ...volumes.map(({ name, path }) => ({ name, mountPath: path, readOnly: true })),
        ],
      },
    ],
    volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '1Gi' } }, ...volumes.map(({ volume }) => volume)],
  }
}

function volumesOf({ secret }: JobSettings): { name: string; path: string; volume: Volume }[] {
  const fieldRef = { fieldPath: `metadata.annotations['${CONFIG_ANNOTATION}']` }
  const config: Volume = { name: 'config', downwardAPI: { items: [{ path: CONFIG_FILE, fieldRef }] } }
  const password: Volume | undefined = secret && {
    name: 'password',
    secret: { secretName: secret.name, defaultMode: 0o440, items: [{ key: secret.key, path: 'password' }] },
  }
  return [
    { name: 'config', path: CONFIG_FOLDER, volume: config },
    ...(password ? [{ name: 'password', path: '/etc/emr-database', volume: password }] : []),
  ]
}
