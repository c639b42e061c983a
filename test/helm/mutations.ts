import type { Service } from './charts.ts'
import type { PolicyName } from './policies/index.ts'

/** A mistake in the charts. */
export interface Mutation {
  /** A template of the library, or a file of the chart where the name starts with `chart:`. */
  file: string
  from: string
  to: string
  service: Service
}

/** Text replaced wherever the file has it, in the emr-service, which has everything but an Ingress. */
function changed(file: string, from: string, to: string, service: Service = 'emr-service'): Mutation {
  return { file, from, to, service }
}

/** Whole lines deleted. */
function lost(file: string, lines: string, service: Service = 'emr-service'): Mutation {
  return changed(file, `${lines}\n`, '', service)
}

/** A template of the chart that renders nothing. */
function empty(template: string, object: string, service: Service = 'emr-service'): Mutation {
  return changed(`chart:templates/${template}`, `{{ include "common.${object}" . }}`, '', service)
}

const gateway = 'api-gateway'
const tag = ':{{ .Values.image.tag | default .Chart.AppVersion }}'
const environment = '(include "common.environment" .)'

/** By what must notice them: a policy, or the strict schemas of the objects. */
export const mutations: Record<PolicyName | 'schema', Mutation[]> = {
  // policies/security.ts
  restricted: [
    lost('_security.tpl', 'runAsNonRoot: true'),
    lost('_security.tpl', 'seccompProfile:\n  type: RuntimeDefault'),
    lost('_security.tpl', 'allowPrivilegeEscalation: false'),
    lost('_security.tpl', 'capabilities:\n  drop: [ALL]'),
    changed('_security.tpl', 'runAsUser: 10001', 'runAsUser: 0'),
    changed('_deployment.tpl', 'emptyDir:\n      sizeLimit: 64Mi', 'hostPath:\n      path: /tmp'),
    changed('_deployment.tpl', 'include "common.security.container" .', 'print "{}"'),
    changed('_test.tpl', 'include "common.security.container" .', 'print "{}"'),
  ],
  readOnlyRoot: [lost('_security.tpl', 'readOnlyRootFilesystem: true')],
  numericUser: [lost('_security.tpl', 'runAsUser: 10001')],
  noApiToken: [
    lost('_deployment.tpl', 'automountServiceAccountToken: false'),
    lost('_serviceaccount.tpl', 'automountServiceAccountToken: false'),
    lost('_test.tpl', 'automountServiceAccountToken: false'),
  ],
  iamRole: [
    changed('_serviceaccount.tpl', 'role/emr-platform-%s-%s', 'role/emr-platform-%s-all-%s'),
    changed('_serviceaccount.tpl', environment, '"staging"'),
  ],
  immutableImage: [changed('_image.tpl', tag, ':latest'), changed('_image.tpl', tag, ':v1')],

  // policies/secrets.ts
  secretsByReference: [
    empty('secrets.yaml', 'externalsecret'),
    changed('_externalsecret.tpl', 'kind: ExternalSecret', 'kind: Secret'),
    changed('_externalsecret.tpl', 'deletionPolicy: Retain', 'deletionPolicy: Delete'),
    changed('_externalsecret.tpl', environment, '"staging"'),
  ],
  noPlainSecrets: [
    changed('_configmap.tpl', 'DATABASE_SSL_MODE:', 'DATABASE_PASSWORD: swordfish\nDATABASE_SSL_MODE:'),
    changed('_configmap.tpl', 'REDIS_TLS:', 'REDIS_URL: rediss://app:swordfish@redis\nREDIS_TLS:'),
    changed('_deployment.tpl', '    env:\n', '      - secretRef:\n          name: emr-service\n    env:\n'),
  ],
  encryptedStores: [
    lost('_configmap.tpl', 'DATABASE_SSL_MODE: verify-full'),
    lost('_configmap.tpl', 'DATABASE_SSL_ROOT_CERT: /etc/ssl/certs/rds-global-bundle.pem'),
    lost('_configmap.tpl', 'REDIS_SCHEME: rediss'),
    lost('_configmap.tpl', 'KAFKA_SECURITY_PROTOCOL: SASL_SSL'),
    lost('_configmap.tpl', 'KAFKA_SASL_MECHANISM: AWS_MSK_IAM'),
    changed('_configmap.tpl', 'verify-full', 'require'),
    changed('_configmap.tpl', 'REDIS_TLS: "true"', 'REDIS_TLS: "false"'),
  ],

  // policies/network.ts
  defaultDeny: [
    empty('networkpolicy.yaml', 'networkpolicy'),
    changed('_networkpolicy.tpl', 'policyTypes: [Ingress, Egress]', 'policyTypes: [Ingress]'),
    changed('_networkpolicy.tpl', 'policyTypes: [Ingress, Egress]', 'policyTypes: [Egress]'),
    changed('_networkpolicy.tpl', '  egress:\n', '  egress:\n    - {}\n'),
    changed('_networkpolicy.tpl', ', 169.254.0.0/16', ''),
    changed(
      '_networkpolicy.tpl',
      'namespaceSelector:\n        matchLabels:\n          kubernetes.io/metadata.name: amazon-cloudwatch',
      'namespaceSelector: {}',
    ),
    lost('_networkpolicy.tpl', '        except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16]'),
  ],
  egress: [
    changed('_networkpolicy.tpl', '"kafka" 9098', '"kafka" 9092'),
    changed('_networkpolicy.tpl', '"port" 443', '"port" 80'),
    changed('_networkpolicy.tpl', '$network.databaseCidrs', '$network.privateCidrs'),
  ],
  ingressBlocks: [
    changed('chart:templates/_helpers.tpl', 'public: true', 'public: false', gateway),
    changed('_networkpolicy.tpl', '.Values.network.publicCidrs', '(list "10.0.0.0/16")', gateway),
  ],
  dns: [changed('_networkpolicy.tpl', 'k8s-app: kube-dns', 'k8s-app: dns')],

  // policies/ingress.ts
  onlyEntrance: [empty('ingress.yaml', 'ingress', gateway)],
  tls: [
    lost('_ingress.tpl', 'alb.ingress.kubernetes.io/ssl-redirect: "443"', gateway),
    lost('_ingress.tpl', 'alb.ingress.kubernetes.io/ssl-policy: {{ $ingress.sslPolicy }}', gateway),
    changed('_ingress.tpl', '{{ $ingress.sslPolicy }}', 'ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06', gateway),
    changed('_ingress.tpl', ', {"HTTPS": 443}', '', gateway),
    changed(
      '_ingress.tpl',
      'invalid_header_fields.enabled=true',
      'invalid_header_fields.enabled=false',
      gateway,
    ),
  ],
  host: [
    lost('_ingress.tpl', '  tls:\n    - hosts:\n        - {{ include "common.ingress.host" . }}', gateway),
    changed(
      '_ingress.tpl',
      'rules:\n    - host: {{ include "common.ingress.host" . }}',
      'rules:\n    - host: "*"',
      gateway,
    ),
    changed('chart:values.yaml', '[/api, /health]', '[/]', gateway),
  ],
  backend: [
    changed('_ingress.tpl', 'target-type: ip', 'target-type: instance', gateway),
    changed('_ingress.tpl', 'healthcheck-path: /health/ready', 'healthcheck-path: /health/live', gateway),
    changed('_ingress.tpl', 'name: http\n', 'name: https\n', gateway),
  ],
  guarded: [
    changed(
      '_ingress.tpl',
      'alb.ingress.kubernetes.io/security-groups',
      'alb.ingress.kubernetes.io/groups',
      gateway,
    ),
    changed('_ingress.tpl', 'access_logs.s3.enabled=true', 'access_logs.s3.enabled=false', gateway),
    changed('_ingress.tpl', 'access-logs-%s', 'logs-%s', gateway),
  ],
  ingressClass: [lost('_ingress.tpl', '  ingressClassName: alb', gateway)],
  deletionProtection: [
    changed('_ingress.tpl', 'deletion_protection.enabled=true', 'deletion_protection.enabled=false', gateway),
  ],

  // policies/references.ts
  references: [
    empty('configmap.yaml', 'configmap'),
    empty('serviceaccount.yaml', 'serviceaccount'),
    changed('_externalsecret.tpl', 'target:\n    name: {{ .Chart.Name }}', 'target:\n    name: other'),
    changed('_hpa.tpl', 'kind: Deployment\n    name: {{ .Chart.Name }}', 'kind: Deployment\n    name: other'),
  ],
  ports: [
    changed('_service.tpl', 'port: 8080', 'port: 80'),
    changed('_service.tpl', 'targetPort: http', 'targetPort: web'),
    changed('_deployment.tpl', 'port: http', 'port: web'),
  ],
  mounts: [lost('_deployment.tpl', '  - name: tmp\n    emptyDir:\n      sizeLimit: 64Mi')],

  // policies/workload.ts
  companions: [empty('pdb.yaml', 'pdb'), empty('hpa.yaml', 'hpa'), empty('service.yaml', 'service')],
  stableLabels: [
    changed(
      '_names.tpl',
      'instance: {{ .Release.Name }}\n',
      'instance: {{ .Release.Name }}\nteam: platform\n',
    ),
    changed('_deployment.tpl', 'include "common.podLabels" .', 'include "common.labels" .'),
  ],
  rollout: [
    lost('_deployment.tpl', '  revisionHistoryLimit: 5'),
    lost('_deployment.tpl', '      maxUnavailable: 0'),
    changed('_deployment.tpl', 'revisionHistoryLimit: 5', 'revisionHistoryLimit: 5\n  replicas: 3'),
    changed('_deployment.tpl', 'progressDeadlineSeconds" -}}240', 'progressDeadlineSeconds" -}}600'),
  ],
  probes: [
    changed('_deployment.tpl', 'path: /health/live', 'path: /health/ready'),
    changed(
      '_deployment.tpl',
      'startupProbe:\n  httpGet:\n    path: /health/startup\n    port: http\n',
      'startupProbe:\n',
    ),
    changed('_deployment.tpl', '{{ divf .Values.startupSeconds 5 | ceil }}', '60'),
  ],
  gracefulEnd: [
    changed('_deployment.tpl', 'preStopSeconds" -}}15', 'preStopSeconds" -}}0'),
    changed('_deployment.tpl', 'command: [sleep,', 'command: [echo,'),
    changed('_deployment.tpl', '{{ .Values.terminationGracePeriodSeconds }}', '10'),
  ],
  resources: [
    changed('_deployment.tpl', 'toYaml .Values.resources', 'toYaml (omit .Values.resources "limits")'),
    changed('_deployment.tpl', 'toYaml .Values.resources', 'toYaml (omit .Values.resources "requests")'),
  ],
  autoscaling: [
    changed('_hpa.tpl', '{{ include "common.hpa.minReplicas" . }}', '2'),
    changed('_hpa.tpl', '{{ $autoscaling.maxReplicas }}', '3'),
  ],
  disruption: [
    lost('_pdb.tpl', '  unhealthyPodEvictionPolicy: AlwaysAllow'),
    changed('_pdb.tpl', 'maxUnavailable: 1', 'maxUnavailable: 0'),
  ],
  spread: [
    changed('_deployment.tpl', '"DoNotSchedule"', '"ScheduleAnyway"'),
    changed('_deployment.tpl', 'kubernetes.io/hostname', 'topology.kubernetes.io/region'),
  ],
  hooks: [changed('_test.tpl', 'helm.sh/hook: test', 'helm.sh/hook: pre-upgrade')],

  // Slips of the pen, which a lenient API server drops without a word
  schema: [
    changed('_security.tpl', 'readOnlyRootFilesystem', 'readOnlyRootFileSystem'),
    changed('_pdb.tpl', 'unhealthyPodEvictionPolicy', 'unhealthyPodsEvictionPolicy'),
    changed('_hpa.tpl', 'stabilizationWindowSeconds', 'stabilisationWindowSeconds'),
    changed('_deployment.tpl', 'defaultMode: 288', 'defaultMode: "0440"'),
    changed('_externalsecret.tpl', 'deletionPolicy: Retain', 'deletionPolicy: Keep'),
  ],
}
