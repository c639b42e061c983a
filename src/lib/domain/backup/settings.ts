/** Where a database's password comes from; never the password itself. */
export type PasswordReference = { env: string } | { file: string }

/** How to find a database, with its defaults. */
export interface DatabaseReference {
  /** Identifier of the RDS instance. */
  instance?: string
  /** Name or ARN of a secret of AWS Secrets Manager with username, password and maybe host, port and dbname. */
  secret?: string
  host?: string
  port?: number
  name?: string
  user?: string
  password?: PasswordReference
  tls: { mode: 'verify-full' | 'disable'; rootCertificate?: string }
}

export type StoreReference =
  | { kind: 's3'; bucket: string; prefix: string; kmsKeyId?: string }
  | { kind: 'directory'; path: string }

/** As what a backup runs in the cluster. */
export interface JobSettings {
  image?: string
  /** Its role may read the secret, and read and write the store. */
  serviceAccount: string
  /** Where the password is when AWS Secrets Manager does not have it: a Secret of Kubernetes. */
  secret?: { name: string; key: string }
  /** File in the image: the authorities that sign the database's certificate. */
  rootCertificate: string
  /** Quantity of Kubernetes. */
  memory: string
  annotations: Record<string, string>
}

export interface BackupSettings {
  store: StoreReference
  /** Milliseconds that every moment stays restorable. */
  keepMs: number
  jobs: number
  /** Bytes per second; undefined for no limit. */
  maxRate?: number
  alarm: { ageMs: number; slotBytes: number }
  /** Where what moves the data runs when nothing else is asked for. */
  via: 'direct' | 'job'
  job: JobSettings
  /** Region that gets a copy of each snapshot. */
  snapshotCopy?: { region: string; kmsKeyId: string }
}
