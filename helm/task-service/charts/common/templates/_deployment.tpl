{{- /* Seconds between "this pod is ending" and SIGTERM: load balancers and kube-proxy stop sending it requests. */ -}}
{{- define "common.deployment.preStopSeconds" -}}15{{- end -}}

{{- /* Seconds without progress after which Kubernetes calls a roll-out failed. */ -}}
{{- define "common.deployment.progressDeadlineSeconds" -}}240{{- end -}}

{{- /* No `replicas`: the HorizontalPodAutoscaler sets them, and each upgrade would set them back. */ -}}
{{- define "common.deployment" -}}
{{- include "common.validate" . -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
spec:
  revisionHistoryLimit: 5
  progressDeadlineSeconds: {{ include "common.deployment.progressDeadlineSeconds" . }}
  minReadySeconds: 2
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 25%
      maxUnavailable: 0
  selector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "common.podLabels" . | nindent 8 }}
      annotations:
        {{- include "common.deployment.podAnnotations" . | nindent 8 }}
    spec:
      {{- include "common.deployment.podSpec" . | nindent 6 }}
{{- end -}}

{{- /* The chart's own annotations, and those of the values, which win. */ -}}
{{- define "common.deployment.podAnnotations" -}}
{{- $own := include "common.deployment.ownAnnotations" . | fromYaml -}}
{{- toYaml (merge (deepCopy .Values.podAnnotations) $own) -}}
{{- end -}}

{{- /* The checksums restart the pods when their settings change, or the list of their secrets; rotated values do not. */ -}}
{{- define "common.deployment.ownAnnotations" -}}
checksum/config: {{ include "common.configmap.data" . | sha256sum }}
checksum/secrets: {{ include "common.externalsecret.data" . | sha256sum }}
prometheus.io/scrape: "true"
prometheus.io/port: "8080"
prometheus.io/path: /metrics
{{- end -}}

{{- define "common.deployment.podSpec" -}}
serviceAccountName: {{ .Chart.Name }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
securityContext:
  {{- include "common.security.pod" . | nindent 2 }}
topologySpreadConstraints:
  {{- include "common.deployment.topologySpread" . | nindent 2 }}
containers:
  - name: {{ .Chart.Name }}
    image: {{ include "common.image" . | quote }}
    imagePullPolicy: IfNotPresent
    securityContext:
      {{- include "common.security.container" . | nindent 6 }}
    ports:
      - name: http
        containerPort: 8080
        protocol: TCP
    envFrom:
      - configMapRef:
          name: {{ .Chart.Name }}
    env:
      - name: SECRETS_PATH
        value: /etc/emr-platform/secrets
    {{- include "common.deployment.probes" . | nindent 4 }}
    lifecycle:
      preStop:
        # Needs `sleep` in the image; `preStop.sleep` would not, but needs Kubernetes 1.30
        exec:
          command: [sleep, {{ include "common.deployment.preStopSeconds" . | quote }}]
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    volumeMounts:
      - name: secrets
        mountPath: /etc/emr-platform/secrets
        readOnly: true
      - name: tmp
        mountPath: /tmp
volumes:
  # Files, not environment variables: those show up in crash dumps and child processes
  - name: secrets
    secret:
      secretName: {{ .Chart.Name }}
      defaultMode: 288 # 0440
  - name: tmp
    emptyDir:
      sizeLimit: 64Mi
{{- end -}}

{{- /*
Pods of one revision spread over zones and nodes. In production a pod waits rather than crowd a zone: three pods in
one zone are no better than one when it fails.
*/ -}}
{{- define "common.deployment.topologySpread" -}}
- topologyKey: topology.kubernetes.io/zone
  maxSkew: 1
  whenUnsatisfiable: {{ eq (include "common.environment" .) "production" | ternary "DoNotSchedule" "ScheduleAnyway" }}
  labelSelector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
- topologyKey: kubernetes.io/hostname
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end -}}

{{- /* Live means "do not restart me"; ready means "send me requests" and may ask the database. Never one path for both. */ -}}
{{- define "common.deployment.probes" -}}
startupProbe:
  httpGet:
    path: /health/startup
    port: http
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: {{ divf .Values.startupSeconds 5 | ceil }}
livenessProbe:
  httpGet:
    path: /health/live
    port: http
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet:
    path: /health/ready
    port: http
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end -}}
