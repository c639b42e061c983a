{{- /*
Every object is named after the chart, not the release: the services find each other by these names, and a second
release of one service in a namespace is a mistake that Helm then refuses.
*/ -}}

{{- /*
What the service is, from its chart's _helpers.tpl. Not values, because an operator cannot choose them:
  public     whether the load balancer reaches it
  callers    services that may call it
  upstreams  services that it calls
  stores     of database, redis, kafka: those it uses
  secrets    its own, beside those of the stores: name for the pods, property of its entry in Secrets Manager
*/ -}}
{{- define "common.profile" -}}
{{- include (printf "%s.profile" .Chart.Name) . -}}
{{- end -}}

{{- /* The environment: what follows `emr-platform-` in the namespace, else global.environment. */ -}}
{{- define "common.environment" -}}
{{- $named := trimPrefix "emr-platform-" (regexFind "^emr-platform-.+" .Release.Namespace) -}}
{{- $declared := .Values.global.environment -}}
{{- if $named -}}
  {{- $named -}}
{{- else if $declared -}}
  {{- $declared -}}
{{- else if eq .Release.Namespace "default" -}}
  {{- /* nobody chose a namespace: `helm template` and `helm lint` as they come */ -}}
  development
{{- else -}}
  {{- fail (printf "%s: the namespace %s names no environment; use --namespace emr-platform-<environment> or --set global.environment=<environment>" .Chart.Name .Release.Namespace) -}}
{{- end -}}
{{- end -}}

{{- /* Labels that tie a Deployment to its pods. Immutable in the cluster: name and instance, never a version. */ -}}
{{- define "common.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* Labels of the pods. Without helm.sh/chart: a new chart version alone must not restart anything. */ -}}
{{- define "common.podLabels" -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/version: {{ include "common.version" . | quote }}
app.kubernetes.io/part-of: emr-platform
{{- end -}}

{{- /* Labels of every other object. */ -}}
{{- define "common.labels" -}}
{{ include "common.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* The version that runs, as a label value: at most 63 letters, digits, `.`, `_`, `-`. */ -}}
{{- define "common.version" -}}
{{- .Values.image.tag | default .Chart.AppVersion | trunc 63 | trimAll "._-" -}}
{{- end -}}
