{{- define "common.notes" -}}
{{- $environment := include "common.environment" . -}}
{{ .Chart.Name }} for {{ $environment }}: {{ include "common.image" . }}

  Follow the roll-out   kubectl rollout status deployment/{{ .Chart.Name }} --namespace {{ .Release.Namespace }}
  Ask for its health    helm test {{ .Release.Name }} --namespace {{ .Release.Namespace }}
  Go back               helm rollback {{ .Release.Name }} --namespace {{ .Release.Namespace }}
{{- if (include "common.profile" . | fromYaml).public }}

Clients reach it at https://{{ include "common.ingress.host" . }}
{{- else }}

Pods of {{ include "common.profile" . | fromYaml | dig "callers" list | join ", " }} reach it at http://{{ .Chart.Name }}:8080
{{- end }}
{{- if not .Values.global.aws.accountId }}

No AWS account is set: the image comes from no private registry and the pods have no IAM role.
Add --values helm/{{ .Chart.Name }}/values-{{ $environment }}.yaml, or --set-string global.aws.accountId=... and global.aws.region=...
{{- end }}
{{- end -}}
